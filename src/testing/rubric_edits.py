"""Rubrics changed and compared step by step: what `sapwood.rubric_model` has to match."""

from __future__ import annotations

from ..errors import ValidationError
from ..model import Principle, Rubric
from ..rubric_model import RubricChanges, RubricDiff


def changed(base: Rubric, changes: RubricChanges) -> Rubric:
    """Return `base` with `changes`, one after the other."""
    principles = list(base.principles)
    weights = {principle.key: base.weight(principle.key) for principle in principles}
    for key in dict.fromkeys(changes.remove):
        if key in changes.texts:
            raise _refusal("remove", key, principles)
        principles.remove(_named(key, principles, "remove"))
        del weights[key]
    for key, text in changes.texts.items():
        if key not in weights:
            principles.append(Principle(key=key, text=text))
            weights[key] = 1.0
            continue
        old = _named(key, principles, "texts")
        if old.text != text:
            principles[principles.index(old)] = Principle(key=key, text=text)
    for key, weight in changes.weights.items():
        weights[_named(key, principles, "weights").key] = weight
    return Rubric(principles=tuple(principles), weights=weights)


def _named(key: str, principles: list[Principle], field: str) -> Principle:
    for principle in principles:
        if principle.key == key:
            return principle
    raise _refusal(field, key, principles)


def _refusal(field: str, key: str, principles: list[Principle]) -> ValidationError:
    there = ", ".join(principle.key for principle in principles)
    return ValidationError("RubricChanges", field, f"names {key!r}; the rubric has {there}")


def differences(old: Rubric, new: Rubric) -> RubricDiff:
    """Return in what two rubrics differ, key by key."""
    old_keys = [principle.key for principle in old.principles]
    new_keys = [principle.key for principle in new.principles]
    both = [key for key in new_keys if key in old_keys]
    same = [
        key for key in both if (old[key].text, old.weight(key)) == (new[key].text, new.weight(key))
    ]
    return RubricDiff(
        added=tuple(new[key] for key in new_keys if key not in old_keys),
        removed=tuple(old[key] for key in old_keys if key not in new_keys),
        changed=tuple((old[key], new[key]) for key in both if old[key].text != new[key].text),
        reweighted={
            key: (old.weight(key), new.weight(key))
            for key in both
            if old.weight(key) != new.weight(key)
        },
        unchanged=tuple(same),
        reordered=sorted(both, key=old_keys.index) != both,
    )
