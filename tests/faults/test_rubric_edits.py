"""A rubric is edited while replies are lost: each edit is made once, whatever it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import Principle, Rubric, RubricChanges

from .proxy import POSTGRES_COMMIT
from .test_outages import rig

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

BASE = Rubric(principles=(Principle(key="a"), Principle(key="b")))
CHANGES = {
    "removal": RubricChanges(remove=("b",)),
    "text": RubricChanges(texts={"a": "asked otherwise"}),
    "weight": RubricChanges(weights={"b": 0.25}),
}


@pytest.mark.parametrize("kind", CHANGES)
async def test_an_edit_whose_commit_was_made_but_not_heard_of_is_made_once(
    servers: Endpoints, project_id: str, kind: str
) -> None:
    async with rig(servers, project_id) as it:
        await it.store.rubrics.save(BASE)
        it.postgres.cut_after = POSTGRES_COMMIT
        made = await it.store.rubrics.new_version(CHANGES[kind])
        assert it.postgres.cuts == 1
        assert it.store.counts["rubric_retries"] == 1
        assert made.version == 2
        assert (await it.store.rubrics.history())[1:] == [made]


async def test_an_edit_that_was_cut_in_the_middle_is_made_again(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id) as it:
        await it.store.rubrics.save(BASE)
        it.postgres.cut_after = b"asked otherwise"  # sent when the new principle is inserted
        made = await it.store.rubrics.new_version(CHANGES["text"])
        assert it.postgres.cuts == 1
        assert made.version == 2
        assert (await it.store.rubrics.history())[1:] == [made]
