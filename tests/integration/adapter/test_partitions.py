"""Whatever is done to a project, PostgreSQL looks into the partitions of one number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import asyncpg

from sapwood import Database
from sapwood.relational.partitions import GROWING

from ..relational.test_database import own_database
from .lives import live

if TYPE_CHECKING:
    from sapwood import Graph
    from sapwood.servers import Endpoints

CLEAR = "SELECT pg_stat_reset()"
TOUCHED = (
    "SELECT relname FROM pg_stat_user_tables WHERE relname ~ '_p[0-9]+$'"
    " AND coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd + n_tup_del > 0"
)
GONE = (
    "SELECT count(*) = 0 FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'sapwood'"
)


async def test_a_life_of_a_project_touches_the_partitions_of_one_number(
    servers: Endpoints, graph: Graph, project_id: str
) -> None:
    async with own_database(servers) as url:
        db = Database(url)
        await db.create_tables(partitions=8)
        outside = await asyncpg.connect(url)
        await outside.execute(CLEAR)
        await live(db, graph, project_id)
        await db.close()
        while not await outside.fetchval(GONE):  # a session tells what it did as it ends
            pass
        touched = [name for (name,) in await outside.fetch(TOUCHED)]
        await outside.close()
    found = [re.fullmatch(r"(\w+)_p(\d+)", name) for name in touched]
    assert {match[1] for match in found if match} == GROWING
    assert len({match[2] for match in found if match}) == 1, touched
