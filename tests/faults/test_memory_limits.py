"""Neo4j has 2 MiB for a transaction: an answer or a clean error, and nothing is lost.

Hazards: A11, A13, B3 (a memory error calls itself passing and never passes), B15 (deep and wide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter, Node, StalledError
from sapwood.cli.poison_report import PoisonReport
from sapwood.poison import find_poison
from sapwood.stores import Stores

from . import limits
from .conftest import prepare
from .table import Damage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sapwood.servers import EmbeddedServers, Endpoints

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
async def small(own_servers: EmbeddedServers, own_endpoints: Endpoints) -> AsyncIterator[Stores]:
    """Stores whose Neo4j has little memory."""
    limits.restart(own_servers, limits.SMALL)
    stores = Stores(*await prepare(own_endpoints))
    yield stores
    await stores.graph.close()
    await stores.db.close()
    limits.restart(own_servers, limits.USUAL)


@pytest.fixture
def make(small: Stores) -> Callable[[str], AsyncStorageAdapter]:
    """Makes adapters that do not wait for the graph."""
    return lambda name: AsyncStorageAdapter(
        small.db, small.graph, project_id=name, apply_wait_s=0, close_wait_s=0.2, read_wait_s=60
    )


async def test_a_project_lives_in_little_memory(
    make: Callable[[str], AsyncStorageAdapter], own_servers: EmbeddedServers, project_id: str
) -> None:
    """Entries are applied in halves; reads, prune, rebuild and deletion answer, or say why not."""
    assert await limits.halved(lambda: make(project_id), own_servers) == Damage()
    assert await limits.lived(lambda: make(project_id)) == Damage()
    assert own_servers.status().healthy


async def test_a_search_for_what_is_refused_names_no_item_where_all_together_are_too_big(
    make: Callable[[str], AsyncStorageAdapter], small: Stores, project_id: str
) -> None:
    async with make(project_id) as store:
        await store.save_nodes_batch(Node(id=f"n{at}", content="." * 100) for at in range(4_000))
        with pytest.raises(StalledError):
            await store.rebuild_graph()  # which waits
        found = await find_poison(small, project_id)
    assert (found.seq, found.poison) == (1, [])
    assert limits.SETTING in (found.refusal or "")
    assert "no item alone is refused" in PoisonReport.of(project_id, found).words()


async def test_an_entry_that_does_not_fit_alone_stalls_and_goes_on_under_a_higher_limit(
    make: Callable[[str], AsyncStorageAdapter], own_servers: EmbeddedServers, project_id: str
) -> None:
    assert await limits.stalled(lambda: make(project_id), own_servers) == Damage()
