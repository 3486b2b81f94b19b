"""The connection pool, its transactions, and the schema's life."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from ..errors import SapwoodError, SettingsError
from ..transport import require_private
from ..turns import Turns
from . import schema
from .driver import driver
from .durability import SERVER, require_durable
from .engine import make_engine
from .partitions import require_number
from .translate import DRIVER_ERRORS, STORE, is_lost, translate
from .urls import parse_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from pydantic import SecretStr
    from sqlalchemy.ext.asyncio import AsyncEngine

PING_AFTER_S: Final = 1.0
"""A connection that was idle for longer is asked for a sign of life before it is used."""
_PING_TIMEOUT_S: Final = 5.0
_GRACE_S: Final = 5.0
"""How much longer than the server's own timeout the client waits for an answer."""

_SESSION: Final = (
    "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false),"
    " set_config('idle_in_transaction_session_timeout', $1, false),"
    # A plan made while a table was empty is kept for long; it must be the one for a full table.
    " set_config('enable_seqscan', 'off', false)"
)
_PATIENT: Final = (
    "SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN ('statement_timeout',"
    " 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')"
)
_SNAPSHOT: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_AUTOCOMMIT: Final = {"isolation_level": "AUTOCOMMIT"}
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED"
_COMMIT: Final = "COMMIT;"
_ROLLBACK: Final = "ROLLBACK;"
_TRANSACTION_TIMEOUT: Final = "SELECT set_config('transaction_timeout', $1, false)"


