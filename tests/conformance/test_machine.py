"""The real adapter and the one in memory do the same, whatever is done to them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from sapwood import AsyncStorageAdapter, SapwoodError, failpoints
from sapwood.testing import MemoryAdapter, MemoryStores
from sapwood.testing.machine import StoreMachine

from .servers import Servers

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from sapwood import Rubric, RubricChanges
    from sapwood.servers import Endpoints
    from sapwood.settings import Mode
    from sapwood.testing import Store
    from sapwood.testing.memory import Moment

FAILPOINTS = {
    "before commit": failpoints.FLUSH_BEFORE_COMMIT,
    "after commit": failpoints.FLUSH_AFTER_COMMIT,
    "in apply": failpoints.APPLY_IN_TRANSACTION,
    "after apply": failpoints.APPLY_AFTER_COMMIT,
}


T = TypeVar("T")


class ServersBench:
    """Real adapters, in an event loop of their own, since a state machine is no coroutine."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers = Servers.at(endpoints)
        self.run(self._servers.open())

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(call)

    def open(self, project_id: str, mode: Mode) -> AsyncStorageAdapter:
        return self._servers.make_store(
            project_id, mode=mode, flush_at=5_000, flush_interval_s=3_600
        )

    async def crash(self, store: Store, moment: Moment) -> None:
        """Stop the adapter's tasks, all at once; `moment` stops a flush there first."""
        assert isinstance(store, AsyncStorageAdapter)
        if moment in FAILPOINTS:
            failpoints.arm(FAILPOINTS[moment], "raise")
            try:
                await store.flush()
            except SapwoodError:
                pass
            finally:
                failpoints.disarm()
        store._closed = True
        if store._session is not None:
            await store._session.abandon()

    def close(self) -> None:
        self.run(self._servers.close())
        self._loop.close()


class MemoryBench:
    """Adapters in memory with something wrong about them, to see that it is found."""

    def __init__(self, broken: type[MemoryAdapter]) -> None:
        self._broken = broken
        self._stores = MemoryStores()
        self._loop = asyncio.new_event_loop()

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(call)

    def open(self, project_id: str, mode: Mode) -> MemoryAdapter:
        return self._broken(self._stores, project_id=project_id, mode=mode, flush_at=5_000)

    async def crash(self, store: Store, moment: Moment) -> None:
        assert isinstance(store, MemoryAdapter)
        store.crash(moment)

    def close(self) -> None:
        self._loop.close()


@pytest.fixture
def bench(servers: Endpoints) -> Iterator[ServersBench]:
    bench = ServersBench(servers)
    yield bench
    bench.close()


@pytest.mark.timeout(0)
def test_the_real_adapter_and_the_one_in_memory_never_differ(
    bench: ServersBench, machine_seed: int
) -> None:
    class Machine(StoreMachine):
        pass

    Machine.bench = bench
    run_state_machine_as_test(seed(machine_seed)(Machine), settings=settings())


class Unfenced(MemoryAdapter):
    """Stores what a fenced writer has pending all the same."""

    def _take_epoch(self, project: Any) -> Any:
        self._epoch = project.epoch
        return super()._take_epoch(project)


class Deaf(MemoryAdapter):
    """Loses a batch whose answer it did not hear."""

    def crash(self, moment: Moment = "idle") -> None:
        super().crash("idle")


class Hasty(MemoryAdapter):
    """Prunes before what was accepted before."""

    async def prune(self, node_id: str, *, reason: str | None = None) -> None:
        await super().prune(node_id, reason=reason)
        self._pending._items.insert(0, self._pending._items.pop())


class Stubborn(MemoryAdapter):
    """Makes each new rubric out of the first, so that an edit undoes the one before."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        new_version = self.rubrics.new_version

        async def stubborn(changes: RubricChanges, *, base: int | None = None) -> Rubric:
            return await new_version(changes, base=base or 1)

        self.rubrics.new_version = stubborn  # type: ignore[method-assign]


@pytest.mark.parametrize("broken", [Unfenced, Deaf, Hasty, Stubborn])
def test_the_machine_finds_what_is_broken(broken: type[MemoryAdapter], machine_seed: int) -> None:
    class Machine(StoreMachine):
        pass

    bench = MemoryBench(broken)
    Machine.bench = bench
    enough = settings(max_examples=200, phases=[Phase.generate])

    def try_many_times() -> None:
        for attempt in range(30):  # chance may pass it over for a while, not for ever
            run_state_machine_as_test(seed(machine_seed + attempt)(Machine), settings=enough)

    with pytest.raises(AssertionError, match="expected"):
        try_many_times()
    bench.close()
