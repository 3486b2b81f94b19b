"""What the project has to hold after each commit, folded from what the clients asked for.

It knows nothing of journal entries, stores or SQL: it is the arguments of the saved calls, in an
order, and what they mean. What can be read of it are *registers*: name and value.

    node:left         a row (see `Row`) of a node that many write
    score:left        its judge's score, in PostgreSQL
    state             the orchestrator's state
    tree, alive       number and digest of all nodes, and of the alive ones
    life:c3.2         number and digest of the nodes that one life has made
    stats             number of all nodes, and of the alive ones
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .records import Call

Row = list[Any]
COLUMNS: Final = (
    "id",
    "parent_id",
    "content",
    "status",
    "status_reason",
    "score",
    "rubric_score",
    "attributes",
)
"""Of a row; `attributes` only as who wrote them, since they are always `{"by": …}`."""
ROOT: Final = "root"
SHARED: Final = ("left", "right", "third")
"""The nodes that all clients write. What is said of `left` and `right` is always said of both."""
_SIZE: Final = 1 << 128


class Digest:
    """Number of rows, and a sum over them that does not depend on their order."""

    def __init__(self, rows: Iterable[Sequence[Any]] = ()) -> None:
        self.count = 0
        self._sum = 0
        for row in rows:
            self.add(row)

    def add(self, row: Sequence[Any], times: int = 1) -> None:
        """Add a row, or take it away with -1."""
        hashed = hashlib.blake2b(orjson.dumps(row), digest_size=16).digest()
        self.count += times
        self._sum = (self._sum + times * int.from_bytes(hashed)) % _SIZE

    @property
    def value(self) -> str:
        return f"{self.count} nodes, {self._sum:032x}"


def life_of(content: str) -> str:
    """Return the register of the life that made the node of this content: `life:c3.2`."""
    return f"life:{content.rpartition('.')[0]}"


class Oracle:
    """The project as it has to be, call by call."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.scores: dict[str, float] = {}
        self.state: Any = None
        self._below: dict[str, list[str]] = defaultdict(list)
        self._tree, self._alive = Digest(), Digest()
        self._lives: dict[str, Digest] = defaultdict(Digest)

    def apply(self, calls: Iterable[Call]) -> None:
        """Do what one write asked for."""
        for name, *given in calls:
            getattr(self, f"_{name}")(*given)

    def _nodes(self, nodes: list[tuple[str, str | None, str, dict[str, Any]]]) -> None:
        for node_id, parent, content, fields in nodes:
            if node_id not in self.rows:
                if parent is not None:
                    self._below[parent].append(node_id)
                self._put([node_id, parent, content, "alive", None, None, None, None])
            said = dict(fields)
            if "attributes" in said:
                said["attributes"] = said["attributes"]["by"]
            self._change(node_id, said)

    def _statuses(self, node_ids: list[str], status: str, reason: str) -> None:
        for node_id in node_ids:
            self._change(node_id, {"status": status, "status_reason": reason})

    def _prune(self, node_id: str, reason: str) -> None:
        found = [node_id]
        for each in found:
            found.extend(self._below[each])
            if self.rows[each][3] == "alive":
                self._change(each, {"status": "pruned", "status_reason": reason})

    def _scores(self, node_ids: list[str], score: float) -> None:
        for node_id in node_ids:
            self.scores[node_id] = score
            self._change(node_id, {"rubric_score": score})

    def _state(self, state: Any) -> None:
        self.state = state

    def _change(self, node_id: str, values: dict[str, Any]) -> None:
        row = dict(zip(COLUMNS, self.rows[node_id], strict=True)) | values
        self._put([row[name] for name in COLUMNS])

    def _put(self, row: Row) -> None:
        before = self.rows.get(row[0])
        if before is not None:
            self._count(before, -1)
        self.rows[row[0]] = row
        self._count(row, 1)

    def _count(self, row: Row, times: int) -> None:
        self._tree.add(row, times)
        self._lives[life_of(row[2])].add(row, times)
        if row[3] == "alive":
            self._alive.add(row[:1], times)

    def registers(self) -> Iterator[tuple[str, Any]]:
        """Go through what can be read now."""
        yield "state", self.state
        yield "tree", self._tree.value
        yield "alive", self._alive.value
        yield "stats", [self._tree.count, self._alive.count]
        for node_id in SHARED:
            if node_id in self.rows:
                yield f"node:{node_id}", self.rows[node_id]
            yield f"score:{node_id}", self.scores.get(node_id)
        for life, digest in self._lives.items():
            yield life, digest.value


def see_rows(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the registers that can be told from all rows."""
    found = {row[0]: row for row in rows}
    alive = Digest(row[:1] for row in found.values() if row[3] == "alive")
    shared = {f"node:{node_id}": found[node_id] for node_id in SHARED if node_id in found}
    return {"tree": Digest(found.values()).value, "alive": alive.value, **shared}