class Database:
    """A PostgreSQL database that holds schema `sapwood`.

    Guarantees:
        Nothing that it raises, prints or logs holds the password or a statement's parameters.
        Each connection has a statement, lock, idle and (from PostgreSQL 17) transaction timeout,
        so no transaction of this process keeps a project locked for ever, whatever dies. No call
        waits for ever for a server or a network that went silent.

    Args:
        url: `postgresql://user:password@host/name?sslmode=…`, also `postgres://` and
            `postgresql+asyncpg://`; a socket's folder goes into `?host=/folder`. What it leaves
            out comes from the `PG*` variables.
        pool_size: Most connections that are open at once, 1 at least.
        connect_timeout_s: For one connection; the URL's own `connect_timeout` wins.
        statement_timeout_s: For one statement; a transaction may take twice as long.
        lock_timeout_s: For one lock, such as another writer's on the project.
        pool_timeout_s: For a connection to come free.
        allow_insecure: Go to another machine even without TLS, or with any certificate.

    Raises:
        SettingsError: `url` is no PostgreSQL URL, or names another machine without TLS.
    """

    def __init__(
        self,
        url: str | SecretStr,
        *,
        pool_size: int = 10,
        connect_timeout_s: float = 10.0,
        statement_timeout_s: float = 60.0,
        lock_timeout_s: float = 30.0,
        pool_timeout_s: float = 30.0,
        allow_insecure: bool = False,
    ) -> None:
        self._address = parse_url(url)
        if not (allow_insecure or self._address.is_verified):
            way = "add ?sslmode=verify-full&sslrootcert=/path/to/ca.crt"
            require_private("postgresql", self._address.hosts, way)
        self._connect_timeout_s = self._address.connect_timeout_s or connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._transaction_timeout_s = 2 * statement_timeout_s
        self._lock_timeout_s = lock_timeout_s
        self._engine = make_engine(
            self._connect,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout_s,
            pool_use_lifo=True,
        )
        self._pool = pool_size, pool_timeout_s
        self._turns = Turns(STORE, *self._pool)
        event.listen(self._engine.sync_engine, "checkin", _note_use)
        event.listen(self._engine.sync_engine, "checkout", _require_alive)

    def __repr__(self) -> str:
        return f"Database({self._address.label!r})"

    @property
    def engine(self) -> AsyncEngine:
        """SQLAlchemy's engine, for instrumentation; write through the repositories only."""
        return self._engine

    async def create_tables(self, *, partitions: int | None = None) -> None:
        """Bring the tables to this release's revision; processes that do it at once take turns.

        Args:
            partitions: How many hash partitions by project new tables get that grow with the
                nodes, 2 to 256. It is chosen once: tables that are there keep what they have.

        Cost: two statements when there is nothing to do.

        Raises:
            SchemaError: A newer release made the tables, or they have another number of
                partitions than was asked for. Nothing was changed.
            SettingsError: It is no such number.
        """
        require_number(partitions)
        async with self.transaction() as connection:
            is_current = await schema.current(connection) == schema.head()
            if is_current:
                await schema.require_partitions(connection, partitions)
        if not is_current:
            async with self._patient_connection() as connection:
                await schema.upgrade(connection, partitions)
                await connection.commit()

    async def drop_tables(self) -> None:
        """Drop the tables with everything in them, and schema `sapwood`; nothing if absent.

        Raises:
            SchemaError: A newer release made the tables.
            StoreError: Something of somebody else's depends on them or is in that schema.
        """
        async with self._patient_connection() as connection:
            await schema.drop(connection)
            await connection.commit()

    async def check(self) -> None:
        """Make sure that a commit here is durable and that the tables are this release's.

        Cost: three statements.

        Raises:
            SchemaError: The server is too old, gives up durability, or has other tables; the
                message says what to do.
        """
        async with self.transaction(read_only_snapshot=True) as connection:
            server = (await connection.execute(SERVER)).one()
            require_durable(server.version, server.synchronous_commit, server.fsync)
            schema.require_head(await schema.current(connection))

    async def close(self) -> None:
        """Close the connections. The next call would open new ones."""
        await self._engine.dispose()
        self._turns = Turns(STORE, *self._pool)  # the next loop's

    @asynccontextmanager
    async def transaction(
        self, *, read_only_snapshot: bool = False
    ) -> AsyncGenerator[AsyncConnection]:
        """Run the block in one transaction: commit at its end, roll back if it raises.

        Args:
            read_only_snapshot: All statements see one instant (`REPEATABLE READ`, read only);
                otherwise each sees what was committed before it (`READ COMMITTED`).

        Cost: two round trips, `BEGIN` with the first statement and `COMMIT`; one more if the
        connection was idle.

        Raises:
            UnavailableError: PostgreSQL cannot be reached or asks to come again.
                `unknown_outcome` is set if the connection was lost with a transaction that
                writes open, or if `COMMIT` failed. (A cancelled `COMMIT` is unknown too, but a
                cancellation is never turned into anything else.)
            StoreError: PostgreSQL refused a statement.
        """
        options = _SNAPSHOT if read_only_snapshot else {}
        async with self._lend(options, writes=not read_only_snapshot) as connection:
            yield connection

    @asynccontextmanager
    async def driver_transaction(self) -> AsyncGenerator[asyncpg.Connection]:
        """Run the block in one transaction (`READ COMMITTED`) of the driver's own connection.

        As `transaction`, for what every flush does: a statement costs two fifths of the CPU time
        that it costs through SQLAlchemy, and that is what bounds a flush.

        Cost: two round trips, `BEGIN` and `COMMIT`; one more if the connection was idle.

        Raises:
            UnavailableError, StoreError: As `transaction`.
        """
        async with self._lend({}, writes=True, commit=_commit_driver) as connection:
            raw = await driver(connection)
            await raw.execute(_BEGIN)
            try:
                yield raw
            except Exception as exc:
                if not is_lost(exc):  # SQLAlchemy knows of no transaction, so would leave it open
                    await raw.execute(_ROLLBACK)
                raise

    @asynccontextmanager
    async def single_read(self) -> AsyncGenerator[AsyncConnection]:
        """Lend a connection for one statement that only reads; it is a transaction by itself.

        Cost: one round trip; one more if the connection was idle.

        Raises:
            UnavailableError, StoreError: As `transaction`; the outcome is never unknown.
        """
        async with self._lend(_AUTOCOMMIT, writes=False) as connection:
            yield connection

    @asynccontextmanager
    async def driver_read(self) -> AsyncGenerator[asyncpg.Connection]:
        """Lend the driver's own connection for one reading statement, such as every read's first.

        Cost: as `single_read`, with a third of the CPU time.

        Raises:
            UnavailableError, StoreError: As `transaction`; the outcome is never unknown.
        """
        async with self._lend({}, writes=False, commit=_commit_nothing) as connection:
            yield await driver(connection)

    @asynccontextmanager
    async def _lend(
        self,
        options: Mapping[str, Any],
        *,
        writes: bool,
        commit: Callable[[AsyncConnection], Awaitable[None]] = AsyncConnection.commit,
    ) -> AsyncGenerator[AsyncConnection]:
        began = committing = False
        try:
            async with self._turns.take(), self._engine.connect() as connection:
                if options:
                    await connection.execution_options(**options)
                began = True
                try:
                    # The driver has timeouts, but not for each message that it sends.
                    async with asyncio.timeout(self._transaction_timeout_s + _GRACE_S):
                        yield connection
                        committing = True
                        await commit(connection)
                except BaseException as exc:
                    # A statement that was cancelled may still be under way on its connection,
                    # so that must not go back to the pool.
                    if is_lost(exc) or not isinstance(exc, Exception):
                        await connection.invalidate()
                    raise
        except SapwoodError:
            raise
        except DRIVER_ERRORS as exc:
            unknown = began and (committing or is_lost(exc)) and writes
            raise translate(exc, unknown_outcome=unknown) from exc

    @asynccontextmanager
    async def _patient_connection(self) -> AsyncGenerator[AsyncConnection]:
        """Lend a connection without timeouts: a large table may be rewritten for minutes."""
        engine = make_engine(partial(self._connect, patient=True), poolclass=NullPool)
        try:
            async with engine.connect() as connection:
                yield connection
        except SapwoodError:
            raise
        except DRIVER_ERRORS as exc:
            raise translate(exc) from exc
        finally:
            await engine.dispose()

    async def _connect(self, *, patient: bool = False) -> asyncpg.Connection:
        try:
            connection = await asyncpg.connect(
                self._address.dsn.get_secret_value(),
                timeout=self._connect_timeout_s,  # pyright: ignore[reportArgumentType] (seconds)
                command_timeout=None if patient else self._statement_timeout_s + _GRACE_S,
                server_settings={"application_name": self._address.application_name or "sapwood"},
            )
        except ValueError:
            raise SettingsError(
                f"{self._address.label} cannot be connected to: its host, port or options cannot "
                "be read"
            ) from None  # the message would quote the URL
        try:
            await (connection.fetch(_PATIENT) if patient else self._set_up(connection))
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _set_up(self, connection: asyncpg.Connection) -> None:
        statement, lock = (
            _milliseconds(self._statement_timeout_s),
            _milliseconds(self._lock_timeout_s),
        )
        await connection.fetchrow(_SESSION, statement, lock)
        if connection.get_server_version().major >= 17:
            whole = _milliseconds(self._transaction_timeout_s)
            await connection.fetchrow(_TRANSACTION_TIMEOUT, whole)


async def _commit_driver(connection: AsyncConnection) -> None:
    await (await driver(connection)).execute(_COMMIT)


async def _commit_nothing(_: AsyncConnection) -> None:
    """Leave a statement that is a transaction by itself as it is."""


def _milliseconds(seconds: float) -> str:
    return str(max(1, round(seconds * 1000)))


def _note_use(_connection: Any, record: Any) -> None:
    record.info["sapwood_used_at"] = monotonic()


def _require_alive(connection: Any, record: Any, _proxy: Any) -> None:
    """Let the pool replace a connection that died while it was idle.

    SQLAlchemy's own pre-ping costs three round trips a checkout with this driver. This one sees a
    closed socket for nothing, and asks the server, once, only after a pause.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("the connection was closed while it was idle")
    used_at = record.info.get("sapwood_used_at")
    if used_at is None or monotonic() - used_at <= PING_AFTER_S:
        return
    try:
        connection.run_async(_ping)
    except DRIVER_ERRORS as exc:
        raise DisconnectionError("the connection gave no sign of life") from exc


async def _ping(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT", timeout=_PING_TIMEOUT_S)
