"""Turns the driver's errors into sapwood's, once, by class and by code.

The driver's own classes mislead: memory errors call themselves transient although the same
transaction will never pass, a timeout calls itself the client's fault, and a commit whose answer
was lost is a kind of `ServiceUnavailable`. Messages are written here, since Neo4j's own may quote
property values; the driver's error stays as `__cause__`, without a message that may.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    ConnectionAcquisitionTimeoutError,
    DriverError,
    Forbidden,
    GqlError,
    IncompleteCommit,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
    TransientError,
)

from ..errors import SettingsError, StoreError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Generator

    from ..errors import SapwoodError

STORE = "neo4j"
CONSTRAINT_FAILED = "Neo.ClientError.Schema.ConstraintValidationFailed"

MEMORY = frozenset(
    {
        "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
        "Neo.TransientError.General.OutOfMemoryError",
        "Neo.TransientError.General.StackOverFlowError",
        "Neo.TransientError.General.TransactionMemoryLimit",
        "Neo.TransientError.General.TransactionOutOfMemoryError",
        "Neo.DatabaseError.General.OutOfMemoryError",
        "Neo.DatabaseError.General.StackOverFlowError",
    }
)
"""A smaller transaction may pass; the same one never will."""

COME_AGAIN = frozenset(
    {
        "Neo.ClientError.Transaction.LockClientStopped",
        "Neo.ClientError.Transaction.Terminated",
        "Neo.ClientError.Cluster.NotALeader",
    }
)
"""Passing states of the server that the driver takes for faults of the client."""

GONE = "Neo.ClientError.Statement.EntityNotFound"
"""What a lock was waited for was deleted meanwhile; elsewhere, the store is damaged."""

TIMED_OUT = frozenset(
    {
        "Neo.ClientError.Transaction.TransactionTimedOut",
        "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    }
)
"""The same transaction may pass when the server is less busy; a smaller one sooner."""

HALTED = "Neo.DatabaseError.Transaction.TransactionStartFailed"
"""The database had an error that it could not get over, and waits for a restart."""

_WITHHELD = "withheld, because it may quote a value"
_ID_VALUE = re.compile(r"`(id|child_id)` = '([A-Za-z0-9._-]{1,64})'")


@contextmanager
def translated(*, committing: bool = False) -> Generator[None]:
    """Raise sapwood's error for any error of the driver or the socket inside.

    Args:
        committing: A COMMIT is under way, so a lost answer leaves the outcome unknown.

    A cancellation passes unchanged; during a commit it leaves the outcome unknown, too.
    """
    try:
        yield
    except (Neo4jError, DriverError, OSError) as exc:
        raise translate(exc, committing=committing) from exc


@contextmanager
def locking() -> Generator[None]:
    """Raise what may be tried again if the watermark was deleted while its lock was waited for.

    Put it around `translated`.
    """
    try:
        yield
    except StoreError as exc:
        if exc.code != GONE:
            raise
        problem = "the project was deleted or cleared while its lock was waited for; try again"
        raise UnavailableError(STORE, problem, code=exc.code) from exc


def translate(exc: Exception, *, committing: bool = False) -> SapwoodError:
    """Return the error to raise for `exc`; no text of it holds a parameter or a content."""
    if isinstance(exc, Neo4jError):
        return _from_server(exc, committing=committing)
    if isinstance(exc, IncompleteCommit) or committing:
        return UnavailableError(
            STORE,
            "the connection was lost while a commit was under way; it may have happened",
            unknown_outcome=True,
        )
    if isinstance(exc, TimeoutError):
        return UnavailableError(STORE, "no answer in time; is the server overloaded or cut off?")
    if isinstance(exc, ConnectionAcquisitionTimeoutError):
        return UnavailableError(STORE, "no connection became free in time; raise pool_size")
    if isinstance(exc, (ServiceUnavailable, SessionExpired, OSError)):
        return UnavailableError(STORE, "the server cannot be reached; is it running?")
    if isinstance(exc, ConfigurationError):
        return SettingsError(
            "neo4j: the address or an option of it cannot be used; an address looks like "
            "neo4j://host:7687, or neo4j+s://… for TLS"
        )
    return StoreError(STORE, f"the driver gave up with {type(exc).__name__}")


def _from_server(exc: Neo4jError, *, committing: bool) -> StoreError:
    code = exc.code
    if code in MEMORY:
        problem = (
            "out of memory for this transaction; a smaller one may pass, or a higher "
            "db.memory.transaction.max"
        )
        return StoreError(STORE, problem, code=code, too_big=True)
    if code in TIMED_OUT:
        problem = "the transaction took too long and was ended by the server"
        return UnavailableError(STORE, problem, code=code, too_big=True)
    if code in COME_AGAIN:
        return UnavailableError(STORE, "the server ended the transaction; try again", code=code)
    if isinstance(exc, TransientError):
        return UnavailableError(STORE, "the server asks to try again", code=code)
    refusal = _refusal(exc, code)
    _scrub(exc)
    if code == HALTED:
        problem = (
            "the database has stopped itself, as it does when its disk is full; make room if so, "
            "and restart Neo4j (`sapwood up` restarts an embedded one)"
        )
        return UnavailableError(STORE, problem, code=code)
    if code == "Neo.DatabaseError.Transaction.TransactionCommitFailed" or (
        committing and code.startswith("Neo.DatabaseError.")
    ):
        problem = "a commit failed half-way; it may have happened"
        return UnavailableError(STORE, problem, code=code, unknown_outcome=True)
    return StoreError(STORE, refusal, code=code)


def _scrub(exc: Neo4jError) -> None:
    """Take the server's words out of what a chained traceback would print of it."""
    link: BaseException | None = exc
    while link is not None:
        if isinstance(link, GqlError):
            vars(link).update(_message=_WITHHELD, _gql_status_description=_WITHHELD)
        link = link.__cause__


def _refusal(exc: Neo4jError, code: str) -> str:
    if code == CONSTRAINT_FAILED:
        found = _ID_VALUE.findall(exc.message or "")
        named = f" (node {found[-1][1]})" if found else ""
        return f"this exists already, and a constraint keeps it unique{named}"
    if isinstance(exc, (AuthError, Forbidden)):
        return "the server refuses this user; check user name, password and rights"
    if code == "Neo.ClientError.Database.DatabaseNotFound":
        return (
            "there is no such database, and sapwood makes none; SHOW DATABASES lists what is there "
            "(in Neo4j Community one for data, by default neo4j)"
        )
    return f"the server refused a statement ({exc.gql_status})"
