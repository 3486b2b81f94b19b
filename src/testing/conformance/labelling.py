"""What people say of contents: stored at once, one for each content, labeler and principle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from ...errors import ConflictError, NotFoundError, ReadOnlyError, ValidationError
from ...model import Node, Principle, Rubric
from ...samples import LabeledSample
from ...scales import ClassScale, NumberScale
from .base import Conformance, chain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..interface import Store
    from .base import OpenStore

ONE = NumberScale(0, 1)
CLASSES = ClassScale({"bad": 0, "good": 1})
TWO = Rubric(principles=(Principle(key="a"), Principle(key="b")), weights={"a": 3.0})


def sample(
    content: str | None = "text", label: float | str = 0.5, **fields: object
) -> LabeledSample:
    """Return what `ann` says of a content, from 0 to 1."""
    values = {"labeler": "ann", "scale": ONE, **fields}
    return LabeledSample.model_validate({"content": content, "label": label, **values})


async def labels(store: Store) -> list[tuple[str | None, str, float | str]]:
    """Return content, labeler and label of each sample."""
    return sorted((each.content, each.labeler, each.label) for each in await store.labels.all())


V, N, C = ValidationError, NotFoundError, ConflictError
BAD: dict[str, tuple[type[Exception], str, Callable[[], LabeledSample]]] = {
    "above": (V, "sample x: label 2.0 is outside of its scale", lambda: sample(id="x", label=2)),
    "class": (V, "'fine' is no class of its", lambda: sample(label="fine", scale=CLASSES)),
    "step": (V, "label 1.5 is on no step", lambda: sample(label=1.5, scale=NumberScale(1, 5, 1))),
    "scale": (V, "scale must have low < high", lambda: sample(label=1, scale=NumberScale(1, 1))),
    "nul": (V, "content holds NUL", lambda: sample("a\0b")),
    "nothing": (V, "content must be given", lambda: sample(None)),
    "principle": (N, "no principle nowhere", lambda: sample(principle_id="nowhere")),
    "version": (N, "no rubric version 7", lambda: sample(rubric_version=7)),
    "node": (N, "no node nobody", lambda: sample(node_id="nobody")),
    "node alone": (N, "no node nobody", lambda: sample(None, node_id="nobody")),
    "other content": (C, "is not that of node n", lambda: sample("other", node_id="n")),
    "id": (C, "its id kept", lambda: sample("other", id="kept")),
}


class LabellingConformance(Conformance):
    """`add_labels_batch` and the samples of `labels`."""

    async def test_a_later_label_of_the_same_person_replaces_the_earlier(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            of_principle = sample(label=0.1, principle_id=rubric["a"].id)
            first, last = sample(label=0.2), sample(label=0.9, rationale="seen again")
            await store.add_labels_batch([first, of_principle, sample(label=0.3, labeler="bob")])
            await store.add_labels_batch([sample(label=0.4), last])
            await store.add_labels_batch([last])
            assert await labels(store) == [
                ("text", "ann", 0.1),
                ("text", "ann", 0.9),
                ("text", "bob", 0.3),
            ]
            mine = await store.labels.all(labeler="ann", principle_id=rubric["a"].id)
            assert mine == [of_principle.model_copy(update={"rubric_version": 1})]
            loaded = await store.load_project()
            assert loaded.labels == await store.labels.all()
            assert last.model_copy(update={"rubric_version": 1}) in loaded.labels
            assert loaded.principles == {each.id: each for each in rubric.principles}

    async def test_labels_are_durable_on_return_and_counted_by_the_next_receipt(
        self, open_store: OpenStore
    ) -> None:
        async with open_store(flush_interval_s=60) as store, open_store(mode="read") as reader:
            await store.save_nodes_batch([Node(id="n", content="text")])
            await store.add_labels_batch([sample(), sample(), sample(labeler="bob")])
            assert await labels(reader) == [("text", "ann", 0.5), ("text", "bob", 0.5)]
            receipt = await store.flush()
            assert (receipt.nodes, receipt.labels) == (1, 2)
            await store.add_labels_batch([])
            assert (await store.flush()).labels == 0

    async def test_a_sample_may_name_a_pending_node_and_take_its_content(
        self, open_store: OpenStore
    ) -> None:
        async with open_store(flush_interval_s=60) as store:
            await store.save_nodes_batch([Node(id="n", content="what it says"), *chain("empty")])
            await store.add_labels_batch(
                [sample(None, node_id="n"), sample(None, node_id="empty", labeler="bob")]
            )
            await store.add_labels_batch([sample("what it says", label=0.7, node_id="n")])
            assert await labels(store) == [("", "bob", 0.5), ("what it says", "ann", 0.7)]

    @pytest.mark.parametrize("bad", BAD)
    async def test_a_bad_sample_is_refused_by_name_and_nothing_of_its_call_is_stored(
        self, open_store: OpenStore, bad: str
    ) -> None:
        kind, message, make = BAD[bad]
        async with open_store() as store:
            await store.save_nodes_batch([Node(id="n", content="text")])
            await store.add_labels_batch([sample("first", id="kept")])
            with pytest.raises(kind, match=message):
                await store.add_labels_batch([sample("good"), make(), sample("better")])
            assert [each.content for each in await store.labels.all()] == ["first"]
            assert (await store.flush()).labels == 1

    async def test_people_label_while_an_orchestrator_owns_the_project(
        self, open_store: OpenStore
    ) -> None:
        owner = open_store(flush_interval_s=60)
        await owner.save_nodes_batch([Node(id="n", content="text")])
        await owner.flush()
        people = [open_store() for _ in range(4)]
        contents = [f"text {number}" for number in range(30)]
        await asyncio.gather(
            *(
                store.add_labels_batch(
                    [sample(each, labeler=f"person {at}") for each in contents[::step]]
                )
                for at, store in enumerate(people)
                for step in (1, -1)
            )
        )
        await owner.save_nodes_batch([Node(id="m", content="owned still")])
        assert (await owner.flush()).nodes == 1
        assert len(await owner.labels.all()) == 4 * len(contents)

    async def test_a_reader_labels_nothing(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.add_labels_batch([sample()])
        reader = open_store(mode="read")
        with pytest.raises(ReadOnlyError):
            await reader.add_labels_batch([sample("more")])
        assert await labels(reader) == [("text", "ann", 0.5)]

    async def test_labels_go_with_their_project(self, open_store: OpenStore) -> None:
        store, late = open_store(), open_store()
        rubric = await store.rubrics.save(TWO)
        await store.save_nodes_batch([Node(id="n", content="text")])
        about = {"node_id": "n", "principle_id": rubric["a"].id}
        await store.add_labels_batch([sample(**about)])
        assert len(await late.labels.all()) == 1
        await store.delete_project()
        async with open_store() as anew:
            assert await anew.labels.all() == []
            with pytest.raises(NotFoundError):
                await late.add_labels_batch([sample()])
            assert await anew.labels.all() == []

    async def test_a_changed_rubric_makes_those_labels_stale_that_it_no_longer_means(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            await store.add_labels_batch([sample("before there was a rubric")])
            first = await store.rubrics.save(TWO)
            await store.add_labels_batch(
                [
                    sample("whole"),
                    sample("a", principle_id=first["a"].id),
                    sample("b", principle_id=first["b"].id),
                ]
            )
            asked_otherwise = (Principle(key="b"), Principle(key="a", text="otherwise"))
            await store.rubrics.save(Rubric(principles=asked_otherwise, weights={"a": 3.0}))
            await store.rubrics.save(Rubric(principles=TWO.principles[::-1], weights={"a": 3.0}))
            await store.rubrics.save(Rubric(principles=TWO.principles))

            async def stale(version: int | None) -> list[str | None]:
                return [each.content for each in await store.labels.stale(version)]

            assert await stale(None) == await stale(1) == []
            assert await stale(2) == ["whole", "a"]
            assert await stale(3) == [], "another order means the same"
            assert await stale(4) == ["whole"]
            with pytest.raises(NotFoundError, match="version 5"):
                await store.labels.stale(5)

    @pytest.mark.parametrize("suffix", ["jsonl", "csv"])
    async def test_a_file_brings_back_what_was_exported(
        self, open_store: OpenStore, tmp_path: Path, suffix: str
    ) -> None:
        file = tmp_path / f"labels.{suffix}"
        async with open_store() as store, open_store("second." + store.project_id[:40]) as second:
            mine = (await store.rubrics.save(TWO))["a"].id
            another = await second.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            hard = 'a "quoted", ünïcode\r\n\u2028 text;\n'
            await store.add_labels_batch(
                [
                    sample(hard, label="good", scale=CLASSES, rationale=hard, labeler="é,n"),
                    sample("", label=3, scale=NumberScale(1, 5, step=1), principle_id=mine),
                ]
            )
            assert await store.labels.export_file(file) == 2
            assert await store.labels.import_file(file) == 2
            before = await store.labels.all()
            assert len(before) == 2
            with pytest.raises(NotFoundError, match=rf"labels.{suffix} line \d: .*no principle"):
                await second.labels.import_file(file)
            assert await second.labels.all() == []
            by_key = file.read_bytes().replace(mine.encode(), b"a")
            file.write_bytes(b"\xef\xbb\xbf" + by_key)
            assert await second.labels.import_file(file) == 2
            ids = {mine: another["a"].id, None: None}
            assert await second.labels.all() == [
                each.model_copy(update={"principle_id": ids[each.principle_id]}) for each in before
            ]
            await second.delete_project()
