"""Where the two servers are and how to log in, whoever runs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses and credentials of both servers. Secrets never show in a repr.

    Attributes:
        database_url: libpq style, `postgresql://user:password@host:port/database`.
        neo4j_uri: `bolt://…` for the embedded server; `neo4j://`, `neo4j+s://` … as given else.
        neo4j_username: the user to log in as.
        neo4j_password: their password; empty for a server without authentication.
        neo4j_database: the database in Neo4j, `neo4j` unless given.
        browser_url: Neo4j Browser of the embedded server, else None.
        source: for each of the names above, where its value came from: `embedded`, `argument`,
            `environment NAME`, `.env NAME` or `default`.
        allow_insecure: the user lets contents and passwords travel in the clear.
    """

    database_url: SecretStr
    neo4j_uri: str
    neo4j_username: str
    neo4j_password: SecretStr
    neo4j_database: str
    browser_url: str | None
    source: Mapping[str, str] = field(hash=False)
    allow_insecure: bool = False
