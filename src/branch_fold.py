"""How the stats of branches follow the journal: what a run of entries makes of the rows it meets.

Plain data in, plain data out. Sums are exact, so nothing drifts however often a score changes: a
`Decimal` holds any float as it is, and `EXACT` is wide enough for sums of more than fit anywhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .model import NodeStatus
from .nodes import SCORES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .journal import Entry

EXACT: Final = Context(prec=1_500, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])
"""Floats reach from 309 digits before the point to 1,074 behind it."""
ZERO: Final = Decimal(0)
_ALIVE: Final = NodeStatus.ALIVE.value
_FIELDS: Final[tuple[str, ...]] = ("status", *SCORES)


@dataclass(slots=True)
class Tally:
    """One score in one subtree.

    Attributes:
        own: That of the top itself.
        scored: How many nodes have one.
        total: Their exact sum.
        best: The highest one, and the node that has it, the first by id among equals.
    """

    own: float | None = None
    scored: int = 0
    total: Decimal = ZERO
    best: float | None = None
    best_id: str | None = None

    def offer(self, value: float | None, node_id: str | None) -> None:
        """Take a node's score for the best if it is; nothing if there is none."""
        if value is None or node_id is None:
            return
        if self.best is None or self.best_id is None or value > self.best:
            self.best, self.best_id = value, node_id
        elif value == self.best and node_id < self.best_id:
            self.best_id = node_id


@dataclass(slots=True)
class Branch:
    """A node's own values, and what its subtree comes to: a row of table `branch_stats`.

    Attributes:
        tallies: One for each of `SCORES`, in that order.
    """

    node_id: str
    parent_id: str | None
    depth: int
    status: str
    nodes: int = 0
    alive: int = 0
    leaves: int = 0
    max_depth: int = 0
    tallies: tuple[Tally, Tally] = field(default_factory=lambda: (Tally(), Tally()))

    def copy(self) -> Branch:
        """Return the same, to be changed."""
        first, second = self.tallies
        tallies = (
            Tally(first.own, first.scored, first.total, first.best, first.best_id),
            Tally(second.own, second.scored, second.total, second.best, second.best_id),
        )
        sums = (self.nodes, self.alive, self.leaves, self.max_depth)
        return Branch(self.node_id, self.parent_id, self.depth, self.status, *sums, tallies)


_NOTHING: Final = Branch("", None, 0, "")
"""What there was of a new node."""


@dataclass(slots=True)
class Changes:
    """What consecutive entries do to the values that count; contents are dropped.

    The last one of each is enough. A prune closes whatever has been alive since before it, so a
    node ends as pruned if its last own status is alive and older than a prune above it.

    Attributes:
        creates: Values of new nodes, by id.
        sets: Changed values of nodes that were there before, by id.
        status_seq: Where a node of either got its status.
        prunes: Where a subtree was last closed, by the id of its top.
        rows: How many rows the entries had.
        seq: Position of the last entry.
    """

    seq: int
    creates: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    status_seq: dict[str, int] = field(default_factory=dict)
    prunes: dict[str, int] = field(default_factory=dict)
    rows: int = 0

    def add(self, entry: Entry) -> None:
        """Add the entry that follows those added before."""
        for row in entry.operations.creates:
            self.creates[row["id"]] = {
                name: row.get(name) for name in ("parent_id", "depth", *_FIELDS)
            }
            self.status_seq[row["id"]] = entry.seq
        for row in entry.operations.sets:
            self._set(entry.seq, row)
        if entry.operations.prune is not None:
            self.prunes[entry.operations.prune.node_id] = entry.seq
        self.rows += entry.operations.rows
        self.seq = entry.seq

    def _set(self, seq: int, row: dict[str, Any]) -> None:
        values = {name: row[name] for name in _FIELDS if name in row}
        if not values:
            return
        created = self.creates.get(row["id"])
        if created is not None:
            created.update(values)
        else:
            self.sets.setdefault(row["id"], {}).update(values)
        if "status" in values:
            self.status_seq[row["id"]] = seq

    @property
    def named(self) -> list[str]:
        """The nodes from before whose rows are needed, with all above them; sorted."""
        parents = {row["parent_id"] for row in self.creates.values()} - {None}
        return sorted((parents | self.sets.keys() | self.prunes.keys()) - self.creates.keys())

    @property
    def closed(self) -> list[str]:
        """The nodes from before below which rows are needed as far as anything is alive; sorted."""
        return sorted(self.prunes.keys() - self.creates.keys())


class Lost(NamedTuple):
    """A branch whose best node may not be its best any more.

    Attributes:
        key: Which score, as a place in `SCORES`.
        known: How many of its children are among the rows that are there.
    """

    node_id: str
    key: int
    known: int


class Child(NamedTuple):
    """The best of one child of a branch, as it was before."""

    parent_id: str
    key: int
    node_id: str
    best: float
    best_id: str


