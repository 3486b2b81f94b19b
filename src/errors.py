"""Everything that sapwood raises: one tree, each error says what, which, and what to do next.

SapwoodError
├── ValidationError        a value that one of the stores would refuse (also a ValueError)
├── ConflictError          a known id with another parent or content
├── NotFoundError          no such project, node, rubric or principle (also a LookupError)
├── RejectedItemsError     a racing writer made items of a flush invalid; the rest is stored
├── FencedError            another writer took the project over
├── ReadOnlyError          the adapter was opened to read
├── ClosedError            the adapter was closed
├── DivergedError          the two stores contradict each other; nothing is guessed
├── StalledError           Neo4j refuses a journal entry; nothing is skipped
├── StaleReadError         the graph did not catch up in time
├── SchemaError            a store's schema is missing, incomplete or of another version
├── JournalError           a journal entry is damaged or of a newer format
├── StoreError             PostgreSQL or Neo4j refused a statement
│   └── UnavailableError   … could not be reached, or asked to come again (retryable)
├── SettingsError          the settings contradict each other
│   └── MissingExtraError   … or packages of an extra are not installed (also an ImportError)
└── ServerError            an embedded server could not be set up, started or stopped

`error.retryable` says whether the same call may succeed later, unchanged. Driver errors are
translated once, at the edge of `graph` and of `relational`, and kept as `__cause__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from .model import RejectedItem


class SapwoodError(Exception):
    """Base of every error that sapwood raises on purpose."""

    retryable: ClassVar[bool] = False


class ValidationError(SapwoodError, ValueError):
    """A value that one of the stores would refuse. Nothing of the call was queued."""

    def __init__(self, item: str, field: str, problem: str) -> None:
        super().__init__(f"{item}: {field} {problem}")
        self.item = item
        self.field = field


class ConflictError(SapwoodError):
    """A known node id came with another parent or content. Nothing of the call was queued."""


class NotFoundError(SapwoodError, LookupError):
    """There is no such project, node, rubric or principle."""

    @classmethod
    def node(cls, project_id: str, node_id: str) -> Self:
        """Return the error for a node that a project has not."""
        return cls(f"node {node_id}: project {project_id!r} has no such node")


class RejectedItemsError(SapwoodError):
    """Items that a racing writer made invalid were left out of a flush; the rest is stored."""

    def __init__(self, rejected: Sequence[RejectedItem]) -> None:
        first = rejected[0]
        super().__init__(
            f"{len(rejected)} item(s) were left out because another writer came first, or their "
            f"node is in quarantine; the rest is stored. First: {first.kind} {first.node_id}: "
            f"{first.reason}. Load these nodes again before saving them; a save that raised this "
            "queued nothing, so repeat it."
        )
        self.rejected = tuple(rejected)


class FencedError(SapwoodError):
    """Another writer took the project over. Nothing of this batch was stored."""

    def __init__(self, project_id: str, pending: Sequence[str]) -> None:
        shown = ", ".join(pending[:5]) + (", …" if len(pending) > 5 else "")
        super().__init__(
            f"project {project_id!r} was taken over by a newer writer; {len(pending)} item(s) of "
            f"this one are not stored ({shown}). Stop this writer, or call rejoin() to go on."
        )
        self.project_id = project_id
        self.pending = tuple(pending)


class ReadOnlyError(SapwoodError):
    """The adapter was opened with `mode="read"`."""


def read_only(project_id: str) -> ReadOnlyError:
    """Return the error for a write by a reader."""
    return ReadOnlyError(
        f"project {project_id!r} was opened to read; open it with mode='own' or 'join' to write"
    )


class ClosedError(SapwoodError):
    """The adapter was closed, or belongs to another event loop or process."""


class DivergedError(SapwoodError):
    """The graph and the journal contradict each other; reading on would be silently wrong."""


class StalledError(SapwoodError):
    """Neo4j refuses a journal entry. Later entries wait behind it; nothing is skipped."""

    def __init__(self, project_id: str, seq: int, cause: str) -> None:
        super().__init__(
            f"project {project_id!r} is stalled at journal position {seq}: {cause}. Flushes go on "
            "into PostgreSQL, up to max_lag. Mend the cause in Neo4j; the next contact goes on. "
            f"`sapwood doctor --bisect {project_id}` says which node it is, and what to do."
        )
        self.project_id = project_id
        self.seq = seq


class StaleReadError(SapwoodError):
    """Neo4j did not answer, at the journal's head, within the time a read may wait."""

    retryable = True

    def __init__(
        self, project_id: str, applied: int | None, head: int, cause: StoreError | None = None
    ) -> None:
        at = "an unknown position" if applied is None else f"position {applied}"
        what_to_do = "read again once Neo4j has caught up."
        if applied is not None and applied >= head:
            what_to_do = "Neo4j has it and gave no answer in time: ask again, or raise read_wait_s."
        super().__init__(
            f"the graph of project {project_id!r} is at {at} and the journal at {head}. What was "
            f"flushed is safe in PostgreSQL; {what_to_do}"
            + (f" It is kept from it by this: {cause}" if cause else "")
        )
        self.applied = applied
        self.head = head


class SchemaError(SapwoodError):
    """A store's schema is missing, incomplete, or of another version."""


class JournalError(SapwoodError):
    """A journal entry is damaged, or was written by a newer release."""


class StoreError(SapwoodError):
    """PostgreSQL or Neo4j refused a statement for good.

    Attributes:
        store: `postgresql` or `neo4j`.
        code: SQLSTATE or Neo4j status code, if the server gave one.
        too_big: the transaction took more memory or time than there is; a smaller one may pass.
        unknown_outcome: the connection was lost while a commit was under way, so it may or may
            not have happened.
    """

    def __init__(
        self,
        store: str,
        problem: str,
        *,
        code: str | None = None,
        too_big: bool = False,
        unknown_outcome: bool = False,
    ) -> None:
        super().__init__(f"{store}: {problem}" + (f" [{code}]" if code else ""))
        self.store = store
        self.code = code
        self.too_big = too_big
        self.unknown_outcome = unknown_outcome


class UnavailableError(StoreError):
    """A store could not be reached, or asked to try again: deadlock, restart, lost connection."""

    retryable = True


class SettingsError(SapwoodError):
    """The settings contradict each other, or a needed one is missing."""


class MissingExtraError(SettingsError, ImportError):
    """Packages of an extra are needed, and not installed."""


class ServerError(SapwoodError):
    """An embedded server could not be set up, started or stopped."""
