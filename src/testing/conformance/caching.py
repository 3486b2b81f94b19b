"""No score is computed twice, and no stale one is ever used."""

from __future__ import annotations

import pytest

from ...errors import ConflictError, NotFoundError, ValidationError
from ...model import Node, Principle, PrinciplePreview, PrincipleScore, Rubric
from .base import Conformance, OpenStore
from .scoring import TWO, rubric_score, scores


def failed(rubric: Rubric, node_id: str, key: str) -> PrincipleScore:
    """Return the record of a failed try."""
    return PrincipleScore(
        node_id=node_id, principle_id=rubric[key].id, judge="j@1", failure="silent"
    )


class CachingConformance(Conformance):
    """`cached_scores`, `invalidation_preview`, and scores that come late."""

    async def test_cached_scores_know_what_was_just_saved(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            node = Node(content="")
            rubric = await store.rubrics.save(
                Rubric(principles=(Principle(key="a"), Principle(key="b")))
            )
            a, b = rubric["a"].id, rubric["b"].id
            await store.save_nodes_batch([node])
            hits, misses = await store.cached_scores([node.id], judge="j@1")
            assert (hits, misses) == ({}, [(node.id, a), (node.id, b)])
            await store.update_scores_batch(
                [
                    PrincipleScore(node_id=node.id, principle_id=b, judge="j@1", score=0.5),
                    PrincipleScore(node_id=node.id, principle_id=a, judge="j@1", failure="silent"),
                ]
            )
            hits, misses = await store.cached_scores(iter([node.id]), judge="j@1", rubric=rubric)
            assert (hits, misses) == ({(node.id, b): 0.5}, [(node.id, a)])
            with pytest.raises(NotFoundError, match="nowhere"):
                await store.cached_scores([node.id, "nowhere"], judge="j@1", rubric=1)

    async def test_cached_scores_are_columns_until_somebody_asks(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            a, b = rubric["a"].id, rubric["b"].id
            await store.save_nodes_batch([Node(id=name, content=name) for name in "xyz"])
            await store.update_scores_batch(
                [*scores(rubric, "z", b=1.0, a=0.5), *scores(rubric, "x", b=0.0)]
            )
            cached = await store.cached_scores(["z", "x", "y"], judge="j@1")
            assert (cached.node_ids, cached.principle_ids) == (["z", "z", "x"], [a, b, b])
            assert cached.scores == [0.5, 1.0, 0.0]
            assert cached.missing_node_ids == ["x", "y", "y"]
            assert cached.missing_principle_ids == [a, a, b]
            hits, misses = cached
            assert list(hits.items()) == [(("z", a), 0.5), (("z", b), 1.0), (("x", b), 0.0)]
            assert misses == [("x", a), ("y", a), ("y", b)]
            assert cached == (hits, misses)
            assert cached == await store.cached_scores(["z", "x", "y"], judge="j@1")
            assert cached != await store.cached_scores(["z", "x"], judge="j@1")

    async def test_a_node_may_be_lent_the_score_of_the_first_of_the_same_content(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            a, b = rubric["a"].id, rubric["b"].id
            names = {"n1": "same", "n2": "same", "n3": "same", "n4": "other", "n5": "same"}
            await store.save_nodes_batch([Node(id=id_, content=names[id_]) for id_ in names])
            await store.update_scores_batch(
                [
                    failed(rubric, "n1", "a"),
                    *scores(rubric, "n3", a=0.5),
                    *scores(rubric, "n2", a=0.25),
                    *scores(rubric, "n5", b=1.0, a=0.75),
                    *scores(rubric, "n4", a=9.0),
                    *scores(rubric, "n1", "k@1", a=8.0),
                ]
            )
            asked = ["n5", "n1", "n4", "n3"]
            hits, misses = await store.cached_scores(asked, judge="j@1", by_content=True)
            assert list(hits.items()) == [
                (("n5", a), 0.75),
                (("n5", b), 1.0),
                (("n1", a), 0.25),
                (("n1", b), 1.0),
                (("n4", a), 9.0),
                (("n3", a), 0.5),
                (("n3", b), 1.0),
            ]
            assert misses == [("n4", b)]
            plain = await store.cached_scores(asked, judge="j@1")
            assert ("n1", a) in plain.misses, "nothing was stored by looking"
            assert await rubric_score(store, "n1") is None
            await store.update_scores_batch(
                PrincipleScore(node_id=n, principle_id=p, judge="j@1", score=score)
                for (n, p), score in hits.items()
            )
            assert await rubric_score(store, "n1") == 0.4375
            assert (await store.cached_scores(["n1"], judge="j@1")).misses == []
            with pytest.raises(NotFoundError, match="nowhere"):
                await store.cached_scores(["n1", "nowhere"], judge="j@1", by_content=True)
            assert await store.cached_scores([], judge="j@1", by_content=True) == ({}, [])

    async def test_a_failed_try_is_never_served_nor_lent_and_hides_no_score(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            a = rubric["a"].id
            await store.save_nodes_batch([Node(id=name, content="same") for name in "xyz"])
            await store.update_scores_batch([failed(rubric, "x", "a"), failed(rubric, "y", "a")])
            for by_content in (False, True):
                cached = await store.cached_scores(["x", "y"], judge="j@1", by_content=by_content)
                assert cached == ({}, [("x", a), ("y", a)])
            await store.update_scores_batch(scores(rubric, "y", a=0.5))
            await store.update_scores_batch([failed(rubric, "y", "a")])
            lent = await store.cached_scores(["x", "y", "z"], judge="j@1", by_content=True)
            assert lent.hits == {("x", a): 0.5, ("y", a): 0.5, ("z", a): 0.5}
            own = await store.cached_scores(["x", "y", "z"], judge="j@1")
            assert own == ({("y", a): 0.5}, [("x", a), ("z", a)])

    async def test_a_rubric_is_priced_before_anybody_pays(self, open_store: OpenStore) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id=name, content="") for name in "xyz"])
            with pytest.raises(NotFoundError, match="judge"):
                await store.invalidation_preview(TWO)
            await store.update_scores_batch(
                [
                    *scores(first, "x", a=1.0, b=0.0),
                    *scores(first, "y", b=0.5),
                    failed(first, "y", "a"),
                    failed(first, "z", "a"),
                    *scores(first, "z", "k@1", a=1.0),
                ]
            )
            new = Rubric(principles=(Principle(key="c"), Principle(key="a"), Principle(key="b")))
            found = await store.invalidation_preview(new)
            assert (found.judge, found.nodes) == ("j@1", 2)
            assert found.principles == (
                PrinciplePreview(key="c", kept=0, to_compute=2),
                PrinciplePreview(key="a", kept=1, to_compute=1),
                PrinciplePreview(key="b", kept=2, to_compute=0),
            )
            assert (found.kept, found.to_compute) == (3, 3)
            assert len(await store.rubrics.history()) == 1, "nothing was written"
            some = await store.invalidation_preview(new, node_ids=["z", "x", "z"])
            assert (some.nodes, some.kept, some.to_compute) == (2, 2, 4)
            assert (await store.invalidation_preview(1, judge="k@1")).kept == 1
            nobody = await store.invalidation_preview(new, judge="nobody@1")
            assert (nobody.nodes, nobody.kept, nobody.to_compute) == (0, 0, 0)
            saved = await store.rubrics.save(new)
            assert await store.invalidation_preview(saved.version or 0) == found

    async def test_a_rubric_that_could_not_be_saved_has_no_price(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            saved = await store.rubrics.save(TWO)
            stolen = Rubric(principles=(Principle(id=saved["a"].id, key="a", text="otherwise"),))
            with pytest.raises(ConflictError, match=saved["a"].id):
                await store.invalidation_preview(stolen, judge="j@1")
            with pytest.raises(ValidationError, match="principles"):
                await store.invalidation_preview(Rubric(principles=()), judge="j@1")
            with pytest.raises(NotFoundError, match="version 7"):
                await store.invalidation_preview(7, judge="j@1")
            with pytest.raises(NotFoundError, match="nowhere"):
                await store.invalidation_preview(1, judge="j@1", node_ids=["nowhere"])

    async def test_a_judge_without_a_version_is_refused_everywhere(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            for call in (
                lambda: store.update_scores_batch(scores(rubric, "n", "gpt", a=1.0)),
                lambda: store.cached_scores(["n"], judge="gpt"),
                lambda: store.invalidation_preview(1, judge="gpt"),
                lambda: store.rubrics.activate(1, judge="gpt"),
            ):
                with pytest.raises(ValidationError, match="judge_name"):
                    await call()
            assert (await store.flush()).scores == 0

    async def test_scores_of_nodes_that_were_flushed_long_ago_make_their_rubric_score(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="")])
            await store.flush()
        async with open_store() as store:
            await store.update_scores_batch([*scores(rubric, "n", a=1.0), failed(rubric, "n", "b")])
            await store.flush()
            assert await rubric_score(store, "n") is None, "partial, and a failure is no score"
            await store.update_scores_batch(scores(rubric, "n", b=0.0))
            await store.flush()
            assert await rubric_score(store, "n") == 0.75
            await store.update_scores_batch(scores(rubric, "n", a=0.0))
            await store.flush()
            assert await rubric_score(store, "n") == 0.0, "judged again"

    async def test_a_version_with_an_unscored_principle_takes_the_rubric_score_back(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id=name, content="") for name in "xy"])
            await store.update_scores_batch(
                [*scores(first, "x", a=1.0, b=0.0), *scores(first, "y", a=0.0, b=1.0)]
            )
            third = (*TWO.principles, Principle(key="c"))
            second = await store.rubrics.save(Rubric(principles=third, weights={"c": 2.0}))
            await store.rubrics.activate(2)
            assert [await rubric_score(store, name) for name in "xy"] == [None, None]
            await store.update_scores_batch(scores(second, "x", c=1.0))
            assert [await rubric_score(store, name) for name in "xy"] == [0.75, None]

    async def test_the_rubric_score_is_of_the_active_judge_alone(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id=name, content="") for name in "xy"])
            await store.update_scores_batch(
                [*scores(rubric, "x", a=1.0, b=1.0), *scores(rubric, "y", a=0.5, b=0.5)]
            )
            await store.update_scores_batch(scores(rubric, "y", "k@1", a=0.25))
            await store.rubrics.activate(1, judge="k@1")
            assert [await rubric_score(store, name) for name in "xy"] == [None, None]
            await store.update_scores_batch(scores(rubric, "y", "k@1", b=0.25))
            await store.update_scores_batch(scores(rubric, "x", a=0.0))
            assert [await rubric_score(store, name) for name in "xy"] == [None, 0.25]
            await store.rubrics.activate(1, judge="j@1")
            assert [await rubric_score(store, name) for name in "xy"] == [0.25, 0.5]
