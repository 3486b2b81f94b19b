"""A server's disk fills up: what was acknowledged is there, and what to do is said.

Hazards: A11 (Neo4j fails on what PostgreSQL has committed), B3 (an error that only looks passing,
or lasting), G3 (all looks well while the journal grows).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .disk import why_none
from .filling import FULL, Full, SmallServers, run, small_servers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NONE = why_none()
pytestmark = [pytest.mark.once, pytest.mark.skipif(NONE is not None, reason=str(NONE))]


@pytest.fixture(scope="module")
async def small(servers_dir: Path) -> AsyncIterator[SmallServers]:
    """Servers beside the tests', each on a disk of its own."""
    async with small_servers(servers_dir) as servers:
        yield servers


@pytest.mark.parametrize("full", FULL)
async def test_what_was_acknowledged_before_a_disk_was_full_is_there_once(
    full: Full, small: SmallServers, project_id: str
) -> None:
    found = await run(small, project_id, full, after=3)
    assert (found.lost, found.other, found.verified) == (0, 0, True), found