class BranchFold:
    """Brings rows over some changes: make it, look up what is `lost`, then `finish`.

    Cost: grows with the rows, times the logarithm of them; nothing is recursive.

    Attributes:
        lost: The branches of which the best of a child that is no row here may be the best.
    """

    def __init__(self, changes: Changes, rows: Iterable[Branch]) -> None:
        """Take over the own values.

        Args:
            rows: Those of `changes.named` and of all above them; below `changes.closed` those
                that are reached through nodes with anything alive in their branch.
        """
        self._changes = changes
        self._before = {row.node_id: row for row in rows}
        self._after = {row.node_id: row.copy() for row in self._before.values()}
        self._worse: tuple[set[str], set[str]] = (set(), set())
        for node_id, values in changes.sets.items():
            self._set(self._after[node_id], values)
        for node_id, values in changes.creates.items():
            self._create(node_id, values)
        self._upwards = sorted(self._after.values(), key=attrgetter("depth"), reverse=True)
        if changes.prunes:
            self._prune()
        self.lost = self._forget_worse() if any(self._worse) else []

    def _create(self, node_id: str, values: dict[str, Any]) -> None:
        given = (node_id, values["parent_id"], values["depth"], values["status"])
        branch = self._after[node_id] = Branch(*given, nodes=1, max_depth=values["depth"])
        for tally, name in zip(branch.tallies, SCORES, strict=True):
            tally.own = values[name]

    def _set(self, branch: Branch, values: dict[str, Any]) -> None:
        branch.status = values.get("status", branch.status)
        for tally, name, worse in zip(branch.tallies, SCORES, self._worse, strict=True):
            if name in values:
                old, tally.own = tally.own, values[name]
                if old is not None and (tally.own is None or tally.own < old):
                    worse.add(branch.node_id)

    def _prune(self) -> None:
        """Close what was alive at the last prune above it, parents first."""
        changes = self._changes
        closed: dict[str | None, int] = {None: 0}
        for branch in reversed(self._upwards):
            node_id = branch.node_id
            seq = max(closed[branch.parent_id], changes.prunes.get(node_id, 0))
            closed[node_id] = seq
            if branch.status == _ALIVE and seq > changes.status_seq.get(node_id, 0):
                branch.status = NodeStatus.PRUNED.value

    def _forget_worse(self) -> list[Lost]:
        """Forget each best whose node got worse; return where not all children are known."""
        known: Counter[str | None] = Counter()
        nodes: Counter[str | None] = Counter()
        for row in self._before.values():
            known[row.parent_id] += 1
            nodes[row.parent_id] += row.nodes
        found: list[Lost] = []
        for node_id, row in self._before.items():
            tallies = self._after[node_id].tallies
            for key, (tally, worse) in enumerate(zip(tallies, self._worse, strict=True)):
                if tally.best_id in worse:
                    tally.best = tally.best_id = None
                    if row.nodes > 1 + nodes[node_id]:
                        found.append(Lost(node_id, key, known[node_id]))
        return found

    def finish(self, children: Iterable[Child] = ()) -> list[Branch]:
        """Return the rows that are new or changed.

        Args:
            children: The best `known` + 1 children of each branch that is `lost`.
        """
        for child in children:
            if child.node_id not in self._before:
                self._after[child.parent_id].tallies[child.key].offer(child.best, child.best_id)
        for branch in self._upwards:  # children before their parents
            self._add_own(branch)
            if branch.parent_id is not None:
                self._add_to(self._after[branch.parent_id], branch)
        return [row for row in self._upwards if row != self._before.get(row.node_id)]

    def _add_own(self, branch: Branch) -> None:
        """Complete a branch to which its children are added already."""
        before = self._before.get(branch.node_id, _NOTHING)
        branch.alive += (branch.status == _ALIVE) - (before.status == _ALIVE)
        branch.leaves += (branch.nodes == 1) - (before.nodes == 1)
        for tally, old in zip(branch.tallies, before.tallies, strict=True):
            tally.scored += (tally.own is not None) - (old.own is not None)
            if tally.own != old.own:
                tally.total = EXACT.add(tally.total, EXACT.subtract(_of(tally.own), _of(old.own)))
            tally.offer(tally.own, branch.node_id)

    def _add_to(self, parent: Branch, branch: Branch) -> None:
        """Add to the parent what has changed in a branch."""
        before = self._before.get(branch.node_id, _NOTHING)
        parent.nodes += branch.nodes - before.nodes
        parent.alive += branch.alive - before.alive
        parent.leaves += branch.leaves - before.leaves
        parent.max_depth = max(parent.max_depth, branch.max_depth)
        tallies = zip(parent.tallies, branch.tallies, before.tallies, strict=True)
        for above, tally, old in tallies:
            above.scored += tally.scored - old.scored
            if tally.total is not old.total:
                above.total = EXACT.add(above.total, EXACT.subtract(tally.total, old.total))
            above.offer(tally.best, tally.best_id)


def _of(value: float | None) -> Decimal:
    return ZERO if value is None else Decimal(value)
