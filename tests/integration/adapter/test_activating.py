"""An activation that PostgreSQL ends for its time is told, not tried again for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from sapwood import AsyncStorageAdapter, Database, Principle, Rubric, StoreError

if TYPE_CHECKING:
    from sapwood import Graph
    from sapwood.servers import Endpoints


async def test_an_activation_that_takes_too_long_says_which_setting_to_raise(
    servers: Endpoints, database: Database, graph: Graph, project_id: str
) -> None:
    hasty = Database(servers.database_url, statement_timeout_s=0.3)
    lock = text("SELECT FROM sapwood.project WHERE id = :id FOR UPDATE")
    async with AsyncStorageAdapter(hasty, graph, project_id=project_id) as store:
        await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
        async with database.transaction() as other:
            await other.execute(lock, {"id": project_id})
            with pytest.raises(StoreError, match="larger one") as refused:
                await store.rubrics.activate(1)
        assert refused.value.code == "57014"
        await store.rubrics.activate(1)
    await hasty.close()
