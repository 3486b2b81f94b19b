"""What a client may ask for, as data: writes to be performed by a store, and reads by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from sapwood import Node, NodeStatus, Principle, PrincipleScore, Rubric
from sapwood.nodes import Nodes

from .oracle import COLUMNS, ROOT, SHARED, Digest, Row, see_rows

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from random import Random

    from sapwood.testing.interface import Store
    from sapwood.tree import Tree

    from .records import Call

    Read = Callable[[Store, str], Awaitable[list[dict[str, Any]]]]
    Draw = Callable[[str, str, float], list[Call]]

JUDGE: Final = "history@1"
RUBRIC: Final = Rubric(principles=(Principle(id="p-only", key="only"),))
PARENTS: Final = {ROOT: None, **dict.fromkeys(SHARED, ROOT)}
PAIR: Final = ("left", "right")
FOUND: Final[Call] = ["nodes", [[node, parent, node, {}] for node, parent in PARENTS.items()]]
"""Makes sure that the shared nodes exist, and changes nothing of them."""


async def perform(store: Store, calls: Iterable[Call], witness: Node) -> None:
    """Make the calls of one write.

    The last of them saves the witness, a node that drew its own id; ids that this adapter has
    named before need no look-up. So nothing is waited for between two calls, and one batch takes
    them all.
    """
    for name, *given in calls:
        match name, given:
            case "nodes", [rows]:
                await store.save_nodes_batch([_node(row, witness) for row in rows])
            case "statuses", [node_ids, status, reason]:
                statuses = dict.fromkeys(node_ids, NodeStatus(status))
                await store.update_status_batch(statuses, reason=reason)
            case "prune", [node_id, reason]:
                await store.prune(node_id, reason=reason)
            case "scores", [node_ids, score]:
                principle = RUBRIC.principles[0].id
                await store.update_scores_batch(
                    PrincipleScore(
                        node_id=node_id, principle_id=principle, judge=JUDGE, score=score
                    )
                    for node_id in node_ids
                )
            case "state", [state]:
                await store.save_state(state)
            case _:
                raise AssertionError(name)


def _node(row: list[Any], witness: Node) -> Node:
    node_id, parent, content, fields = row
    if node_id == witness.id:
        return witness
    return Node(id=node_id, parent_id=parent, content=content, **fields)


class Writes:
    """Draws what a client asks for next."""

    def __init__(self, numbers: Random) -> None:
        self._numbers = numbers
        self._kinds: dict[Draw, int] = {
            self._grow: 6,
            self._values: 4,
            self._statuses: 4,
            self._apart: 3,
            self._prune: 2,
            self._scores: 2,
            self._state: 2,
        }

    def draw(self, tag: str, own: str, number: float) -> list[Call]:
        """Return calls on shared nodes, or on a node of the client's own; perhaps none."""
        kinds, weights = zip(*self._kinds.items(), strict=True)
        draw: Draw = self._numbers.choices(kinds, weights)[0]
        return draw(tag, own, number)

    def _grow(self, *_: object) -> list[Call]:
        return []

    def _values(self, tag: str, _: str, number: float) -> list[Call]:
        said = {"status": self._status(), "status_reason": tag, "score": number}
        said |= {"attributes": {"by": tag}}
        nodes = self._some()
        return [["nodes", [[node, PARENTS[node], node, said] for node in nodes]]]

    def _statuses(self, tag: str, *_: object) -> list[Call]:
        return [["statuses", self._some(), self._status(), tag]]

    def _apart(self, tag: str, own: str, _: float) -> list[Call]:
        """Change both of the pair with a prune between, which makes one commit several entries."""
        status = self._status()
        left, right = ([["statuses", [node], status, tag]] for node in PAIR)
        return [*left, ["prune", own, tag], *right]

    def _prune(self, tag: str, own: str, _: float) -> list[Call]:
        return [["prune", self._numbers.choice(["third", own]), tag]]

    def _scores(self, _tag: str, _own: str, number: float) -> list[Call]:
        return [["scores", self._some(), number]]

    def _state(self, tag: str, *_: object) -> list[Call]:
        return [["state", tag]]

    def _some(self) -> list[str]:
        return self._numbers.choice([[*PAIR], ["third"], [*SHARED]])

    def _status(self) -> str:
        return self._numbers.choice([status.value for status in NodeStatus])


async def _project(store: Store, _: str) -> list[dict[str, Any]]:
    loaded = await store.load_project(fields=COLUMNS)
    return [{"state": loaded.state}, see_rows(rows_of(loaded.tree))]


async def _shared(store: Store, _: str) -> list[dict[str, Any]]:
    rows = rows_of(await store.nodes(SHARED, fields=COLUMNS))
    return [{f"node:{row[0]}": row for row in rows}]


async def _state(store: Store, _: str) -> list[dict[str, Any]]:
    return [{"state": await store.load_state()}]


async def _alive(store: Store, _: str) -> list[dict[str, Any]]:
    found = await store.alive_nodes(fields=["id"])
    return [{"alive": Digest([node_id] for node_id in found.ids).value}]


async def _life(store: Store, top: str) -> list[dict[str, Any]]:
    rows = rows_of(await store.subtree(top, fields=COLUMNS))
    life = f"life:{rows[0][2].rpartition('.')[0]}"
    return [{life: Digest(rows).value}]


async def _scores(store: Store, _: str) -> list[dict[str, Any]]:
    hits, _misses = await store.cached_scores(SHARED, judge=JUDGE)
    scores = {node_id: score for (node_id, _principle), score in hits.items()}
    return [{f"score:{node_id}": scores.get(node_id) for node_id in SHARED}]


async def _stats(store: Store, _: str) -> list[dict[str, Any]]:
    found = await store.branch_stats(ROOT)
    return [{"stats": [found.nodes, found.alive]}]


READS: Final[dict[str, tuple[Read, int]]] = {
    "shared": (_shared, 8),
    "state": (_state, 3),
    "scores": (_scores, 3),
    "alive": (_alive, 2),
    "life": (_life, 2),
    "stats": (_stats, 1),
    "project": (_project, 1),
}
"""How each read is made, of a store and the top of the client's own nodes, and how often."""


def rows_of(nodes: Nodes | Tree) -> list[Row]:
    """Return nodes, of which all of `COLUMNS` were read, as rows of plain values."""
    if isinstance(nodes, Nodes):
        columns = [nodes.column(name) for name in COLUMNS]
    else:  # whose columns are arrays
        columns = [nodes.take(name, range(len(nodes))) for name in COLUMNS]
    return [[*row[:-1], _by(row[-1])] for row in zip(*columns, strict=True)]


def _by(attributes: str | None) -> str | None:
    by: str | None = orjson.loads(attributes or "{}").get("by")
    return by
