"""Which error of the driver means what: a table, made with SQLAlchemy's real dialect (C1)."""

from __future__ import annotations

import traceback
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from sapwood.errors import (
    SapwoodError,
    SchemaError,
    SettingsError,
    StoreError,
    UnavailableError,
)
from sapwood.relational.translate import is_lost, translate

SENTINEL = "sentinel-content"
DIALECT: Any = PGDialect_asyncpg
DBAPI: Any = DIALECT.import_dbapi()


def server_error(code: str, message: str = SENTINEL, **fields: str) -> asyncpg.PostgresError:
    """What asyncpg makes of an error message of the server."""
    letters = {"C": code, "M": message, "D": f"Failing row contains ({SENTINEL})"} | fields
    error: asyncpg.PostgresError = asyncpg.PostgresError.new(letters)
    return error


def wrapped(error: Exception, *, lost: bool = False) -> DBAPIError:
    """`error` as SQLAlchemy raises it: mapped by the dialect, chained, and wrapped once more."""
    for base in type(error).__mro__:
        mapped = DBAPI._asyncpg_error_translate.get(base)
        if mapped is not None:
            break
    else:
        raise AssertionError(type(error))
    try:
        raise mapped(error.args[0], error) from error
    except DBAPI.Error as exc:
        result = DBAPIError.instance(
            "INSERT … VALUES ($1)",
            (SENTINEL,),
            exc,
            DBAPI.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=DIALECT(),
        )
        assert isinstance(result, DBAPIError)
        result.__cause__ = exc
        return result


RETRYABLE = [
    "08000", "08003", "08006", "25006", "25P03", "25P04", "40001", "40P01", "53100", "53200",
    "53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05",
]  # fmt: skip
REFUSED = ["22001", "22021", "22P02", "23503", "23505", "23514", "28P01", "3D000", "42501", "XX000"]


@pytest.mark.parametrize("code", RETRYABLE)
def test_what_may_pass_later_is_unavailable(code: str) -> None:
    for error in (server_error(code), wrapped(server_error(code))):
        translated = translate(error)

        assert isinstance(translated, UnavailableError)
        assert translated.code == code
        assert not translated.unknown_outcome


def test_a_full_disk_says_what_to_do() -> None:
    assert "its disk is full; make room there" in str(translate(server_error("53100")))


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_refused_for_good_is_not_retryable(code: str) -> None:
    for error in (server_error(code), wrapped(server_error(code))):
        translated = translate(error)

        assert isinstance(translated, StoreError)
        assert not translated.retryable
        assert translated.code == code


@pytest.mark.parametrize("code", ["42P01", "3F000", "42703"])
def test_missing_tables_say_what_to_call(code: str) -> None:
    with pytest.raises(SchemaError, match="create_tables"):
        raise translate(wrapped(server_error(code)))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        ConnectionResetError(),
        TimeoutError(),
        wrapped(asyncpg.InterfaceError("connection is closed"), lost=True),
        wrapped(asyncpg.ConnectionDoesNotExistError("connection was closed"), lost=True),
        wrapped(asyncpg.InternalClientError("protocol")),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("cannot call Connection.fetch(): connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_connection_is_unavailable_and_in_doubt(error: Exception) -> None:
    assert is_lost(error)
    translated = translate(error, unknown_outcome=True)

    assert isinstance(translated, UnavailableError)
    assert translated.unknown_outcome


def test_a_stale_plan_is_tried_again_because_its_transaction_is_over() -> None:
    stale = asyncpg.InvalidCachedStatementError("cached statement plan is invalid")

    assert isinstance(translate(wrapped(stale)), UnavailableError)
    assert not is_lost(wrapped(stale))


def test_an_exhausted_pool_is_unavailable_but_nothing_was_lost() -> None:
    error = PoolTimeoutError("QueuePool limit of size 1 overflow 0 reached")

    assert isinstance(translate(error), UnavailableError)
    assert "pool" in str(translate(error))
    assert not is_lost(error)


def test_a_wrong_option_is_a_matter_of_settings() -> None:
    error = asyncpg.ClientConfigurationError("sslmode must be one of …")

    assert isinstance(translate(error), SettingsError)


@pytest.mark.parametrize("code", [*RETRYABLE, *REFUSED, "42P01"])
def test_no_error_repeats_contents_or_parameters(code: str) -> None:
    """F5: PostgreSQL quotes values in the message of some errors and in the details of most."""
    quoting = {"22001", "22021", "22P02", "23503", "23505", "23514", "XX000", "42P01"}
    message = SENTINEL if code in quoting else "too many connections"
    for error in (server_error(code, message), wrapped(server_error(code, message))):
        assert SENTINEL not in printed(error)


@pytest.mark.parametrize("lost", [True, False])
def test_what_a_traceback_shows_of_each_cause_can_still_be_read(lost: bool) -> None:
    """F5: what is taken out of an error leaves it an error that can be printed."""
    cut = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    error = wrapped(cut, lost=lost)
    shown = printed(error)

    assert "str() failed" not in shown
    assert "connection was closed in the middle of operation" in shown
    assert "[SQL: INSERT" in str(error)


def test_the_drivers_own_refusal_of_a_value_does_not_repeat_it() -> None:
    error = asyncpg.DataError(f"invalid input for query argument $1: {SENTINEL!r} (expected int)")

    for refused in (error, wrapped(error)):
        assert not is_lost(refused)
        assert SENTINEL not in printed(refused)


def test_a_constraint_is_named() -> None:
    error = server_error("23503", "…", n="fk_principle_score_principle", t="principle_score")

    assert "fk_principle_score_principle" in str(translate(wrapped(error)))


def printed(error: Exception) -> str:
    """What a log shows of the translated error: itself and its causes."""
    try:
        raise translate(error) from error
    except SapwoodError as exc:
        return "".join(traceback.format_exception(exc)) + repr(exc)
