"""Sixteen clients in eight processes, under faults that harm nobody else's servers, for a moment.

Hazards: A1 to A5, A7, A17 (orders, and reads of two stores), D1 to D4 (what is accepted), I1 to I6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .runner import PROCESSES, run
from .verdict import SORTS

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood import Database, Graph
    from sapwood.servers import Endpoints

pytestmark = pytest.mark.once

SECONDS = 12.0


@pytest.mark.timeout(200)
async def test_under_faults_nothing_is_lost_doubled_reordered_or_read_stale(
    servers: Endpoints, database: Database, graph: Graph, tmp_path: Path
) -> None:
    """`database` and `graph` bring the schemas up to date."""
    came_to = await run(servers, tmp_path, seconds=SECONDS, seed=7, between_s=1)
    assert came_to.wrong == ()
    assert came_to.violations == dict.fromkeys(SORTS, 0)
    assert came_to.clients == 1 + sum(map(len, PROCESSES))
    assert came_to.faults
    assert came_to.acknowledged
    assert came_to.reads
