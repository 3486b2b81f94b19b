"""Neo4j Browser with sapwood's own page beside it: one address that logs in, styles and draws.

Neo4j serves `/browser` from the first `browser/` on its class path. So the published jar is
packed anew into the cache, without the unfinished second browser inside it and with our page.
It stays a jar (not a folder) because Java's class cache accepts jars only.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from ..errors import ServerError

if TYPE_CHECKING:
    from pathlib import Path

    from .endpoints import Endpoints

_PAGES = ("open.html", "open.js", "style.json")
_LEFT_OUT = "browser/preview/"
# Any fixed time: the same pages make the same jar, so a class cache made with it stays valid.
_TIME = (2026, 1, 1, 0, 0, 0)

_log = logging.getLogger("sapwood.servers.browser")


def launcher_url(endpoints: Endpoints, cypher: str) -> str:
    """The address that opens Neo4j Browser logged in, styled, with the result of `cypher` drawn.

    **Treat it as a secret**: its fragment holds the password. Browsers never send a fragment,
    and the page removes it from the address bar; but do not log it, and mind that a command line
    such as `xdg-open ADDRESS` can be read by other users. The password is then kept in that
    browser's local storage, as Neo4j Browser does for any log-in.

    Args:
        cypher: one statement; it runs in a read transaction.

    Raises:
        ServerError: these are not the embedded servers, so the page is not there.
    """
    if endpoints.browser_url is None:
        raise ServerError(
            f"{endpoints.neo4j_uri} is not the embedded Neo4j, which alone has sapwood's launcher "
            "page. Open that server's own Browser instead, and paste the query."
        )
    fragment = urlencode(
        {
            "bolt": endpoints.neo4j_uri,
            "user": endpoints.neo4j_username,
            "pw": endpoints.neo4j_password.get_secret_value(),
            "db": endpoints.neo4j_database,
            "run": cypher,
        },
        quote_via=quote,
    )
    return f"{endpoints.browser_url}sapwood/open.html#{fragment}"


def pack_browser(published: Path, folder: Path) -> Path:
    """Make the jar of the Browser with our pages, once for each version of them.

    Returns:
        Its path, whose name tells the version; or `published` if that cannot be repacked.
    """
    pages = {name: files("sapwood.servers").joinpath("pages", name).read_bytes() for name in _PAGES}
    version = hashlib.sha256(b"".join(pages.values())).hexdigest()[:8]
    target = folder / f"{published.stem}-sapwood-{version}.jar"
    if target.exists():
        return target
    draft = folder / f".{target.name}.{secrets.token_hex(4)}"
    try:
        with zipfile.ZipFile(published) as source, zipfile.ZipFile(draft, "w") as packed:
            _copy(source, packed)
            for name, content in pages.items():
                packed.writestr(zipfile.ZipInfo(f"browser/sapwood/{name}", _TIME), content)
        draft.replace(target)
    except zipfile.BadZipFile:  # pragma: no cover - its hash was checked
        _log.warning("%s is no zip file; the launcher page will be missing", published)
        return published
    finally:
        draft.unlink(missing_ok=True)
    return target


def _copy(source: zipfile.ZipFile, packed: zipfile.ZipFile) -> None:
    for entry in source.infolist():
        # The index lists what was in the published jar and would be wrong now.
        if entry.filename.startswith((_LEFT_OUT, "META-INF/INDEX")):
            continue
        packed.writestr(entry, source.read(entry), compress_type=zipfile.ZIP_DEFLATED)
