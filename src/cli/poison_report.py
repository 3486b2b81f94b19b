"""What `sapwood doctor --bisect` says: which items of an entry Neo4j refuses, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict

from ..poison import find_poison
from ..quarantine import What  # noqa: TC001 - pydantic reads the annotations
from .connecting import connected

if TYPE_CHECKING:
    from ..poison import Search
    from ..servers import Endpoints


class RefusedItem(BaseModel):
    """One item that Neo4j refuses.

    Attributes:
        what: A `node` to create, a `change` of one, or a `prune` with this top.
        refusal: What Neo4j answered.
        below: Nodes of the entry that cannot be without it.
        todo: What to do about it.
    """

    model_config = ConfigDict(frozen=True)

    node_id: str
    what: What
    refusal: str
    below: int
    todo: str


class PoisonReport(BaseModel):
    """The document of `sapwood doctor --bisect PROJECT --json`. Keys are only ever added.

    Attributes:
        seq: Position of the entry that was tried; null if the graph has all of the journal.
        tries: Transactions that were tried and rolled back.
        refused: What Neo4j refuses, in the order of the entry.
        refusal: What it answers to the entry although it refuses no item alone.
    """

    model_config = ConfigDict(frozen=True)

    project_id: str
    seq: int | None
    tries: int
    refused: list[RefusedItem]
    refusal: str | None

    @classmethod
    def of(cls, project_id: str, found: Search) -> Self:
        """Return the report of a search."""
        mend = f"mend that in Neo4j, then run: sapwood verify {project_id}"
        refused = [
            RefusedItem(
                **each._asdict(),
                todo=f"{mend}; or leave it out of the graph: sapwood quarantine {project_id} "
                f"{each.node_id} --seq {found.seq} --reason TEXT",
            )
            for each in found.poison
        ]
        return cls(
            project_id=project_id,
            seq=found.seq,
            tries=found.tries,
            refused=refused,
            refusal=found.refusal,
        )

    @property
    def ok(self) -> bool:
        """Whether Neo4j refuses nothing."""
        return not self.refused and self.refusal is None

    def words(self) -> str:
        """What it means."""
        if self.seq is None:
            return "The graph has all of the journal."
        tried = f"Position {self.seq}, tried {self.tries} times and rolled back: "
        if self.refusal is not None:
            return (
                f"{tried}no item alone is refused, and the rest together is: {self.refusal}. Give "
                f"Neo4j more memory for a transaction, then run: sapwood verify {self.project_id}"
            )
        if self.refused:
            return f"{tried}Neo4j refuses {len(self.refused)} of its items."
        return (
            f"{tried}Neo4j refuses nothing of it now, before a commit. To apply it, run: sapwood "
            f"verify {self.project_id}"
        )


async def bisect_project(endpoints: Endpoints, project_id: str) -> PoisonReport:
    """Find what Neo4j refuses of a project's next entry. The schemas are checked, not changed.

    Raises:
        NotFoundError: There is no such project.
        SapwoodError: A store does not answer, or has another schema; or graph and journal differ.
    """
    async with connected(endpoints) as stores:
        await stores.db.check()
        await stores.graph.verify_schema()
        return PoisonReport.of(project_id, await find_poison(stores, project_id))
