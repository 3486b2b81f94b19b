"""`sapwood.open`: an adapter that brings its servers along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .adapter import AsyncStorageAdapter
from .stores import FoundStores

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from .servers import Endpoints
    from .settings import Mode, Options


def open(  # noqa: A001
    project_id: str,
    *,
    title: str = "",
    mode: Mode = "own",
    database_url: str | None = None,
    neo4j_uri: str | None = None,
    neo4j_username: str | None = None,
    neo4j_password: str | None = None,
    neo4j_database: str | None = None,
    data_dir: Path | None = None,
    allow_insecure: bool | None = None,
    **options: Unpack[Options],
) -> AsyncStorageAdapter:
    """Return an adapter for a project; use it with `async with`.

    The servers are those of the arguments, else of the environment or `.env`
    (`SAPWOOD_DATABASE_URL` or `DATABASE_URL`; `NEO4J_URI`, `NEO4J_USERNAME`, `NEO4J_PASSWORD`,
    `NEO4J_DATABASE`), else the embedded ones, which are started if need be and go on running.
    Schemas are brought up to date; the project is made if it is new.

    Args:
        project_id: Your name for it: `[A-Za-z0-9._-]`, at most 64 bytes.
        title: Title of a new project.
        mode: `own`, `join` or `read`: see `AsyncStorageAdapter`.
        database_url: PostgreSQL 16 or later, `postgresql://…`; goes with `neo4j_uri`.
        neo4j_uri: Neo4j 2026, `bolt://`, `neo4j://` and their `+s` forms.
        neo4j_username: The user to log in as.
        neo4j_password: Their password.
        neo4j_database: Name of the Neo4j database.
        data_dir: Folder of the embedded servers' data; the user's own if `None`.
        allow_insecure: Go to servers on other machines without TLS and a verified certificate too;
            `SAPWOOD_ALLOW_INSECURE` if `None`, and that is off.
        **options: See `sapwood.settings.Settings`.

    Raises:
        ValidationError: A name or an option is out of bounds.
        SettingsError, ServerError, UnavailableError, SchemaError: On opening, each saying what
            to do.
    """

    def find_servers() -> Endpoints:
        from .servers import ServerSettings, resolve

        given = {
            "database_url": database_url,
            "neo4j_uri": neo4j_uri,
            "neo4j_username": neo4j_username,
            "neo4j_password": neo4j_password,
            "neo4j_database": neo4j_database,
            "allow_insecure": allow_insecure,
        }
        arguments = {name: value for name, value in given.items() if value is not None}
        return resolve(ServerSettings(**arguments), data_dir=data_dir)

    return _OpenedAdapter(FoundStores(find_servers), project_id, title, mode, options)


class _OpenedAdapter(AsyncStorageAdapter):
    """An adapter over stores that it finds, brings up to date and closes itself."""

    def __init__(
        self, stores: FoundStores, project_id: str, title: str, mode: Mode, options: Options
    ) -> None:
        self._begin(stores, project_id, title, mode, options)
