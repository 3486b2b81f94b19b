"""What a server has to be, so that what it commits is kept."""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from ..errors import SchemaError
from .project_row import require_synchronous

OLDEST_SERVER: Final = 16
SERVER: Final = text(
    "SELECT current_setting('server_version_num')::int / 10000 AS version,"
    " current_setting('synchronous_commit') AS synchronous_commit,"
    " current_setting('fsync') AS fsync"
)


def require_durable(version: int, synchronous_commit: str, fsync: str) -> None:
    """Refuse a server on which a crash may take what was acknowledged; takes a row of `SERVER`.

    Raises:
        SchemaError: It is too old, or gives up durability.
    """
    if version < OLDEST_SERVER:
        raise SchemaError(
            f"the server is PostgreSQL {version}; sapwood needs {OLDEST_SERVER} or later"
        )
    require_synchronous(synchronous_commit)
    if fsync != "on":
        raise SchemaError(
            "the server runs with fsync = off, so a crash may destroy what was acknowledged. Set "
            "fsync = on in postgresql.conf and restart it."
        )
