"""Labels whose commit was not heard of, or that come while the graph's server is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sapwood import LabeledSample, NumberScale

from .proxy import POSTGRES_COMMIT
from .test_outages import rig

if TYPE_CHECKING:
    from sapwood.servers import Endpoints


def label(content: str) -> LabeledSample:
    return LabeledSample(content=content, labeler="ann", label=0.5, scale=NumberScale(0, 1))


async def test_labels_whose_commit_was_not_heard_of_are_stored_and_counted_once(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id) as tested:
        await tested.store.labels.all()
        tested.postgres.cut_after = POSTGRES_COMMIT
        await tested.store.add_labels_batch([label("a"), label("b")])
        assert tested.store.counts["labels_retries"] >= 1
        assert len(await tested.store.labels.all()) == 2
        assert (await tested.store.flush()).labels == 2


async def test_people_label_contents_while_neo4j_is_away(
    servers: Endpoints, project_id: str
) -> None:
    async with rig(servers, project_id, apply_wait_s=0.1) as tested:
        await tested.store.labels.all()
        tested.neo4j.refuse()
        await tested.store.add_labels_batch([label("a")])
        assert [each.content for each in await tested.store.labels.all()] == ["a"]
