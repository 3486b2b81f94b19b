"""The way to Neo4j: one driver, a transaction at a time, each with a deadline."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncGraphDatabase,
    NotificationMinimumSeverity,
    Query,
)
from neo4j.exceptions import DriverError, Neo4jError
from pydantic import SecretStr

from ..errors import ClosedError, SettingsError
from ..transport import require_private
from ..turns import Turns
from . import schema
from .queries import statement, under_lock
from .translate import STORE, locking, translated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from neo4j import AsyncDriver, AsyncSession, AsyncTransaction, Record

_VERIFIED = frozenset({"neo4j+s", "bolt+s"})
GRACE_S = 5.0
"""How much longer than the server a client waits, so that the server's own answer comes first."""


class Transaction:
    """An open transaction: runs statements by key, commits if it is told to."""

    def __init__(self, inner: AsyncTransaction, deadline_s: float) -> None:
        self._inner = inner
        self._deadline_s = deadline_s

    async def run(self, key: str, **parameters: Any) -> list[list[Any]]:
        """Run the statement of that key; return its rows, each a list in the statement's order."""
        with translated():
            async with asyncio.timeout(self._deadline_s):
                result = await self._inner.run(statement(key).text, parameters)
                return [record.values() async for record in result]

    async def read(self, key: str, take: Callable[[Record], object], **parameters: Any) -> None:
        """Run a reading statement as `Graph.read` does; the lock is kept until the end."""
        with locking(), translated():
            async with asyncio.timeout(self._deadline_s):
                async for record in await self._inner.run(under_lock(key), parameters):
                    take(record)

    async def value(self, key: str, **parameters: Any) -> Any:
        """Run a statement that gives one row; return the row's first value."""
        rows = await self.run(key, **parameters)
        return rows[0][0]

    async def commit(self) -> None:
        """Commit. A lost answer raises `UnavailableError` with `unknown_outcome`."""
        with translated(committing=True):
            async with asyncio.timeout(self._deadline_s):
                await self._inner.commit()


async def _close(session: AsyncSession) -> None:
    """Roll back what was not committed, and give the connection back.

    A rollback that gets no answer happens all the same: the server ends a transaction with its
    connection. What went wrong before it is what the caller has to know.
    """
    try:
        async with asyncio.timeout(GRACE_S):
            await session.close()
    except (Neo4jError, DriverError, OSError):
        await _drop(session)
    except asyncio.CancelledError:
        await _drop(session)
        raise


async def _drop(session: AsyncSession) -> None:
    """End a session without its server; it would else count as open, and warn when deleted."""
    session.cancel()
    with suppress(Neo4jError, DriverError, OSError):
        await session.close()  # has nothing to wait for any more


