"""Rubrics: new versions by changes, what changed between two, and what never does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from ...errors import ConflictError, NotFoundError, ReadOnlyError, ValidationError
from ...model import Node, Principle, Rubric
from ...rubric_model import RubricChanges, RubricDiff
from .base import Conformance
from .scoring import rubric_score, scores

if TYPE_CHECKING:
    from .base import OpenStore

TWO = Rubric(
    principles=(Principle(key="a", text="Is it a?"), Principle(key="b", text="Is it b?")),
    weights={"a": 3.0},
)


class RubricsConformance(Conformance):
    """`rubrics.new_version`, `get` and `diff`, and what `save` refuses."""

    async def test_a_new_version_changes_what_is_named_and_keeps_the_rest(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            changes = RubricChanges(texts={"b": "Is it still b?", "c": "Is it c?"})
            second = await store.rubrics.new_version(changes)
            assert second.version == 2
            assert [each.key for each in second.principles] == ["a", "b", "c"]
            assert second["a"] == first["a"]
            assert second["b"].id != first["b"].id
            assert second["b"].text == "Is it still b?"
            assert second.weights == {"a": 3.0, "b": 1.0, "c": 1.0}
            third = await store.rubrics.new_version(
                RubricChanges(weights={"c": 0.5}, remove=("a",))
            )
            assert third.version == 3
            assert third.principles == second.principles[1:]
            assert third.weights == {"b": 1.0, "c": 0.5}
            current = await store.rubrics.current()
            assert current is not None
            assert current.version == 1, "what is current stays so"
            assert await store.rubrics.history() == [first, second, third]

    async def test_changes_that_change_nothing_make_no_version(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            for changes in (
                RubricChanges(),
                RubricChanges(texts={"a": "Is it a?"}, weights={"b": 1.0}),
            ):
                assert await store.rubrics.new_version(changes) == first
            second = await store.rubrics.new_version(RubricChanges(weights={"b": 2.0}))
            assert await store.rubrics.new_version(RubricChanges(weights={"b": 2.0})) == second
            assert await store.rubrics.new_version(RubricChanges(weights={"b": 2.0}), base=1) == (
                second
            )

    async def test_a_text_of_an_earlier_version_gets_its_principle_and_its_scores_back(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            await store.update_scores_batch(scores(first, "n", a=1.0, b=0.0))
            second = await store.rubrics.new_version(RubricChanges(texts={"b": "otherwise"}))
            await store.rubrics.activate(2)
            found = await store.cached_scores(["n"], judge="j@1")
            assert found.misses == [("n", second["b"].id)], "only what changed is asked again"
            await store.update_scores_batch(scores(second, "n", b=1.0))
            assert await rubric_score(store, "n") == 1.0
            third = await store.rubrics.new_version(RubricChanges(texts={"b": "Is it b?"}))
            assert third.version == 3
            assert third.principles == first.principles
            await store.rubrics.activate(3)
            assert (await store.cached_scores(["n"], judge="j@1")).misses == []
            assert await rubric_score(store, "n") == 0.75

    async def test_an_older_version_may_be_the_base(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            await store.rubrics.new_version(RubricChanges(texts={"c": ""}, remove=("b",)))
            third = await store.rubrics.new_version(RubricChanges(weights={"a": 1.0}), base=1)
            assert (third.version, third.principles) == (3, first.principles)
            assert third.weights == {"a": 1.0, "b": 1.0}
            again = await store.rubrics.new_version(RubricChanges(), base=1)
            assert again == first.model_copy(update={"version": 4, "created_at": again.created_at})

    async def test_two_who_edit_at_once_both_get_their_edits(self, open_store: OpenStore) -> None:
        async with open_store() as one, open_store(mode="join") as other:
            await one.rubrics.save(TWO)
            await asyncio.gather(
                one.rubrics.new_version(RubricChanges(texts={"a": "by one"})),
                other.rubrics.new_version(RubricChanges(texts={"c": "by another"}, remove=("b",))),
            )
            *_, newest = await one.rubrics.history()
            assert newest.version == 3
            texts = {each.key: each.text for each in newest.principles}
            assert texts == {"a": "by one", "c": "by another"}

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"weights": {"x": 1.0}}, "weights names 'x'.* has a, b"),
            ({"remove": ("x",)}, "remove names 'x'.* has a, b"),
            ({"weights": {"b": 1.0}, "remove": ("b",)}, "weights names 'b'.* has a"),
            ({"texts": {"a": "", "b": ""}, "remove": ("b",)}, "'b'"),
            ({"remove": ("a", "b")}, "one"),
            ({"weights": {"a": -1.0}}, "weights.a"),
            ({"weights": {"a": float("nan")}}, "weights.a"),
            ({"texts": {"no key": ""}}, "key"),
            ({"texts": {"a": "NUL \0"}}, "NUL"),
        ],
    )
    async def test_changes_that_do_not_fit_are_refused_by_name_and_leave_nothing(
        self, open_store: OpenStore, changes: dict[str, Any], said: str
    ) -> None:
        async with open_store() as store:
            saved = await store.rubrics.save(TWO)
            with pytest.raises(ValidationError, match=said):
                await store.rubrics.new_version(RubricChanges(**changes))
            assert await store.rubrics.history() == [saved]

    async def test_without_a_version_there_is_nothing_to_start_from(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            with pytest.raises(NotFoundError, match="save one first"):
                await store.rubrics.new_version(RubricChanges(texts={"a": ""}))
            await store.rubrics.save(TWO)
            with pytest.raises(NotFoundError, match="version 7"):
                await store.rubrics.new_version(RubricChanges(texts={"a": ""}), base=7)
            for wrong in (0, True, "1"):
                with pytest.raises(ValidationError, match="base"):
                    await store.rubrics.new_version(RubricChanges(), base=wrong)  # type: ignore[arg-type]

    async def test_readers_look_at_versions_and_make_none(self, open_store: OpenStore) -> None:
        async with open_store() as store, open_store(mode="read") as reader:
            saved = await store.rubrics.save(TWO)
            assert await reader.rubrics.get(1) == saved
            assert await reader.rubrics.diff(1, 1) == RubricDiff(unchanged=("a", "b"))
            with pytest.raises(ReadOnlyError):
                await reader.rubrics.new_version(RubricChanges())

    async def test_a_diff_says_what_each_version_has_otherwise(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(
                Rubric(principles=tuple(Principle(key=key) for key in "abcd"))
            )
            await store.rubrics.new_version(
                RubricChanges(
                    texts={"e": "new", "b": "otherwise"},
                    weights={"b": 2.0, "c": 0.0},
                    remove=("a",),
                )
            )
            second = await store.rubrics.get(2)
            assert await store.rubrics.diff(1, 2) == RubricDiff(
                added=(second["e"],),
                removed=(first["a"],),
                changed=((first["b"], second["b"]),),
                reweighted={"b": (1.0, 2.0), "c": (1.0, 0.0)},
                unchanged=("d",),
            )
            back = await store.rubrics.diff(2, 1)
            assert (back.added, back.removed) == ((first["a"],), (second["e"],))
            await store.rubrics.save(Rubric(principles=first.principles[::-1]))
            assert await store.rubrics.diff(1, 3) == RubricDiff(
                unchanged=("d", "c", "b", "a"), reordered=True
            )

    async def test_a_version_that_is_not_there_is_named(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            await store.rubrics.save(TWO)
            for call in (
                store.rubrics.get(2),
                store.rubrics.diff(1, 2),
                store.rubrics.diff(2, 1),
            ):
                with pytest.raises(NotFoundError, match="version 2"):
                    await call
            with pytest.raises(NotFoundError, match=str(1 << 40)):
                await store.rubrics.get(1 << 40)
            for wrong in (store.rubrics.get(0), store.rubrics.diff(0, 1), store.rubrics.diff(1, 0)):
                with pytest.raises(ValidationError, match="integer from 1"):
                    await wrong

    async def test_a_saved_principle_never_changes_and_the_refusal_says_what_to_do(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            saved = await store.rubrics.save(TWO)
            for changed, said in (
                ({"text": "another"}, "another text for key 'a'"),
                ({"key": "z"}, "key 'z'; it is that of 'a'"),
            ):
                stolen = saved["a"].model_copy(update=changed)
                with pytest.raises(ConflictError) as refused:
                    await store.rubrics.save(Rubric(principles=(stolen,)))
                assert f"principle {stolen.id} came with {said}" in str(refused.value)
                assert "rubrics.new_version" in str(refused.value)
            assert await store.rubrics.history() == [saved]

    async def test_a_score_by_an_unknown_principle_is_refused_and_says_what_to_do(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            saved = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            unsaved = Rubric(principles=(Principle(key="a"),))
            with pytest.raises(NotFoundError) as refused:
                await store.update_scores_batch(
                    [*scores(saved, "n", b=1.0), *scores(unsaved, "n", a=1.0)]
                )
            assert f"principle {unsaved['a'].id}" in str(refused.value)
            assert "save a rubric that holds it first" in str(refused.value)
            assert (await store.flush()).scores == 0
