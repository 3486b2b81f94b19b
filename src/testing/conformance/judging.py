"""How far judges agree with people, and what is worth a label next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ...errors import NotFoundError, ValidationError
from ...model import Node, NodeStatus, Principle, PrincipleScore, Rubric
from ...samples import LabeledSample
from ...scales import ClassScale, NumberScale
from .base import Conformance

if TYPE_CHECKING:
    from ..interface import Store
    from .base import OpenStore

CLASSES = ClassScale({"bad": 0, "ok": 0.5, "good": 1})
TWO = Rubric(principles=(Principle(key="a"), Principle(key="b")), weights={"a": 3.0})


def label(content: str, value: float | str, principle_id: str | None = None) -> LabeledSample:
    """Return what one person says of a content."""
    scale = CLASSES if isinstance(value, str) else NumberScale(0, 1)
    return LabeledSample(
        content=content, labeler="ann", principle_id=principle_id, label=value, scale=scale
    )


async def judge(
    store: Store, node_id: str, principle_id: str, score: float, by: str = "j@1"
) -> None:
    """Keep one score."""
    given = PrincipleScore(node_id=node_id, principle_id=principle_id, judge=by, score=score)
    await store.update_scores_batch([given])


class JudgingConformance(Conformance):
    """`labels.agreement` and `labels.next`."""

    async def test_agreement_is_told_for_each_principle_and_the_whole(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(TWO)
            a, b = rubric["a"].id, rubric["b"].id
            for number, score in enumerate([0.1, 0.45, 0.8]):
                await store.save_nodes_batch([Node(id=f"n{number}", content=f"text {number}")])
                await judge(store, f"n{number}", a, score)
                await judge(store, f"n{number}", b, 0.0)
            await store.add_labels_batch(
                [label(f"text {at}", name, a) for at, name in enumerate(["bad", "ok", "good"])]
            )
            await store.add_labels_batch([label("text 2", 0.7), label("nowhere", 0.7)])
            of_a, of_b, whole = await store.labels.agreement()
            assert (of_a.judge, of_a.key, of_a.principle_id, of_a.count) == ("j@1", "a", a, 3)
            assert of_a.spearman == pytest.approx(1.0)
            assert of_a.mean_absolute_error == pytest.approx((0.1 + 0.05 + 0.2) / 3)
            assert of_a.bias == pytest.approx((0.1 - 0.05 - 0.2) / 3)
            assert (of_a.kappa, of_a.weighted_kappa) == (1.0, 1.0)
            assert (of_b.count, of_b.spearman, of_b.bias, of_b.kappa) == (0, None, None, None)
            assert (whole.key, whole.count, whole.rubric_version) == (None, 1, 1)
            assert whole.bias == pytest.approx(0.6 - 0.7)
            assert (whole.spearman, whole.kappa) == (None, None)
            assert [each.count for each in await store.labels.agreement(judge="k@1")] == [0, 0, 0]

    async def test_a_label_is_held_against_its_own_node_else_the_first_of_its_content(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            a = rubric["a"].id
            same = [Node(id=f"n{number}", content="same") for number in range(4)]
            await store.save_nodes_batch(same)
            for number in (1, 2, 3):
                await judge(store, f"n{number}", a, number / 10)
            anyone, own, silent = (
                label("same", 0.0, a).model_copy(update={"labeler": name, "node_id": node_id})
                for name, node_id in (("ann", None), ("bob", "n2"), ("cleo", "n0"))
            )

            async def bias(sample: LabeledSample) -> float | None:
                cleared = sample.model_copy(update={"id": f"of-{sample.labeler}"})
                await store.add_labels_batch([cleared])
                found = (await store.labels.agreement(judge="j@1"))[0]
                return None if found.bias is None else found.bias * found.count

            assert await bias(anyone) == pytest.approx(0.1)
            assert await bias(own) == pytest.approx(0.1 + 0.2)
            assert await bias(silent) == pytest.approx(0.1 + 0.2 + 0.1)

    async def test_agreement_is_of_one_version_and_says_how_many_labels_it_made_stale(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            first = await store.rubrics.save(TWO)
            await store.save_nodes_batch([Node(id="n", content="text")])
            for principle in first.principles:
                for by in ("j@1", "k@1"):
                    await judge(store, "n", principle.id, 0.5, by)
            await store.add_labels_batch(
                [label("text", 0.5), *(label("text", 0.5, each.id) for each in first.principles)]
            )
            changed = (Principle(key="a", text="otherwise"), Principle(key="b"))
            second = await store.rubrics.save(Rubric(principles=changed))
            found = await store.labels.agreement(rubric=second)
            assert [(each.judge, each.key, each.count, each.stale) for each in found] == [
                (by, key, count, stale)
                for by in ("j@1", "k@1")
                for key, count, stale in (("a", 0, 1), ("b", 1, 0), (None, 0, 1))
            ]
            assert [each.stale for each in await store.labels.agreement(judge="j@1")] == [0, 0, 0]
            with pytest.raises(NotFoundError, match="version 7"):
                await store.labels.agreement(rubric=7)

    async def test_without_a_rubric_there_is_nothing_to_agree_on(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            with pytest.raises(NotFoundError, match="no current rubric"):
                await store.labels.agreement()
            assert await store.labels.next(3) == []
            with pytest.raises(ValidationError, match="n must be"):
                await store.labels.next(-1)

    async def test_the_next_to_label_are_disputed_doubtful_and_good_in_turn(
        self, open_store: OpenStore
    ) -> None:
        pruned, alive = NodeStatus.PRUNED, NodeStatus.ALIVE
        scores = [(0.0, pruned), (0.3, pruned), (0.4, alive), (0.5, alive), (0.9, alive)]
        async with open_store() as store:
            rubric = await store.rubrics.save(Rubric(principles=(Principle(key="a"),)))
            await store.save_nodes_batch(
                [
                    Node(id=f"n{at}", content=f"{at}", score=score, status=status)
                    for at, (score, status) in enumerate(scores)
                ]
            )
            await store.save_nodes_batch([Node(id="same", content="4", score=0.9)])
            assert await store.labels.next(0) == []
            found = await store.labels.next(9)
            assert [(each.node_id, each.reason) for each in found] == [
                ("n1", "near the pruning line"),
                ("n4", "high score"),
                ("n2", "near the pruning line"),
                ("n3", "high score"),
                ("n0", "near the pruning line"),
            ]
            assert [each.value for each in found[:2]] == pytest.approx([0.05, 0.9])
            for by, number in (("j@1", 0.1), ("k@1", 0.8)):
                await judge(store, "n0", rubric["a"].id, number, by)
                await judge(store, "n3", rubric["a"].id, 2 * number, by)
            await store.add_labels_batch([label("3", 0.5)])
            first = (await store.labels.next(1))[0]
            assert (first.node_id, first.reason) == ("n0", "judges disagree")
            assert first.value == pytest.approx(0.7)

    async def test_a_branch_that_was_pruned_for_another_reason_moves_no_line(
        self, open_store: OpenStore
    ) -> None:
        async with open_store() as store:
            low = [Node(id=f"low{at}", content=f"l{at}", score=at / 10) for at in range(4)]
            high = [Node(id=f"high{at}", content=f"h{at}", score=at / 10) for at in range(5, 9)]
            odd = Node(id="odd", content="odd", score=0.95)
            await store.save_nodes_batch([*low, *high, odd])
            for node in (*low, odd):
                await store.prune(node.id)
            found = await store.labels.next(3)
            assert [each.node_id for each in found] == ["high5", "high8", "low3"]
