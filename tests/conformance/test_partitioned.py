"""The real adapter keeps its promises where PostgreSQL's tables are divided by project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..integration.relational.test_database import without_tables
from .servers import ServersConformance

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


class TestPartitioned(ServersConformance):
    pass
