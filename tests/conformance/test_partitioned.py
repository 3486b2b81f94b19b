"""The real adapter keeps its promises where PostgreSQL's tables are divided by project.

What asks most of PostgreSQL, in a database of its own; `SAPWOOD_PARTITIONED=whole` adds all of the
suite, which takes about a minute more.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sapwood.testing.conformance.branches import BranchesConformance
from sapwood.testing.conformance.caching import CachingConformance
from sapwood.testing.conformance.deleting import DeletingConformance
from sapwood.testing.conformance.flushing import FlushingConformance
from sapwood.testing.conformance.judging import JudgingConformance
from sapwood.testing.conformance.labelling import LabellingConformance
from sapwood.testing.conformance.rubrics import RubricsConformance
from sapwood.testing.conformance.saving import SavingConformance
from sapwood.testing.conformance.scoring import ScoringConformance

from ..integration.relational.test_database import without_tables
from .servers import OverServers, ServersConformance

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood import Database
    from sapwood.servers import Endpoints

pytestmark = pytest.mark.once
PARTITIONS = 4


@pytest.fixture(scope="module")
async def database(servers: Endpoints) -> AsyncIterator[Database]:
    async with without_tables(servers) as database:
        await database.create_tables(partitions=PARTITIONS)
        yield database


class TestPartitioned(
    OverServers,
    SavingConformance,
    ScoringConformance,
    RubricsConformance,
    LabellingConformance,
    JudgingConformance,
    CachingConformance,
    FlushingConformance,
    BranchesConformance,
    DeletingConformance,
):
    pass


if os.environ.get("SAPWOOD_PARTITIONED") == "whole":

    class TestPartitionedWhole(ServersConformance):
        pass
