"""Neo4j has 2 MiB for a transaction: an answer or a clean error, and nothing is lost.

Hazards: A11, A13, B3 (a memory error calls itself passing and never passes), B15 (deep and wide).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter

from . import limits
from .conftest import prepare
from .table import Damage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from sapwood.servers import EmbeddedServers, Endpoints

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
async def make(
    own_servers: EmbeddedServers, own_endpoints: Endpoints
) -> AsyncIterator[Callable[[str], AsyncStorageAdapter]]:
    """Makes adapters of servers with little memory."""
    limits.restart(own_servers, limits.SMALL)
    db, graph = await prepare(own_endpoints)
    yield lambda name: AsyncStorageAdapter(
        db, graph, project_id=name, apply_wait_s=0, close_wait_s=0.2, read_wait_s=60
    )
    await graph.close()
    await db.close()
    limits.restart(own_servers, limits.USUAL)


async def test_a_project_lives_in_little_memory(
    make: Callable[[str], AsyncStorageAdapter], own_servers: EmbeddedServers, project_id: str
) -> None:
    """Entries are applied in halves; reads, prune, rebuild and deletion answer, or say why not."""
    assert await limits.halved(lambda: make(project_id), own_servers) == Damage()
    assert await limits.lived(lambda: make(project_id)) == Damage()
    assert own_servers.status().healthy


async def test_an_entry_that_does_not_fit_alone_stalls_and_goes_on_under_a_higher_limit(
    make: Callable[[str], AsyncStorageAdapter], own_servers: EmbeddedServers, project_id: str
) -> None:
    assert await limits.stalled(lambda: make(project_id), own_servers) == Damage()
