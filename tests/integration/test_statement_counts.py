"""How often a call asks the two servers: as often with many items as with one."""

from __future__ import annotations

import inspect
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sapwood import AsyncStorageAdapter, Database
from sapwood.labels import Labels
from sapwood.rubrics import Rubrics

from ..sent import Sent, noted
from .calls import CALLS, Planted, planted, settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood import Graph
    from sapwood.servers import Endpoints

TURNS = Counter(SQL=6, BEGIN=3, RUN=6, PULL=6, COMMIT=3, ROLLBACK=3)
"""Whoever applies may look for more, or whether it is done, a few times more or fewer."""
MANY = 30
"""With what the calls add, fewer than the 1,000 nodes of a page."""
ROOMS = {"": AsyncStorageAdapter, "rubrics.": Rubrics, "labels.": Labels}


def test_there_is_a_case_for_every_public_method() -> None:
    methods = {
        prefix + name
        for prefix, room in ROOMS.items()
        for name, _ in inspect.getmembers(room, inspect.isfunction)
        if not name.startswith("_")
    }
    assert set(CALLS) == methods


@pytest.fixture(scope="module")
async def sizes(
    servers: Endpoints, graph: Graph, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Sent, list[Planted]]]:
    """A small and a large project, over one connection to PostgreSQL, whose use is noted."""
    database = Database(servers.database_url, pool_size=1)
    with noted(database) as sent:
        folder = tmp_path_factory.mktemp("labels")
        projects = [await planted(database, graph, size, folder) for size in (1, MANY)]
        yield sent, projects
        for project in projects:
            await project.store.close()
    await database.close()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("name", CALLS)
async def test_a_call_asks_as_often_for_many_items_as_for_one(
    name: str, sizes: tuple[Sent, list[Planted]]
) -> None:
    sent, projects = sizes
    counts: list[Counter[str]] = []
    others_worked = False
    for project in projects:
        for _ in ("the driver asks about each type once a connection", "so this one counts"):
            await settled(project.store)
            sent.clear()
            await CALLS[name](project)
            await settled(project.store)
        counts.append(sent.counts())
        others_worked |= sent.entries_were_read()
    one, many = counts
    assert min(one["SQL"], one["RUN"]) > 0, "nothing was noted"
    assert not many - one - (TURNS if others_worked else Counter())