class Graph:
    """A Neo4j database that holds sapwood's trees.

    Nothing is opened before the first use, which also binds it to the running event loop.

    Args:
        uri: `neo4j://host:port`, or `neo4j+s://…` for TLS; without user or password.
        auth: User name and password.
        database: Name of a Neo4j database that is there.
        pool_size: Most connections at a time, 1 at least.
        timeout_s: Most seconds for one transaction; the server ends it, and all its locks, then.
        connect_timeout_s: Most seconds to open a connection.
        acquire_timeout_s: Most seconds to wait for a free connection. With `connect_timeout_s` it
            bounds the first answer of a connection too, so the two should be less than a read may
            wait: one whose network went silent can then be replaced within that time.
        allow_insecure: Go to another machine even without TLS, or with any certificate.

    Raises:
        SettingsError: `uri` holds a user or a password, or names another machine without TLS.
    """

    def __init__(
        self,
        uri: str,
        *,
        auth: tuple[str, str | SecretStr],
        database: str = "neo4j",
        pool_size: int = 10,
        timeout_s: float = 60.0,
        connect_timeout_s: float = 10.0,
        acquire_timeout_s: float = 15.0,
        allow_insecure: bool = False,
    ) -> None:
        if "@" in urlsplit(uri).netloc:
            raise SettingsError("neo4j: give user and password as auth, not within the address")
        if not allow_insecure and urlsplit(uri).scheme not in _VERIFIED:
            way = "use neo4j+s:// or bolt+s://"
            require_private("neo4j", [urlsplit(uri).hostname or ""], way)
        user, password = auth
        self._uri = uri
        self._user = user
        self._password = password if isinstance(password, SecretStr) else SecretStr(password)
        self._database = database
        self._pool_size = pool_size
        self._timeout_s = timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._acquire_timeout_s = acquire_timeout_s
        self._turns = Turns(STORE, pool_size, acquire_timeout_s)
        self._driver: AsyncDriver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"Graph({self._uri!r}, database={self._database!r})"

    def __reduce__(self) -> str:
        raise TypeError("a Graph holds a password and connections; make one in each process")

    async def create_schema(self) -> None:
        """Create the constraints and indexes that are missing, wait for them, and verify.

        Several processes may do it at once, and again at any time.

        Raises:
            SchemaError: The database has the schema of a newer release, or cannot have this one.

        Cost: one transaction of two statements if all is there; else about ten transactions more,
            and the time to index what is there already.
        Source: `cypher/schema/`.
        """
        await schema.create(self)

    async def verify_schema(self) -> None:
        """Check that every constraint and index is there and online, and the version known.

        Raises:
            SchemaError: It is not so; the message says what is missing and what to do.

        Cost: one transaction of two statements.
        Source: `cypher/schema/indexes.cypher`, `version.cypher`.
        """
        await schema.verify(self)

    async def close(self) -> None:
        """Close all connections, for good; closing twice is fine."""
        self._closed = True
        driver, self._driver = self._driver, None
        if driver is not None:
            with translated():
                await driver.close()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Transaction]:
        """Open a transaction that only reads, and locks nothing; it is rolled back at the end."""
        async with self._transaction(READ_ACCESS) as transaction:
            yield transaction

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[Transaction]:
        """Open a transaction that is rolled back at the end unless it was committed."""
        async with self._transaction(WRITE_ACCESS) as transaction:
            yield transaction

    async def read(self, key: str, take: Callable[[Record], object], **parameters: Any) -> None:
        """Run the reading statement of that key under the lock of its project's watermark.

        Args:
            take: Given the statement's rows one by one, as they come, each with the watermark as
                `mark`; if it finds nothing, one row of nulls beside the mark; nothing at all if the
                project has no watermark.

        Cost: one round trip; it is a transaction by itself.
        """
        deadline = self._first_answer_at()
        async with self._session(WRITE_ACCESS) as session:
            with locking(), translated():
                async with asyncio.timeout_at(deadline):
                    # Answered before it waits for the lock, so a dead connection shows here.
                    query = Query(under_lock(key), timeout=self._timeout_s)
                    result = await session.run(query, parameters)
                async with asyncio.timeout(self._timeout_s + GRACE_S):
                    async for record in result:
                        take(record)

    @asynccontextmanager
    async def _transaction(self, access: str) -> AsyncGenerator[Transaction]:
        deadline = self._first_answer_at()
        async with self._session(access) as session:
            with translated():
                async with asyncio.timeout_at(deadline):
                    inner = await session.begin_transaction(timeout=self._timeout_s)
            yield Transaction(inner, self._timeout_s + GRACE_S)

    @asynccontextmanager
    async def _session(self, access: str) -> AsyncGenerator[AsyncSession]:
        self._connected()  # at once, where it is closed or another loop's
        async with self._turns.take():
            session = self._connected().session(database=self._database, default_access_mode=access)
            try:
                yield session
            except asyncio.CancelledError:
                session.cancel()  # drops the connection, so the server rolls back; no more waiting
                raise
            finally:
                await _close(session)

    def _first_answer_at(self) -> float:
        """Return until when, by the loop's clock, a connection has to be there and to answer."""
        waits_s = self._acquire_timeout_s + self._connect_timeout_s
        return asyncio.get_running_loop().time() + waits_s

    def _connected(self) -> AsyncDriver:
        """Return the driver, made at the first use."""
        loop = asyncio.get_running_loop()
        if self._closed:
            raise ClosedError("this Graph was closed; make a new one")
        if self._driver is None:
            self._driver, self._loop = self._make_driver(), loop
        elif loop is not self._loop:
            raise ClosedError("this Graph belongs to another event loop; make one in each loop")
        return self._driver

    def _make_driver(self) -> AsyncDriver:
        with translated():
            try:
                return AsyncGraphDatabase.driver(
                    self._uri,
                    auth=(self._user, self._password.get_secret_value()),
                    user_agent=f"sapwood/{version('sapwood')}",
                    telemetry_disabled=True,
                    max_connection_pool_size=self._pool_size,
                    connection_timeout=self._connect_timeout_s,
                    connection_write_timeout=GRACE_S + self._timeout_s,
                    connection_acquisition_timeout=self._acquire_timeout_s,
                    liveness_check_timeout=30.0,
                    keep_alive=True,
                    disable_auto_commit_retries=True,
                    notifications_min_severity=NotificationMinimumSeverity.OFF,
                )
            except ValueError as exc:
                raise SettingsError("neo4j: the address is no valid address") from exc
