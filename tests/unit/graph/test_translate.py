"""Each error of the driver, by class and by code, becomes one of sapwood's (B1 to B3)."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest
from neo4j.exceptions import (
    ConfigurationError,
    ConnectionAcquisitionTimeoutError,
    IncompleteCommit,
    Neo4jError,
    ResultConsumedError,
    ServiceUnavailable,
    SessionExpired,
)

from sapwood.errors import SettingsError, StoreError, UnavailableError
from sapwood.graph.translate import locking, translate, translated

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = "sentinel-content"


def server_error(code: str, message: str = CONTENT) -> Neo4jError:
    return Neo4jError._hydrate_neo4j(code=code, message=message)


PASSING = [
    "Neo.TransientError.Transaction.DeadlockDetected",
    "Neo.TransientError.Transaction.LockAcquisitionTimeout",
    "Neo.TransientError.Transaction.BookmarkTimeout",
    "Neo.TransientError.Transaction.Terminated",
    "Neo.TransientError.Transaction.LockClientStopped",
    "Neo.TransientError.General.DatabaseUnavailable",
    "Neo.ClientError.Transaction.LockClientStopped",
    "Neo.ClientError.Security.AuthorizationExpired",
    "Neo.ClientError.Cluster.NotALeader",
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
    "Neo.DatabaseError.Transaction.TransactionStartFailed",
]
MEMORY = [
    "Neo.TransientError.General.MemoryPoolOutOfMemoryError",
    "Neo.TransientError.General.OutOfMemoryError",
    "Neo.TransientError.General.StackOverFlowError",
    "Neo.TransientError.General.TransactionMemoryLimit",
]
TIMED_OUT = [
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
]
FOR_GOOD = [
    "Neo.ClientError.Schema.ConstraintValidationFailed",
    "Neo.ClientError.Security.Unauthorized",
    "Neo.ClientError.Security.Forbidden",
    "Neo.ClientError.Statement.SyntaxError",
    "Neo.ClientError.Statement.TypeError",
    "Neo.ClientError.Statement.EntityNotFound",
    "Neo.ClientError.Database.DatabaseNotFound",
    "Neo.DatabaseError.General.UnknownError",
    "Neo.DatabaseError.Statement.ExecutionFailed",
]


@pytest.mark.parametrize("code", PASSING)
@pytest.mark.parametrize("committing", [False, True])
def test_a_passing_state_may_be_tried_again(code: str, committing: bool) -> None:
    error = translate(server_error(code), committing=committing)
    assert isinstance(error, UnavailableError)
    assert error.retryable
    assert not error.unknown_outcome, "the server itself answered"
    assert not error.too_big


@pytest.mark.parametrize("code", TIMED_OUT)
def test_a_transaction_that_took_too_long_may_pass_later_and_a_smaller_one_sooner(
    code: str,
) -> None:
    error = translate(server_error(code))
    assert isinstance(error, UnavailableError)
    assert (error.retryable, error.too_big, error.unknown_outcome) == (True, True, False)


@pytest.mark.parametrize("code", MEMORY)
@pytest.mark.parametrize("committing", [False, True])
def test_out_of_memory_is_no_passing_state(code: str, committing: bool) -> None:
    error = translate(server_error(code), committing=committing)
    assert isinstance(error, StoreError)
    assert error.too_big
    assert not error.retryable
    assert error.code == code


def test_a_transaction_out_of_memory_names_the_setting() -> None:
    assert "db.memory.transaction.max" in str(translate(server_error(MEMORY[0])))


def test_a_database_that_has_stopped_itself_says_what_to_do() -> None:
    error = translate(server_error("Neo.DatabaseError.Transaction.TransactionStartFailed"))
    assert "disk is full; make room if so, and restart Neo4j" in str(error)


def test_what_was_deleted_while_its_lock_was_waited_for_may_be_asked_for_again() -> None:
    with pytest.raises(UnavailableError), locking(), translated():
        raise server_error("Neo.ClientError.Statement.EntityNotFound")
    with pytest.raises(StoreError) as refused, locking(), translated():
        raise server_error("Neo.ClientError.Statement.TypeError")
    assert not refused.value.retryable


@pytest.mark.parametrize("code", FOR_GOOD)
def test_a_refusal_is_for_good(code: str) -> None:
    error = translate(server_error(code))
    assert type(error) is StoreError
    assert not error.retryable
    assert not error.unknown_outcome
    assert error.store == "neo4j"
    assert error.code == code


@pytest.mark.parametrize(
    "lost", [ServiceUnavailable, SessionExpired, ConnectionResetError, TimeoutError, OSError]
)
def test_a_lost_connection_is_a_passing_state(lost: Callable[..., Exception]) -> None:
    error = translate(lost())
    assert isinstance(error, UnavailableError)
    assert not error.unknown_outcome


@pytest.mark.parametrize(
    "lost", [ServiceUnavailable, SessionExpired, ConnectionResetError, TimeoutError, OSError]
)
def test_a_connection_lost_in_a_commit_leaves_the_outcome_unknown(
    lost: Callable[..., Exception],
) -> None:
    error = translate(lost(), committing=True)
    assert isinstance(error, UnavailableError)
    assert error.unknown_outcome


def test_a_commit_without_an_answer_is_unknown_although_a_kind_of_unavailable() -> None:
    """B1: IncompleteCommit is a subclass of ServiceUnavailable."""
    error = translate(IncompleteCommit("lost"))
    assert isinstance(error, UnavailableError)
    assert error.unknown_outcome


@pytest.mark.parametrize("committing", [False, True])
def test_a_commit_that_failed_half_way_is_unknown(committing: bool) -> None:
    """A4."""
    code = "Neo.DatabaseError.Transaction.TransactionCommitFailed"
    error = translate(server_error(code), committing=committing)
    assert isinstance(error, UnavailableError)
    assert error.unknown_outcome


def test_no_free_connection_says_so() -> None:
    error = translate(ConnectionAcquisitionTimeoutError())
    assert isinstance(error, UnavailableError)
    assert "pool_size" in str(error)


def test_an_unusable_address_is_a_matter_of_settings() -> None:
    assert isinstance(translate(ConfigurationError(f"neo4j://u:{CONTENT}@h")), SettingsError)


def test_a_fault_of_ours_in_using_the_driver_is_for_good() -> None:
    error = translate(ResultConsumedError(None, "consumed"))  # pyright: ignore
    assert type(error) is StoreError
    assert "ResultConsumedError" in str(error)


def test_a_broken_constraint_names_ids_and_no_other_value() -> None:
    message = (
        "Node(7) already exists with label `Node` and properties `project_id` = 'secret-project', "
        f"`id` = 'node-1', `content` = '{CONTENT}'"
    )
    error = translate(server_error(FOR_GOOD[0], message))
    assert "node-1" in str(error)
    assert CONTENT not in str(error)
    assert "secret-project" not in str(error)


@pytest.mark.parametrize("code", PASSING + MEMORY + FOR_GOOD)
def test_no_message_repeats_what_the_server_said(code: str) -> None:
    assert CONTENT not in str(translate(server_error(code)))


@pytest.mark.parametrize("code", FOR_GOOD)
def test_no_traceback_repeats_what_the_server_said(code: str) -> None:
    """F5: Neo4j quotes a property's value, in the message and in the status description."""
    with pytest.raises(StoreError) as caught, translated():
        raise server_error(code)
    shown = "".join(traceback.format_exception(caught.value))
    assert "withheld, because it may quote a value" in shown
    assert CONTENT not in shown + str(vars(caught.value.__cause__))


def test_the_cause_is_kept_and_other_errors_pass() -> None:
    lost = ServiceUnavailable("gone")
    with pytest.raises(UnavailableError) as caught, translated():
        raise lost
    assert caught.value.__cause__ is lost
    with pytest.raises(KeyError), translated():
        raise KeyError("ours")
