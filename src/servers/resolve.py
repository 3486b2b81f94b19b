"""Deciding between the servers that were given and the embedded ones: both or neither."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from ..errors import SettingsError
from .endpoints import Endpoints
from .folder import default_data_dir
from .ports import FixedPorts

if TYPE_CHECKING:
    from pathlib import Path

    from .embedded import EmbeddedServers
    from .settings import ServerSettings

_POSTGRES = re.compile(r"^postgres(?:ql)?(?:\+\w+)?://")
_TO_ENCODE = frozenset("/#?[]")
_NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_WAYS_OUT = (
    "Give both (SAPWOOD_DATABASE_URL or DATABASE_URL, and NEO4J_URI with NEO4J_PASSWORD), or unset "
    "this one too and sapwood runs servers of its own."
)


def resolve(settings: ServerSettings, *, data_dir: Path | None = None) -> Endpoints:
    """Find the servers to use; start the embedded ones if none were given.

    Args:
        data_dir: the embedded servers' data folder, before the settings' and the default one.

    Cost: nothing if addresses are given (they are not tried). Else see `EmbeddedServers.up`; it
        blocks, so call it through `asyncio.to_thread`.

    Raises:
        SettingsError: only one of the two servers is given, or an address cannot be one.
        ServerError: the embedded servers cannot be started.
    """
    given = given_endpoints(settings)
    if given is not None:
        return given
    return embedded_servers(settings, data_dir=data_dir).up()


def embedded_servers(settings: ServerSettings, *, data_dir: Path | None = None) -> EmbeddedServers:
    """The embedded servers that the settings describe. Starts nothing.

    Raises:
        MissingExtraError: the extra `embedded` is not installed.
        SettingsError: the mirror's address cannot be one.
    """
    from . import EmbeddedServers  # only here, so that given servers need no extra packages

    _check_mirror(settings)
    return EmbeddedServers(
        data_dir or settings.data_dir or default_data_dir(),
        ports=FixedPorts(settings.postgres_port, settings.neo4j_port, settings.browser_port),
        cache_dir=settings.cache_dir,
        mirror=settings.maven_mirror,
        class_cache=settings.class_cache,
    )


def given_endpoints(settings: ServerSettings) -> Endpoints | None:
    """The servers that were given; None if none was.

    Raises:
        SettingsError: see `resolve`.
    """
    url, uri = settings.database_url, settings.neo4j_uri
    if url is None and uri is None:
        return None
    if url is None or uri is None:
        raise SettingsError(_half_given(settings))
    if settings.neo4j_password is None:
        raise SettingsError(
            f"NEO4J_URI ({settings.origin('neo4j_uri')}) is given without NEO4J_PASSWORD. Set it; "
            "set it to nothing (NEO4J_PASSWORD=) for a server without authentication."
        )
    _check_neo4j_uri(settings, uri)
    names = ("database_url", "neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database")
    return Endpoints(
        database_url=_libpq_url(settings, url),
        neo4j_uri=uri,
        neo4j_username=settings.neo4j_username or "neo4j",
        neo4j_password=settings.neo4j_password,
        neo4j_database=settings.neo4j_database or "neo4j",
        browser_url=None,
        source={name: settings.origin(name) for name in names},
        allow_insecure=settings.allow_insecure,
    )


def _half_given(settings: ServerSettings) -> str:
    if settings.neo4j_uri is None:
        there, missing, gone = "database_url", "Neo4j", "NEO4J_URI"
    else:
        there, missing, gone = "neo4j_uri", "PostgreSQL", "SAPWOOD_DATABASE_URL"
    return (
        f"an address for one server is given ({settings.origin(there)}), but none for {missing} "
        f"({gone} is not set). A tree lives in both. {_WAYS_OUT}"
    )


def _libpq_url(settings: ServerSettings, url: SecretStr) -> SecretStr:
    """The URL without a SQLAlchemy driver name, so that every client understands it."""
    text, where = url.get_secret_value(), settings.origin("database_url")
    found = _POSTGRES.match(text)
    if found is None:
        raise SettingsError(
            f"the database address ({where}) does not begin with postgresql://. Sapwood needs "
            "PostgreSQL: postgresql://user:password@host:5432/database"
        )
    rest = text[found.end() :]
    if _TO_ENCODE.intersection(rest.rpartition("@")[0]) or _split(text) is None:
        raise SettingsError(
            f"the database address ({where}) cannot be read: percent-encode the password in it "
            "(/ is %2F, # is %23, ? is %3F, [ is %5B, ] is %5D, @ is %40)."
        )
    return SecretStr("postgresql://" + rest)


def _check_neo4j_uri(settings: ServerSettings, uri: str) -> None:
    # A refused address is never shown: it may hold a password wherever somebody put it.
    where = settings.origin("neo4j_uri")
    if "@" in uri:  # and then it would be shown by every repr
        raise SettingsError(
            f"NEO4J_URI ({where}) holds a user or password (an @). Put them into NEO4J_USERNAME "
            "and NEO4J_PASSWORD."
        )
    parts = _split(uri)
    if parts is None or parts.scheme not in _NEO4J_SCHEMES or not _names_a_host(parts):
        raise SettingsError(
            f"NEO4J_URI ({where}) cannot be used; it has to look like neo4j://host:7687 or "
            f"bolt://host:7687 (schemes: {', '.join(_NEO4J_SCHEMES)})."
        )


def _check_mirror(settings: ServerSettings) -> None:
    mirror, where = settings.maven_mirror, settings.origin("maven_mirror")
    if mirror is None:
        return
    if "@" in mirror:
        raise SettingsError(
            f"SAPWOOD_MAVEN_MIRROR ({where}) holds a user or password (an @), which would show up "
            "in messages. Put it into ~/.netrc instead."
        )
    parts = _split(mirror)
    if parts is None or parts.scheme not in ("http", "https") or not _names_a_host(parts):
        raise SettingsError(
            f"SAPWOOD_MAVEN_MIRROR ({where}) cannot be used; it has to be the http(s) address of a "
            "Maven repository."
        )


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _names_a_host(parts: SplitResult) -> bool:
    """Say whether there is a host, and no port that is no number."""
    try:
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
