"""The fold of branch stats against a plain count of the tree, for any history in any portions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sapwood.branch_fold import Branch, BranchFold, Changes, Child
from sapwood.branches import BRANCH_FIELDS, branch_stats
from sapwood.journal import NO_CHAIN, Entry, Operations, Prune, link
from sapwood.model import BranchStats, NodeStatus
from sapwood.nodes import SCORES, Columns
from sapwood.replica import Replica

scores = (
    st.none()
    | st.sampled_from([0.0, 0.5, 0.5, -1.0])
    | st.floats(allow_nan=False, allow_infinity=False)
)
statuses = st.sampled_from([status.value for status in NodeStatus])
fields: dict[str, st.SearchStrategy[Any]] = {"status": statuses, **dict.fromkeys(SCORES, scores)}
values = st.fixed_dictionaries({}, optional=fields)


class Table:
    """What table `branch_stats` holds, and gives out as its statements do."""

    def __init__(self) -> None:
        self.rows: dict[str, Branch] = {}
        self.seq = 0

    def take_in(self, entries: list[Entry]) -> None:
        changes = Changes(self.seq)
        for entry in entries:
            changes.add(entry)
        fold = BranchFold(changes, self.needed(changes))
        children = [child for lost in fold.lost for child in self.best(*lost)]
        for branch in fold.finish(children):
            self.rows[branch.node_id] = branch
        self.seq = changes.seq

    def needed(self, changes: Changes) -> list[Branch]:
        found: set[str] = set()
        for node_id in changes.named:
            above: str | None = node_id
            while above is not None and above not in found:
                found.add(above)
                above = self.rows[above].parent_id
        below = changes.closed
        for node_id in below:  # grows while it is walked
            below += [
                row.node_id for row in self.rows.values() if row.parent_id == node_id and row.alive
            ]
        return [self.rows[node_id] for node_id in sorted({*found, *below})]

    def best(self, node_id: str, key: int, known: int) -> list[Child]:
        found: list[tuple[float, str, str]] = []
        for row in self.rows.values():
            tally = row.tallies[key]
            if row.parent_id == node_id and tally.best is not None and tally.best_id is not None:
                found.append((-tally.best, tally.best_id, row.node_id))
        ranked = sorted(found)[: known + 1]
        return [Child(node_id, key, each, -best, best_id) for best, best_id, each in ranked]

    def stats(self, node_id: str, key: int) -> BranchStats:
        row = self.rows[node_id]
        tally = row.tallies[key]
        mean = float(Fraction(tally.total) / tally.scored) if tally.scored else None
        counts = (row.nodes, row.alive, row.leaves, row.max_depth, tally.scored)
        names = ("nodes", "alive", "leaves", "max_depth", "scored")
        return BranchStats(
            node_id=node_id,
            mean=mean,
            best=tally.best,
            best_node_id=tally.best_id,
            **dict(zip(names, counts, strict=True)),
        )


class History:
    """A journal as it grows, and the tree that it means."""

    def __init__(self) -> None:
        self.replica = Replica()

    def entry(self, operations: Operations) -> Entry:
        seq, batch_id = self.replica.seq + 1, str(self.replica.seq)
        entry = Entry(
            seq, batch_id, link(self.replica.chain or NO_CHAIN, batch_id), "i", operations
        )
        self.replica.apply(entry)
        return entry

    def create(self, node_id: str, parent_id: str | None, given: dict[str, Any]) -> dict[str, Any]:
        depth = 0 if parent_id is None else self.replica.nodes[parent_id]["depth"] + 1
        return {"id": node_id, "parent_id": parent_id, "depth": depth, "status": "alive", **given}

    def stats(self, node_id: str, key: str) -> BranchStats:
        rows = [self.replica.nodes[each] for each in self.replica.subtree(node_id)]
        names = (*BRANCH_FIELDS, key)
        return branch_stats(node_id, Columns({n: [row[n] for row in rows] for n in names}), key)


def assert_same(table: Table, history: History) -> None:
    assert table.rows.keys() == history.replica.nodes.keys()
    for node_id in table.rows:
        for key, name in enumerate(SCORES):
            assert table.stats(node_id, key) == history.stats(node_id, name)


@given(st.data())
def test_the_stats_of_every_branch_are_those_of_a_plain_count(data: st.DataObject) -> None:
    history, table = History(), Table()
    draw = data.draw
    portion: list[Entry] = []
    for _ in range(draw(st.integers(1, 25))):
        nodes = sorted(history.replica.nodes)
        what = draw(st.sampled_from(["create", "create", "set", "set", "prune", "take in"]))
        if what == "take in":
            table.take_in(portion)
            portion = []
            assert_same(table, history)
        elif what == "create" or not nodes:
            name = f"{draw(st.integers(0, 9))}.{len(nodes)}"
            parent = draw(st.sampled_from([*nodes, *nodes[:1], None]))
            row = history.create(name, parent, draw(values))
            portion.append(history.entry(Operations(creates=[row])))
        elif what == "set":
            changed = draw(st.dictionaries(st.sampled_from(nodes), values, max_size=4))
            sets = [{"id": node_id, **each} for node_id, each in changed.items()]
            portion.append(history.entry(Operations(sets=sets)))
        else:
            top = draw(st.sampled_from(nodes))
            portion.append(history.entry(Operations(prune=Prune(top, None))))
    table.take_in(portion)
    assert_same(table, history)


def grown(*operations: Operations) -> Table:
    """A table that took in each of these by itself."""
    history, table = History(), Table()
    for each in operations:
        table.take_in([history.entry(each)])
    assert_same(table, history)
    return table


def created(node_id: str, parent_id: str | None, depth: int, score: float | None) -> dict[str, Any]:
    values = {"parent_id": parent_id, "depth": depth, "status": "alive", "score": score}
    return {"id": node_id, **values}


def test_a_huge_score_leaves_nothing_behind_when_it_goes() -> None:
    table = grown(
        Operations(creates=[created("root", None, 0, 0.25), created("a", "root", 1, 1e300)]),
        Operations(sets=[{"id": "a", "score": 0.5}]),
        Operations(sets=[{"id": "root", "score": None}]),
    )
    assert table.stats("root", 0).mean == 0.5


def test_means_neither_overflow_nor_lose_the_smallest_float() -> None:
    huge, tiny = 1.7976931348623157e308, 5e-324
    rows = [created("root", None, 0, huge), created("a", "root", 1, huge)]
    assert grown(Operations(creates=rows)).stats("root", 0).mean == huge
    table = grown(
        Operations(creates=[*rows, created("b", "a", 2, tiny), created("c", "a", 2, -0.0)]),
        Operations(sets=[{"id": "root", "score": None}, {"id": "a", "score": tiny}]),
    )
    assert table.stats("root", 0).mean == tiny  # two thirds of it, rounded
    assert table.stats("c", 0).mean == 0.0


def test_a_chain_of_ten_thousand_is_no_recursion() -> None:
    chain = [created(f"{n:05}", f"{n - 1:05}" if n else None, n, float(n)) for n in range(10_000)]
    table, history = Table(), History()
    table.take_in([history.entry(Operations(creates=chain))])
    table.take_in([history.entry(Operations(prune=Prune("00000", None)))])
    assert table.stats("00000", 0) == history.stats("00000", "score")
    assert table.stats("00000", 0).alive == 0
