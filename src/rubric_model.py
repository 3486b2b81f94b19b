"""How one rubric becomes another, and in what two of them differ: records, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from .errors import ValidationError
from .model import Principle, Record, Rubric
from .values import check_id

if TYPE_CHECKING:
    from collections.abc import Iterable


class RubricChanges(Record):
    """What a new version of a rubric is to have otherwise than the one it is made from.

    Attributes:
        texts: By principle key. Another text for a known key makes a new revision of it, in the
            same place; a new key makes a new principle, after the others.
        weights: By principle key; the others keep theirs, and a new principle weighs 1.
        remove: Keys of principles to leave out.
    """

    texts: dict[str, str] = Field(default_factory=dict)
    weights: dict[str, float] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()


class RubricDiff(Record):
    """In what two rubrics differ. A judge has to be asked again by `added` and `changed` only.

    Attributes:
        added, removed: Principles whose key only the new, only the old rubric has; in its order.
        changed: The old and the new principle of each key that has another text.
        reweighted: The old and the new weight of each key that weighs otherwise.
        unchanged: Keys with the same text and weight; as the two before, in the new order.
        reordered: Whether the keys that both have follow one another differently.
    """

    added: tuple[Principle, ...] = ()
    removed: tuple[Principle, ...] = ()
    changed: tuple[tuple[Principle, Principle], ...] = ()
    reweighted: dict[str, tuple[float, float]] = Field(default_factory=dict)
    unchanged: tuple[str, ...] = ()
    reordered: bool = False


def apply(changes: RubricChanges, base: Rubric) -> Rubric:
    """Return `base` with `changes`, not saved yet; every weight is said.

    A principle that does not change keeps its id.

    Raises:
        ValidationError: A key cannot be one, or is both in `texts` and `remove`; a key in
            `weights` or `remove` that there is not; nothing is left.
    """
    _check_keys(changes)
    _require_known("remove", changes.remove, [principle.key for principle in base.principles])
    found = {each.key: each for each in base.principles if each.key not in changes.remove}
    for key, text in changes.texts.items():
        if key not in found or found[key].text != text:
            found[key] = Principle(key=key, text=text)
    if not found:
        raise ValidationError("RubricChanges", "remove", "leaves no principle; keep one at least")
    _require_known("weights", changes.weights, found)
    old = {each.key: base.weight(each.key) for each in base.principles}
    weights = {key: changes.weights.get(key, old.get(key, 1.0)) for key in found}
    return Rubric(principles=tuple(found.values()), weights=weights)


def diff(old: Rubric, new: Rubric) -> RubricDiff:
    """Return in what two rubrics differ; they need not be saved, since ids do not count."""
    before = {each.key: each for each in old.principles}
    after = {each.key: each for each in new.principles}
    both = [key for key in after if key in before]
    changed = [key for key in both if before[key].text != after[key].text]
    weights = {key: (old.weight(key), new.weight(key)) for key in both}
    reweighted = {key: pair for key, pair in weights.items() if pair[0] != pair[1]}
    return RubricDiff(
        added=tuple(each for key, each in after.items() if key not in before),
        removed=tuple(each for key, each in before.items() if key not in after),
        changed=tuple((before[key], after[key]) for key in changed),
        reweighted=reweighted,
        unchanged=tuple(key for key in both if key not in changed and key not in reweighted),
        reordered=both != [key for key in before if key in after],
    )


def _check_keys(changes: RubricChanges) -> None:
    for field in ("texts", "weights", "remove"):
        for key in getattr(changes, field):
            check_id("RubricChanges", f"key in {field}", key)
    for key in changes.remove:
        if key in changes.texts:
            problem = f"and texts both name {key!r}; leave it out of one of them"
            raise ValidationError("RubricChanges", "remove", problem)


def _require_known(field: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    for key in wanted:
        if key not in known:
            there = ", ".join(known)
            problem = f"names {key!r}, which is no key of the rubric; it has {there}"
            raise ValidationError("RubricChanges", field, problem)
