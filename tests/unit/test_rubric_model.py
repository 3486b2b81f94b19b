"""How one rubric becomes another, and in what two of them differ, for any of both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood import Principle, Rubric, RubricChanges, RubricDiff, ValidationError
from sapwood.rubric_model import apply, diff

KEYS = st.sampled_from("abcdef")
TEXTS = st.sampled_from(["", "asked", "asked otherwise"])
WEIGHTS = st.sampled_from([0.0, 0.5, 1.0, 3.0])
A, B = Principle(key="a", text="Is it a?"), Principle(key="b", text="Is it b?")
BASE = Rubric(principles=(A, B), weights={"b": 2.0})


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    texts = draw(st.dictionaries(KEYS, TEXTS, min_size=1))
    order = draw(st.permutations(list(texts)))
    weights = {key: draw(WEIGHTS) for key in order if draw(st.booleans())}
    principles = tuple(Principle(key=key, text=texts[key]) for key in order)
    return Rubric(principles=principles, weights=weights)


def between(old: Rubric, new: Rubric) -> RubricChanges:
    """The changes that make `new` of `old`, but for the order."""
    found = diff(old, new)
    return RubricChanges(
        texts={each.key: each.text for each in found.added}
        | {after.key: after.text for _, after in found.changed},
        weights={each.key: new.weight(each.key) for each in found.added}
        | {key: after for key, (_, after) in found.reweighted.items()},
        remove=tuple(each.key for each in found.removed),
    )


def contents(rubric: Rubric) -> dict[str, tuple[str, float]]:
    return {each.key: (each.text, rubric.weight(each.key)) for each in rubric.principles}


@given(rubrics())
def test_a_rubric_does_not_differ_from_itself(rubric: Rubric) -> None:
    copy = rubric.model_copy(update={"principles": tuple(reversed(rubric.principles))})
    keys = tuple(principle.key for principle in rubric.principles)
    assert diff(rubric, rubric) == RubricDiff(unchanged=keys)
    assert diff(rubric, copy) == RubricDiff(unchanged=keys[::-1], reordered=len(keys) > 1)


@given(rubrics(), rubrics())
def test_a_diff_names_every_key_where_it_belongs(old: Rubric, new: Rubric) -> None:
    found = diff(old, new)
    before, after = contents(old), contents(new)
    assert {each.key for each in found.added} == after.keys() - before.keys()
    assert {each.key for each in found.removed} == before.keys() - after.keys()
    assert all((was, now) == (old[was.key], new[was.key]) for was, now in found.changed)
    changed = {was.key for was, _ in found.changed}
    assert all(pair == (old.weight(key), new.weight(key)) for key, pair in found.reweighted.items())
    both = before.keys() & after.keys()
    assert changed | found.reweighted.keys() | set(found.unchanged) == both
    assert {key for key in both if before[key] == after[key]} == set(found.unchanged)
    assert {key for key in both if before[key][0] != after[key][0]} == changed


@given(rubrics(), rubrics())
def test_the_other_way_round_a_diff_is_the_opposite(old: Rubric, new: Rubric) -> None:
    there, back = diff(old, new), diff(new, old)
    assert (there.added, there.removed) == (back.removed, back.added)
    assert {(b, a) for a, b in there.changed} == set(back.changed)
    assert {key: pair[::-1] for key, pair in there.reweighted.items()} == back.reweighted
    assert there.reordered == back.reordered


@given(rubrics(), rubrics())
def test_what_a_diff_names_makes_the_one_of_the_other(old: Rubric, new: Rubric) -> None:
    made = apply(between(old, new), old)
    assert contents(made) == contents(new)
    kept = {each.id for each in old.principles} & {each.id for each in made.principles}
    changed = {was.id for was, _ in diff(old, new).changed}
    removed = {each.id for each in diff(old, new).removed}
    assert kept == {each.id for each in old.principles} - changed - removed


@given(rubrics(), rubrics())
def test_the_same_changes_again_change_nothing(old: Rubric, new: Rubric) -> None:
    changes = between(old, new).model_copy(update={"remove": ()})
    made = apply(changes, old)
    assert apply(changes, made) == made


def test_a_changed_principle_keeps_its_place_and_a_new_one_comes_last() -> None:
    changes = RubricChanges(texts={"z": "new", "a": "other", "y": "", "b": B.text})
    made = apply(changes, BASE)
    assert [each.key for each in made.principles] == ["a", "b", "z", "y"]
    assert made["b"] == B, "the text is what it was"
    assert made["a"].id != A.id
    assert made.weights == {"a": 1.0, "b": 2.0, "z": 1.0, "y": 1.0}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (RubricChanges(weights={"x": 1.0}), "weights names 'x', .* it has a, b$"),
        (RubricChanges(remove=("a", "x")), "remove names 'x', .* it has a, b$"),
        (RubricChanges(weights={"b": 1.0}, remove=("b",)), "weights names 'b', .* it has a$"),
        (RubricChanges(texts={"a": ""}, remove=("a",)), "texts both name 'a'"),
        (RubricChanges(remove=("a", "b")), "leaves no principle"),
        (RubricChanges(texts={"no key": ""}), "key in texts must be"),
    ],
)
def test_changes_that_do_not_fit_are_refused_by_name(changes: RubricChanges, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        apply(changes, BASE)


def test_all_may_be_removed_if_others_come() -> None:
    made = apply(RubricChanges(texts={"c": ""}, weights={"c": 0.5}, remove=("a", "b", "a")), BASE)
    assert (made.principles[0].key, made.weights) == ("c", {"c": 0.5})
