"""Writes to the graph: guarded by the project's watermark, whole or not at all.

Which entries may be written is the delivery's decision; here are the lock that makes it safe to
decide, and statements whose row counts prove that nothing was dropped on the way.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import failpoints
from ..errors import DivergedError, StoreError
from ..journal import NO_CHAIN
from .rows import ID, PARENT, ROW_NODES
from .translate import CONSTRAINT_FAILED, locking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from .connection import Graph, Transaction
    from .rows import Rows


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a project's journal is in the graph.

    Attributes:
        applied: Position of the last entry that is in the graph; 0 before the first.
        chain: Digest of the batch ids up to that entry; `NO_CHAIN` before the first.
        incarnation: Mark of the creation of the project that the graph follows.
        state: `open`; `clearing` while the project's nodes are deleted to be made again; `deleting`
            while they are deleted for good.
        under_way: Chain of the next entry if it is applied in part, as a prune may be.
        quarantine: Digest of what was left out of the entries up to `applied`; `NO_CHAIN` if
            nothing was.
    """

    applied: int
    chain: str
    incarnation: str
    state: str
    under_way: str | None = None
    quarantine: str = NO_CHAIN


async def lock_watermark(transaction: Transaction, project_id: str) -> Watermark | None:
    """Lock the watermark until the transaction ends, and read it; `None` if there is none."""
    with locking():
        rows = await transaction.run("project.lock_watermark", project_id=project_id)
    return Watermark(*rows[0]) if rows else None


