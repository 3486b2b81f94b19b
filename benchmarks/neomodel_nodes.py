"""Nodes as neomodel writes them: one by one, and in batches."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from harness import peer

if TYPE_CHECKING:
    from harness import Bench
    from sources import Edge

PER_CALL: Final = 1_000
LABEL: Final = "BenchPeer"


class NeomodelNodes:
    """Writes nodes under a label of their own, without a hand on what Sapwood has there."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        library = peer("neomodel")
        text, integer = library.StringProperty, library.IntegerProperty
        self._db: Any = library.adb
        self._kind: Any = type(
            LABEL,
            (library.AsyncStructuredNode,),
            {
                "node_id": text(required=True, unique_index=True),
                "project_id": text(),
                "parent_id": text(),
                "content": text(),
                "attributes": text(),
                "status": text(),
                "iteration": integer(),
                "depth": integer(),
                "seq": integer(),
                "created_at": library.DateTimeProperty(),
                "children": library.AsyncRelationshipTo(f"{__name__}.{LABEL}", "BENCH_PARENT_OF"),
                "__module__": __name__,
            },
        )
        globals()[LABEL] = self._kind  # where neomodel looks for the other end of an edge

    async def open(self) -> None:
        await self._db.set_connection(driver=self._bench.driver)
        await self._bench.cypher(
            f"CREATE CONSTRAINT bench_peer IF NOT EXISTS"
            f" FOR (n:{LABEL}) REQUIRE n.node_id IS UNIQUE"
        )

    async def close(self) -> None:
        await self.clear()
        await self._bench.cypher("DROP CONSTRAINT bench_peer IF EXISTS")

    async def clear(self) -> None:
        await self._bench.cypher(
            f"MATCH (n:{LABEL}) CALL (n) {{ DETACH DELETE n }} IN TRANSACTIONS OF 2000 ROWS"
        )

    async def save(self, edges: list[Edge]) -> None:
        for edge in edges:
            await self._node(edge).save()

    async def save_and_connect(self, edges: list[Edge]) -> None:
        made: dict[str, Any] = {}
        for edge in edges:
            node = made[edge.id] = await self._node(edge).save()
            if edge.parent_id is not None:
                await made[edge.parent_id].children.connect(node)

    async def create_or_update(self, edges: list[Edge]) -> None:
        for start in range(0, len(edges), PER_CALL):
            part = edges[start : start + PER_CALL]
            await self._kind.nodes.bulk_create_or_update(*map(self._values, part))

    async def create_or_update_below(self, edges: list[Edge]) -> None:
        """A call for the children of each node, which is how a batch gets its edges."""
        made: dict[str | None, Any] = {}
        for parent_id, children in groupby(edges, key=lambda edge: edge.parent_id):
            values = list(map(self._values, children))
            above = {} if parent_id is None else {"relationship": made[parent_id].children}
            found = await self._kind.nodes.bulk_create_or_update(*values, **above)
            made.update((node.node_id, node) for node in found)

    async def bulk_save(self, edges: list[Edge]) -> None:
        for start in range(0, len(edges), PER_CALL):
            await self._kind.bulk_save([self._node(e) for e in edges[start : start + PER_CALL]])

    def _node(self, edge: Edge) -> Any:
        return self._kind(**self._values(edge))

    def _values(self, edge: Edge) -> dict[str, Any]:
        return {
            "node_id": edge.id,
            "project_id": "bench",
            "parent_id": edge.parent_id,
            "content": edge.content,
            "attributes": "{}",
            "status": "alive",
            "iteration": 0,
            "depth": edge.depth,
            "seq": 1,
            "created_at": datetime.now(UTC),
        }
