"""A state machine that does the same to an adapter and to the one in memory, and compares them.

    class Machine(StoreMachine):
        bench = MyBench()

    run_state_machine_as_test(Machine)

Two writers save, prune, flush, are fenced, crash in the middle of a flush, come back, rebuild and
delete; a reader looks after every step. Whatever a call returns or raises has to be the same, and
so has everything that can be loaded, field by field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ..errors import FencedError, NotFoundError
from ..model import new_id
from .memory import MemoryAdapter
from .outcomes import outcome, plain
from .stores import MemoryStores
from .strategies import (
    NODE_IDS,
    RUBRICS,
    bases,
    json_values,
    judges,
    labels,
    node_ids,
    reasons,
    rubric_changes,
    scores,
    status_changes,
    statuses,
    trees,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from ..model import Node, NodeStatus, PrincipleScore
    from ..rubric_model import RubricChanges
    from ..samples import LabeledSample
    from ..settings import Mode
    from .interface import Store
    from .memory import Moment

SLOTS = st.integers(0, 1)
MODES: st.SearchStrategy[Mode] = st.sampled_from(["own", "join"])
MOMENTS: st.SearchStrategy[Moment] = st.sampled_from(
    ["idle", "before commit", "after commit", "in apply", "after apply"]
)


T = TypeVar("T")


class Bench(Protocol):
    """Where the adapters come from that are held against the memory."""

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        """Run `call` to its end in the event loop of these adapters."""
        ...

    def open(self, project_id: str, mode: Mode) -> Store:
        """Make an adapter that flushes only when it has to."""
        ...

    async def crash(self, store: Store, moment: Moment) -> None:
        """End the adapter as by SIGKILL, in the middle of a flush unless `moment` is `idle`."""
        ...


class Pair:
    """An adapter and its oracle."""

    def __init__(self, bench: Bench, stores: MemoryStores, project_id: str, mode: Mode) -> None:
        self._bench = bench
        self.store = bench.open(project_id, mode)
        self.oracle = MemoryAdapter(
            stores, project_id=project_id, mode=mode, flush_at=5_000, flush_interval_s=3_600
        )

    def both(self, call: Callable[[Store], Awaitable[Any]]) -> tuple[str, Any]:
        """Do the same with both; it has to come to the same."""
        expected = self._bench.run(outcome(call(self.oracle)))
        found = self._bench.run(outcome(call(self.store)))
        assert found == expected, f"\nfound    {found}\nexpected {expected}"
        return found

    def crash(self, moment: Moment = "idle") -> None:
        """End both."""
        self._bench.run(self._bench.crash(self.store, moment))
        self.oracle.crash(moment)

    def must_be_told(self) -> None:
        """Both hear that the project is gone, by whichever of two names."""
        for each in (self.oracle, self.store):
            told, _ = self._bench.run(outcome(each.load_project()))
            assert told in {NotFoundError.__name__, FencedError.__name__}


async def all_pages(store: Store, status: NodeStatus) -> list[list[str]]:
    """Return the ids that `iter_nodes` gives, page by page."""
    return [page.ids async for page in store.iter_nodes(status=status, page=3).pages()]


async def cached(
    store: Store, node_ids: list[str], judge: str, *, by_content: bool = False
) -> tuple[list[Any], list[Any]]:
    """Return hits and misses of `cached_scores`, by principle: its id may be a drawn one."""
    hits, misses = await store.cached_scores(node_ids, judge=judge, by_content=by_content)
    history = await store.rubrics.history()
    named = {each.id: plain(each) for rubric in history for each in rubric.principles}
    return (
        [(node_id, named[key], score) for (node_id, key), score in hits.items()],
        [(node_id, named[key]) for node_id, key in misses],
    )


async def compared(store: Store) -> list[tuple[str, str | None, int, int]]:
    """Return what `agreement` counts; its statistics may differ in their last digits."""
    return [
        (each.judge, each.key, each.count, each.stale) for each in await store.labels.agreement()
    ]


async def verified(store: Store) -> tuple[bool, int, int]:
    """Return whether the graph is what its journal says, where, and of how many nodes."""
    found = await store.verify()
    return found.ok, found.seq, found.graph_nodes


class StoreMachine(RuleBasedStateMachine):
    """Compares the adapters of `bench` with the memory."""

    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.project_id = f"machine.{new_id()}"
        self.stores = MemoryStores()
        self.pairs: dict[int, Pair] = {}
        self.reader = self._pair("read")

    def _pair(self, mode: Mode) -> Pair:
        return Pair(self.bench, self.stores, self.project_id, mode)

    def _writer(self, slot: int) -> Pair:
        if slot not in self.pairs:
            self._open(slot, "own")
        return self.pairs[slot]

    def _open(self, slot: int, mode: Mode) -> None:
        self.pairs[slot] = self._pair(mode)
        self.pairs[slot].both(lambda store: store.load_state())

    @initialize(first=MODES, second=MODES)
    def open(self, first: Mode, second: Mode) -> None:
        """Two writers."""
        self._open(0, first)
        self._open(1, second)

    @rule(slot=SLOTS, nodes=trees)
    def save(self, slot: int, nodes: list[Node]) -> None:
        self._writer(slot).both(lambda store: store.save_nodes_batch(nodes))

    @rule(slot=SLOTS, changes=status_changes, reason=reasons)
    def update(self, slot: int, changes: dict[str, NodeStatus], reason: str | None) -> None:
        self._writer(slot).both(lambda store: store.update_status_batch(changes, reason=reason))

    @rule(slot=SLOTS, node_id=node_ids, reason=reasons)
    def prune(self, slot: int, node_id: str, reason: str | None) -> None:
        self._writer(slot).both(lambda store: store.prune(node_id, reason=reason))

    @rule(slot=SLOTS, given=scores)
    def score(self, slot: int, given: list[PrincipleScore]) -> None:
        self._writer(slot).both(lambda store: store.update_scores_batch(given))

    @rule(slot=SLOTS, given=labels)
    def label(self, slot: int, given: list[LabeledSample]) -> None:
        self._writer(slot).both(lambda store: store.add_labels_batch(given))

    @rule(slot=SLOTS, state=json_values)
    def save_state(self, slot: int, state: Any) -> None:
        self._writer(slot).both(lambda store: store.save_state(state))

    @rule(slot=SLOTS, number=st.integers(0, len(RUBRICS) - 1))
    def save_rubric(self, slot: int, number: int) -> None:
        self._writer(slot).both(lambda store: store.rubrics.save(RUBRICS[number]))

    @rule(slot=SLOTS, changes=rubric_changes, base=bases)
    def change_rubric(self, slot: int, changes: RubricChanges, base: int | None) -> None:
        self._writer(slot).both(lambda store: store.rubrics.new_version(changes, base=base))

    @rule(slot=SLOTS, version=st.integers(1, 4), judge=st.none() | judges)
    def activate_rubric(self, slot: int, version: int, judge: str | None) -> None:
        self._writer(slot).both(lambda store: store.rubrics.activate(version, judge=judge))

    @rule(slot=SLOTS)
    def flush(self, slot: int) -> None:
        self._writer(slot).both(lambda store: store.flush())

    @rule(slot=SLOTS, node_id=node_ids, depth=st.none() | st.integers(0, 3), status=statuses)
    def read(self, slot: int, node_id: str, depth: int | None, status: NodeStatus) -> None:
        pair = self._writer(slot)
        pair.both(lambda store: store.node(node_id))
        pair.both(lambda store: store.nodes([node_id, *NODE_IDS]))
        pair.both(lambda store: store.children(node_id))
        pair.both(lambda store: store.path(node_id))
        pair.both(lambda store: store.ancestors(node_id))
        pair.both(lambda store: store.subtree(node_id, max_depth=depth))
        pair.both(lambda store: store.subtree(node_id, status=status))
        pair.both(lambda store: store.alive_nodes(under=node_id, limit=depth))
        pair.both(lambda store: store.leaves(under=node_id, status=status))
        pair.both(lambda store: store.best_nodes(3, key="rubric_score"))
        pair.both(lambda store: store.branch_stats(node_id))
        pair.both(lambda store: store.branch_stats(node_id, key="rubric_score"))
        pair.both(lambda store: all_pages(store, status))
        pair.both(lambda store: cached(store, NODE_IDS[:depth], "j@1"))
        pair.both(lambda store: cached(store, [node_id], "k@1", by_content=True))
        pair.both(lambda store: store.invalidation_preview(RUBRICS[depth or 0]))
        pair.both(lambda store: store.invalidation_preview(1, judge="k@1", node_ids=[node_id]))
        pair.both(lambda store: store.alive_nodes(order_by="score", descending=True))
        pair.both(lambda store: store.rubrics.current())
        pair.both(lambda store: store.rubrics.history())
        pair.both(lambda store: store.rubrics.get(1 + (depth or 0)))
        pair.both(lambda store: store.rubrics.diff(1, 1 + (depth or 0)))
        pair.both(lambda store: store.labels.all(labeler="ann"))
        pair.both(lambda store: store.labels.stale())
        pair.both(lambda store: compared(store))
        pair.both(lambda store: store.labels.next(4))

    @rule(slot=SLOTS)
    def rejoin(self, slot: int) -> None:
        """With a flush, since a writer that is let in again may store by itself what it had."""
        pair = self._writer(slot)
        pair.both(lambda store: store.rejoin())
        pair.both(lambda store: store.flush())

    @rule(slot=SLOTS, mode=MODES)
    def close(self, slot: int, mode: Mode) -> None:
        self._writer(slot).both(lambda store: store.close())
        self._open(slot, mode)

    @rule(slot=SLOTS, mode=MODES, moment=MOMENTS)
    def crash(self, slot: int, mode: Mode, moment: Moment) -> None:
        self._writer(slot).crash(moment)
        self._open(slot, mode)

    @rule(slot=SLOTS)
    def verify(self, slot: int) -> None:
        self._writer(slot).both(lambda store: verified(store))

    @rule(slot=SLOTS)
    def rebuild(self, slot: int) -> None:
        self._writer(slot).both(lambda store: store.rebuild_graph())

    @rule(slot=SLOTS, sure=st.integers(0, 3).map(lambda number: number == 0))
    def delete(self, slot: int, *, sure: bool) -> None:
        """Now and then; then everybody has to open the project anew."""
        if not sure:
            return
        deleter = self._writer(slot)
        deleter.both(lambda store: store.delete_project())
        for pair in (self.reader, *self.pairs.values()):
            if pair is not deleter:
                pair.must_be_told()
                pair.crash()
        self.pairs.clear()
        self.reader = self._pair("read")

    @invariant()
    def what_can_be_loaded_is_the_same(self) -> None:
        self.reader.both(lambda store: store.load_project())

    def teardown(self) -> None:
        for pair in (self.reader, *self.pairs.values()):
            pair.crash()
