"""What `sapwood verify` and `sapwood rebuild` say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict

from ..errors import DivergedError, SapwoodError, StaleReadError, StalledError
from ..model import Difference  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from ..model import Verification

NOT_COMPARED = (DivergedError, StalledError, StaleReadError)
"""Errors that say something about the project: its graph is not where it can be compared."""


class VerifyReport(BaseModel):
    """The document of `sapwood verify --json` and `rebuild --json`. Keys are only ever added.

    Attributes:
        state: `same` and `different` if they were compared; `stalled`, `diverged` or `pending` if
            the graph did not get there, and then `problem` says why and the counts are null.
        seq: Journal position up to which they were compared.
        found: How many differences there are; `differences` has the first 100.
        given_up: What a rebuild gave up, if graph and journal told different histories; else null.
    """

    model_config = ConfigDict(frozen=True)

    project_id: str
    ok: bool
    state: Literal["same", "different", "stalled", "diverged", "pending"]
    problem: str | None = None
    seq: int | None = None
    journal_nodes: int | None = None
    graph_nodes: int | None = None
    journal_digest: str | None = None
    graph_digest: str | None = None
    found: int | None = None
    differences: tuple[Difference, ...] = ()
    given_up: str | None = None

    @classmethod
    def of(cls, found: Verification) -> Self:
        """Return the report of a comparison."""
        return cls(ok=found.ok, state="same" if found.ok else "different", **found.model_dump())

    @classmethod
    def of_error(cls, project_id: str, exc: SapwoodError) -> Self:
        """Return the report of one of `NOT_COMPARED`."""
        state: Literal["stalled", "diverged", "pending"] = "pending"
        if isinstance(exc, StalledError):
            state = "stalled"
        elif isinstance(exc, DivergedError):
            state = "diverged"
        return cls(project_id=project_id, ok=False, state=state, problem=str(exc))

    def rows(self) -> list[tuple[object, ...]]:
        """What is printed: figures, then differences."""
        rows: list[tuple[object, ...]] = [("project", self.project_id), ("state", self.state)]
        if self.problem is None:
            rows += [
                ("position", self.seq),
                ("nodes in the journal", self.journal_nodes),
                ("nodes in the graph", self.graph_nodes),
                ("digest of the journal", self.journal_digest),
                ("digest of the graph", self.graph_digest),
                ("differences", self.found),
            ]
        return rows + [(each.node_id, each.problem) for each in self.differences]

    def words(self) -> str:
        """What it means, and what to do."""
        if self.ok:
            same = "The graph is what the journal says."
            return same if self.given_up is None else f"{same} Given up: {self.given_up}."
        if self.problem is not None:
            return self.problem
        return (
            "The graph is not what the journal says. PostgreSQL is the authority; to make the "
            f"graph again from it, run: sapwood rebuild {self.project_id}"
        )
