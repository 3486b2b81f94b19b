"""A server is away under load: savers wait, in flat memory, and nothing is lost or out of order.

Hazards: B8, B9 (a server that is silent, not gone), D5 (queues without a bound). `make torture` has
the outages of a minute, also of a server that was killed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .outages import MOST_GROWTH, run
from .table import Damage

if TYPE_CHECKING:
    from sapwood.servers import EmbeddedServers, Endpoints

    from .disk import Store

pytestmark = pytest.mark.once


@pytest.mark.parametrize("store", ["postgresql", "neo4j"])
async def test_savers_wait_in_flat_memory_while_a_server_is_silent(
    store: Store,
    own_servers: EmbeddedServers,
    own_endpoints: Endpoints,
    project_id: str,
) -> None:
    found = await run(own_servers, own_endpoints, project_id, store, "silent", seconds=1.0)
    assert found.damage == Damage(), found
    assert found.growth < MOST_GROWTH, found
