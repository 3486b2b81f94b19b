"""A server is killed under load and started again: what it acknowledged is there, once.

Hazards: C11 (PostgreSQL crashes with its defaults), G3; I1, I2, I3, I6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .killing import VICTIMS, Victim, run

if TYPE_CHECKING:
    from sapwood.servers import EmbeddedServers, Endpoints

pytestmark = pytest.mark.once


@pytest.mark.parametrize("victim", VICTIMS)
async def test_what_was_acknowledged_before_a_server_was_killed_is_there_once(
    victim: Victim, own_servers: EmbeddedServers, own_endpoints: Endpoints, project_id: str
) -> None:
    found = await run(own_servers, own_endpoints, project_id, victim, after=5)
    assert (found.lost, found.other, found.verified) == (0, 0, True), found
