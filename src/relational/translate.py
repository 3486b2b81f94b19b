"""The one place where the errors of SQLAlchemy, asyncpg and the socket become sapwood's.

SQLAlchemy's classes do not tell a deadlock from a syntax error with this driver, so errors are
told apart by SQLSTATE. What is raised, and what a traceback prints of its causes, never holds
parameters, contents or passwords: PostgreSQL quotes values in some messages and most details.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg
from sqlalchemy.exc import DBAPIError, EmulatedDBAPIException, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import SapwoodError, SchemaError, SettingsError, StoreError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

STORE: Final = "postgresql"
DRIVER_ERRORS: Final = (
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""Everything that a statement, a connection or a socket may raise."""

_RETRYABLE_CLASSES: Final = frozenset({"08", "53"})
_RETRYABLE: Final = {
    "25006": "the server is read-only, as a standby is; a failover may be under way",
    "25P03": "the transaction was idle for too long",
    "25P04": "the transaction took too long",
    "40001": "another transaction came first",
    "40P01": "a deadlock was broken",
    "53100": "its disk is full; make room there, and what waits is stored",
    "55P03": "a lock was not given in time; another writer holds it",
    "57014": "the statement took too long and was cancelled",
    "57P01": "the connection was ended by an administrator or a shutdown",
    "57P02": "the server crashed and is recovering",
    "57P03": "the server is starting up or shutting down",
    "57P05": "the connection was idle for too long",
}
# On another connection, a name may lead to another server: to the new primary after a failover.
_LOST: Final = frozenset({"25006", "25P03", "25P04", "57P01", "57P02", "57P03", "57P05"})
_MISSING: Final = frozenset({"3F000", "42P01", "42703"})
_QUOTABLE_CLASSES: Final = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})
"""SQLSTATE classes whose message names objects and settings, never values."""
_WITHHELD: Final = "message withheld, because it may quote a value"


def translate(exc: BaseException, *, unknown_outcome: bool = False) -> SapwoodError:
    """Return the error to raise from `exc`, and take values out of `exc` and its causes.

    Args:
        exc: One of `DRIVER_ERRORS`, or a cancellation.
        unknown_outcome: A commit was under way, or may have been, when the connection was lost.
    """
    code = sqlstate(exc)
    problem = _problem(exc, code)
    _scrub(exc)
    if code in _MISSING:
        return SchemaError(f"{problem}. Call create_tables(), or upgrade sapwood.")
    if unknown_outcome or _retryable(exc, code):
        return UnavailableError(STORE, problem, code=code, unknown_outcome=unknown_outcome)
    if isinstance(_driver_error(exc), asyncpg.ClientConfigurationError):
        return SettingsError(f"{problem}. Look at the PostgreSQL URL and the PG* variables.")
    return StoreError(STORE, problem, code=code)


def sqlstate(exc: BaseException) -> str | None:
    """Return the SQLSTATE that the server gave, if it did."""
    code = getattr(_driver_error(exc), "sqlstate", None)
    return code if isinstance(code, str) else None


def is_lost(exc: BaseException) -> bool:
    """Return whether `exc` leaves the connection broken, or in doubt."""
    if isinstance(exc, PoolTimeoutError):
        return False
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return True
    code = sqlstate(exc)
    if code is not None:
        return code[:2] == "08" or code in _LOST
    cause = _driver_error(exc)
    return isinstance(cause, (OSError, TimeoutError)) or (
        isinstance(cause, (asyncpg.InterfaceError, asyncpg.InternalClientError))
        and not isinstance(cause, ValueError)
    )


def _retryable(exc: BaseException, code: str | None) -> bool:
    if isinstance(exc, PoolTimeoutError) or is_lost(exc):
        return True
    if isinstance(_driver_error(exc), asyncpg.InvalidCachedStatementError):
        return True
    return code is not None and (code in _RETRYABLE or code[:2] in _RETRYABLE_CLASSES)


def _driver_error(exc: BaseException) -> BaseException:
    """Return asyncpg's or the socket's own error beneath SQLAlchemy's layers."""
    found = exc
    if isinstance(found, DBAPIError) and found.orig is not None:
        found = found.orig
    beneath = found.__cause__
    if beneath is not None and isinstance(beneath, DRIVER_ERRORS):
        return beneath
    return found


def _problem(exc: BaseException, code: str | None) -> str:
    """Say what happened, in words that hold no value."""
    cause = _driver_error(exc)
    if code is not None:
        return _server_problem(cause, code)
    if isinstance(exc, PoolTimeoutError):
        return "no connection of the pool came free in time; raise pool_size or pool_timeout_s"
    if isinstance(cause, TimeoutError):
        return "the server did not answer in time"
    if isinstance(cause, OSError):
        return f"the server cannot be reached ({type(cause).__name__})"
    if is_lost(exc):
        return f"the connection was lost ({type(cause).__name__})"
    return f"the driver refused the call ({type(cause).__name__})"


def _server_problem(cause: BaseException, code: str) -> str:
    message = cause.args[0] if cause.args and isinstance(cause.args[0], str) else ""
    named = [
        f"{kind} {name}"
        for kind in ("table", "column", "constraint")
        if (name := getattr(cause, f"{kind}_name", None))
    ]
    said = _RETRYABLE.get(code) or (
        message if code[:2] in _QUOTABLE_CLASSES and message else type(cause).__name__
    )
    return f"{said} ({', '.join(named)})" if named else said


def _scrub(exc: BaseException) -> None:
    """Take values out of what a chained traceback would print."""
    for link in list(_chain(exc)):
        if isinstance(link, StatementError):
            link.params = None
            link.detail.clear()  # SQLAlchemy's is a list, and `str` reads it
        else:
            _forget_details(link)
        if isinstance(link, (EmulatedDBAPIException, *DRIVER_ERRORS)) and _may_quote(link):
            link.args = (_WITHHELD, *link.args[1:])


def _forget_details(link: Any) -> None:
    """Take away what the server says beside its message."""
    for name in ("detail", "hint", "context", "internal_query"):
        if getattr(link, name, None) is not None:
            setattr(link, name, None)


def _may_quote(link: BaseException) -> bool:
    """Whether the message of `link` may hold a value."""
    code = sqlstate(link)
    if code is not None:
        return code[:2] not in _QUOTABLE_CLASSES
    cause = _driver_error(link)
    if isinstance(cause, asyncpg.InterfaceError):
        return isinstance(cause, ValueError)
    known = (OSError, TimeoutError, PoolTimeoutError, asyncpg.InternalClientError)
    return not isinstance(cause, known)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        waiting += [link.__cause__, link.__context__]
        if isinstance(link, DBAPIError):
            waiting.append(link.orig)
