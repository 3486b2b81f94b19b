"""Judges' scores, rubrics in versions, and the one number that these make of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import ConflictError, NotFoundError, ValidationError
from ...model import Node, Principle, PrincipleScore, Rubric
from .base import Conformance

if TYPE_CHECKING:
    from ..interface import Store
    from .base import OpenStore

TWO = Rubric(principles=(Principle(key="a"), Principle(key="b")), weights={"a": 3.0})


def scores(
    rubric: Rubric, node_id: str, judge: str = "j@1", **by_key: float
) -> list[PrincipleScore]:
    """Return a score for each principle that is named."""
    return [
        PrincipleScore(node_id=node_id, principle_id=rubric[key].id, judge=judge, score=by_key[key])
        for key in by_key
    ]


async def rubric_score(store: Store, node_id: str) -> float | None:
    """Return what the rubric makes of the node."""
    return (await store.node(node_id)).rubric_score


class ScoringConformance(Conformance):
    """`update_scores_batch` and `rubrics`."""

    async def test_the_rubric_score_follows_once_every_principle_has_one(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            await store.update_scores_batch(
                [*scores(rubric, "n", a=1.0), *scores(rubric, "n", "other@1", a=0.0)]
            )
            assert await rubric_score(store, "n") is None
            await store.update_scores_batch(scores(rubric, "n", b=0.0))
            receipt = await store.flush()
            assert receipt.scores == 3, "since the last receipt, reads that flushed included"
            assert await rubric_score(store, "n") == 0.75
            loaded = await store.load_project()
        assert loaded.rubric is not None
        assert loaded.rubric.version == 1
        assert loaded.project.judge == "j@1"
        assert loaded.scores.judges == ["j@1", "j@1", "other@1"] or len(loaded.scores) == 3

    async def test_a_failed_try_is_no_score_and_replaces_none(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            await store.save_nodes_batch([Node(id="n", content="")])
            failed = PrincipleScore(
                node_id="n", principle_id=rubric["a"].id, judge="j@1", failure="no answer"
            )
            await store.update_scores_batch([failed])
            assert (await store.load_project()).project.judge is None
            await store.update_scores_batch(scores(rubric, "n", a=0.5))
            await store.update_scores_batch([failed])
            await store.flush()
            await store.update_scores_batch([failed])
            loaded = await store.load_project()
            assert (loaded.scores.scores, loaded.project.judge) == ([0.5], "j@1")
            assert await rubric_score(store, "n") == 0.5

    async def test_a_principle_that_did_not_change_keeps_its_id_and_its_scores(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            assert await store.rubrics.save(TWO) == first, "it is the newest version already"
            await store.save_nodes_batch([Node(id="n", content="")])
            await store.update_scores_batch(scores(first, "n", a=1.0, b=0.0))
            changed = Rubric(
                principles=(Principle(key="a"), Principle(key="b", text="asked otherwise"))
            )
            second = await store.rubrics.save(changed)
            assert (second.version, second["a"].id) == (2, first["a"].id)
            assert second["b"].id != first["b"].id
            assert await rubric_score(store, "n") == 0.75, "the first is current still"
            await store.rubrics.activate(2)
            assert await rubric_score(store, "n") is None
            await store.update_scores_batch(scores(second, "n", b=1.0))
            assert await rubric_score(store, "n") == 1.0
            await store.rubrics.activate(1)
            assert await rubric_score(store, "n") == 0.75
            assert [rubric.version for rubric in await store.rubrics.history()] == [1, 2]
            current = await store.rubrics.current()
            assert current is not None
            assert current.version == 1

    async def test_another_judge_may_be_made_the_one_that_counts(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            await store.save_nodes_batch([Node(id="n", content="")])
            await store.update_scores_batch(
                [*scores(rubric, "n", a=0.25), *scores(rubric, "n", "k@1", a=0.75)]
            )
            assert await rubric_score(store, "n") == 0.25
            await store.rubrics.activate(1, judge="k@1")
            assert await rubric_score(store, "n") == 0.75

    async def test_a_score_for_an_unknown_node_or_principle_is_refused_by_name(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            unknown = PrincipleScore(node_id="n", principle_id="no-such", judge="j@1", score=1.0)
            with pytest.raises(NotFoundError, match="no-such"):
                await store.update_scores_batch([*scores(rubric, "n", a=1.0), unknown])
            with pytest.raises(NotFoundError, match="nobody"):
                await store.update_scores_batch(
                    [*scores(rubric, "n", a=1.0), *scores(rubric, "nobody", a=1.0)]
                )
            receipt = await store.flush()
        assert receipt.scores == 0

    async def test_a_rubric_that_means_nothing_or_something_else_is_refused(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            saved = await store.rubrics.save(TWO)
            with pytest.raises(ValidationError, match="principles"):
                await store.rubrics.save(Rubric(principles=()))
            stolen = Principle(id=saved["a"].id, key="a", text="another meaning")
            with pytest.raises(ConflictError, match=stolen.id):
                await store.rubrics.save(Rubric(principles=(stolen,)))
            with pytest.raises(NotFoundError, match="version 7"):
                await store.rubrics.activate(7)
            assert len(await store.rubrics.history()) == 1