class GraphWriter:
    """Opens guarded transactions on the graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def watermark(self, project_id: str) -> Watermark | None:
        """Return the watermark, `None` if the project has none.

        Guarantees: What it stands for is in the graph, whole; it waits for a commit under way.
            It may be higher a moment later.
        Cost: one transaction of one statement.
        Source: `cypher/project/lock_watermark.cypher`.
        """
        async with self._graph.writing() as transaction:
            return await lock_watermark(transaction, project_id)

    async def create_watermark(self, project_id: str, incarnation: str) -> bool:
        """Begin a project in the graph, at position 0.

        If there are nodes of it without a watermark, nobody knows what they stand for, and it
        begins in state `clearing`.

        Returns:
            `False` if it has a watermark already, or got one meanwhile.

        Cost: one transaction of three statements at most.
        Source: `cypher/project/create_watermark.cypher`, `has_nodes.cypher`, `set_state.cypher`.
        """
        names = {"project_id": project_id, "incarnation": incarnation}
        try:
            async with self._graph.writing() as transaction:
                await transaction.run("project.create_watermark", chain=NO_CHAIN, **names)
                # Only now: whoever writes nodes needs the watermark that this one holds locked.
                if await transaction.value("project.has_nodes", project_id=project_id):
                    await transaction.run("project.set_state", state="clearing", **names)
                await transaction.commit()
        except StoreError as exc:
            if exc.code != CONSTRAINT_FAILED:
                raise
            return False
        return True

    @asynccontextmanager
    async def apply(self, project_id: str) -> AsyncGenerator[ApplyTransaction]:
        """Open a transaction that holds the project's watermark locked.

        Leaving it without a commit, by an error or a cancellation too, rolls everything back.

        Guarantees: What `watermark` says stays true until the end of the transaction; a second
            `apply` of the project waits for this one.
        Cost: two round trips to begin, one a statement, one to commit.
        Source: `cypher/project/lock_watermark.cypher`.
        """
        async with self._graph.writing() as transaction:
            watermark = await lock_watermark(transaction, project_id)
            yield ApplyTransaction(transaction, project_id, watermark)


class ApplyTransaction:
    """An open, guarded transaction.

    Attributes:
        watermark: As it is under the lock; `None` if the project has none, then nothing is locked.
    """

    def __init__(
        self, transaction: Transaction, project_id: str, watermark: Watermark | None
    ) -> None:
        self._transaction = transaction
        self._project_id = project_id
        self.watermark = watermark
        self._chunk = ROW_NODES

    async def write(self, rows: Rows) -> None:
        """Write all of `rows`: roots, children with their edges, then sets.

        Raises:
            DivergedError: A parent, or a node to change, is not in the graph; the message names
                some. Leave the transaction: nothing may be committed.
            StoreError: A constraint refused a node that exists already.

        Cost: one round trip for each kind of row that occurs, at most four.
        Source: `cypher/node/create_roots.cypher`, `create_children.cypher`, `set.cypher`,
            `set_status.cypher`.
        """
        self._chunk = min(self._chunk, rows.chunk)
        await self._write("node.create_roots", rows.roots)
        await self._write("node.create_children", rows.children, PARENT)
        await self._write("node.set", rows.sets, ID)
        await self._write("node.set_status", rows.moves, ID)

    async def alive_below(self, node_id: str) -> list[str]:
        """Return the ids of the alive nodes of a subtree, in no order.

        Source: `cypher/prune/alive_ids.cypher`.
        """
        found = await self._transaction.run(
            "prune.alive_ids", project_id=self._project_id, node_id=node_id
        )
        return [node_id for (ids,) in found for node_id in ids]

    async def close(self, node_ids: Sequence[str], reason: str | None) -> None:
        """Close those of these nodes that are alive.

        Cost: one round trip; keep it to 5,000 nodes, since Neo4j holds what a transaction writes.
        Source: `cypher/prune/close.cypher`.
        """
        await self._transaction.value(
            "prune.close", project_id=self._project_id, ids=node_ids, reason=reason
        )

    async def commit_part(self, chain: str) -> None:
        """Commit a part of the entry with this chain; it has to be applied to its end.

        Source: `cypher/prune/mark.cypher`.
        """
        await self._transaction.value("prune.mark", project_id=self._project_id, under_way=chain)
        await self._transaction.commit()
        await failpoints.reach(failpoints.PRUNE_AFTER_PART)

    async def _write(self, key: str, rows: Sequence[Sequence[Any]], needs: int = ID) -> None:
        """Run a writing statement; its count must be that of `rows`, or a needed node is not there.

        Args:
            needs: Where a row names that node.
        """
        if not rows:
            return
        written = await self._transaction.value(key, project_id=self._project_id, rows=rows)
        if written != len(rows):
            needed = sorted({row[needs] for row in rows})
            raise await self._dropped(key, len(rows), written, needed)

    async def _dropped(self, key: str, sent: int, written: int, needed: list[str]) -> DivergedError:
        missing = await self._transaction.value(
            "node.missing", project_id=self._project_id, ids=needed
        )
        return DivergedError(
            f"project {self._project_id!r}: {key} wrote {written} of {sent} rows, because the "
            f"graph lacks nodes that the journal has: {', '.join(missing) or 'unknown'}. Nothing "
            "was written. The graph was edited; rebuild_graph() makes it again from the journal."
        )

    async def commit(self, applied: int, chain: str, quarantine: str) -> None:
        """Move the watermark to `applied` and commit.

        Args:
            quarantine: Digest of all that was left out up to there.

        Raises:
            DivergedError: There is no watermark to move.
            UnavailableError: With `unknown_outcome`, it may have been committed: look at the
                watermark again. A cancellation in here leaves the outcome unknown, too.

        Cost: two round trips.
        Source: `cypher/project/move_watermark.cypher`.
        """
        if self.watermark is not None and applied <= self.watermark.applied:
            raise ValueError(f"the watermark is at {self.watermark.applied}, not below {applied}")
        moved = await self._transaction.value(
            "project.move_watermark",
            project_id=self._project_id,
            applied=applied,
            chain=chain,
            quarantine=quarantine,
            chunk=self._chunk,
        )
        if moved != 1:
            raise DivergedError(f"project {self._project_id!r}: its watermark is not in the graph")
        await failpoints.reach(failpoints.APPLY_IN_TRANSACTION)
        await self._transaction.commit()
        await failpoints.reach(failpoints.APPLY_AFTER_COMMIT)
