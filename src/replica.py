"""The fold of the journal as plainly as it can be written: entries applied one by one, in memory.

It is what the graph is held against. Nothing is coalesced, nothing is fast, nothing is I/O.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import JournalError
from .journal import NO_CHAIN, link
from .model import NodeStatus
from .nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .journal import Entry, Prune

_AS_GIVEN = frozenset({"id", "parent_id", "status"})
"""What a replica itself has to read again."""


def _same(_: str, value: Any) -> Any:
    return value


class Replica:
    """A project's tree as of one position of its journal.

    Guarantees: After `apply` of the entries 1 to n, in order, `nodes` holds what a graph at
        position n must hold, neither more nor less.
    Cost: a dict a node; a prune walks its subtree.

    Attributes:
        nodes: Values by field, by node id, in the order in which they were made. A value that a
            node has not is `None`.
        children: Ids of a node's children by its id, in the order in which they were made; an
            empty list for a leaf.
        seq: The position: that of the newest entry applied, 0 before the first.
        chain: Digest of the batch ids up to there.
    """

    def __init__(self, value: Callable[[str, Any], Any] = _same) -> None:
        """Make an empty tree at position 0.

        Args:
            value: What to keep of a field's value, such as a digest of it. `id`, `parent_id` and
                `status` are kept as they are.
        """
        self._value = value
        self._incarnation: str | None = None
        self.nodes: dict[str, dict[str, Any]] = {}
        self.children: dict[str, list[str]] = {}
        self.seq = 0
        self.chain = NO_CHAIN

    def apply(self, entry: Entry) -> None:
        """Apply the entry that follows.

        Raises:
            JournalError: It does not follow, or it means nothing after those before it. The
                replica is then of no use any more.
        """
        self._check_follows(entry)
        for row in entry.operations.creates:
            self._create(entry.seq, row)
        for row in entry.operations.sets:
            self._set(entry.seq, row)
        if entry.operations.prune is not None:
            self._prune(entry.seq, entry.operations.prune)
        self.seq, self.chain = entry.seq, entry.chain

    def _check_follows(self, entry: Entry) -> None:
        if entry.seq != self.seq + 1:
            raise JournalError(f"journal position {entry.seq} does not follow {self.seq}")
        if entry.chain != link(self.chain, entry.batch_id):
            raise JournalError(f"journal position {entry.seq} does not continue the chain")
        self._incarnation = self._incarnation or entry.incarnation
        if entry.incarnation != self._incarnation:
            raise JournalError(f"journal position {entry.seq} is of another project of this name")

    def _create(self, seq: int, row: Mapping[str, Any]) -> None:
        node_id, parent_id = row["id"], row["parent_id"]
        if node_id in self.nodes:
            raise JournalError(f"journal position {seq} makes node {node_id} a second time")
        if parent_id is not None:
            self._require(seq, parent_id)
            self.children[parent_id].append(node_id)
        self.children[node_id] = []
        self.nodes[node_id] = {name: self._kept(name, None) for name in FIELDS}
        self._set(seq, {**row, "seq": seq})

    def _set(self, seq: int, row: Mapping[str, Any]) -> None:
        node = self._require(seq, row["id"])
        for name, value in row.items():
            if name not in node:
                raise JournalError(f"journal position {seq} sets {name}, which no node has")
            node[name] = self._kept(name, value)

    def _prune(self, seq: int, prune: Prune) -> None:
        self._require(seq, prune.node_id)
        for node_id in self.subtree(prune.node_id):
            if self.nodes[node_id]["status"] == NodeStatus.ALIVE.value:
                closed = {"status": NodeStatus.PRUNED.value, "status_reason": prune.reason}
                self._set(seq, {"id": node_id, **closed})

    def _kept(self, name: str, value: Any) -> Any:
        return value if name in _AS_GIVEN else self._value(name, value)

    def _require(self, seq: int, node_id: str) -> dict[str, Any]:
        node = self.nodes.get(node_id)
        if node is None:
            raise JournalError(f"journal position {seq} needs node {node_id}, which nothing made")
        return node

    def subtree(self, node_id: str) -> list[str]:
        """Return the ids of a node and of all below it, parents before their children.

        Raises:
            KeyError: There is no such node.
        """
        found = [node_id]
        for each in found:  # grows while it is walked
            found.extend(self.children[each])
        return found

    def path(self, node_id: str) -> list[str]:
        """Return the ids from the root to a node, both included.

        Raises:
            KeyError: There is no such node.
        """
        found = [node_id]
        while (parent_id := self.nodes[found[-1]]["parent_id"]) is not None:
            found.append(parent_id)
        return found[::-1]
