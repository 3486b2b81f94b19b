"""What a label may be: a number between two others, or one of some classes. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .errors import ValidationError
from .values import check_number, check_text

LARGEST: Final = 1e100
"""No bound and no class is worth more, so that no statistic of labels overflows."""
MOST_VALUES: Final = 1000
"""Most classes, or steps; a finer scale is one without steps."""
CLASS_BYTES: Final = 256
_ON_STEP: Final = 1e-6
"""How far from a step, as a part of it, a number may be that was computed in floats."""

_NUMBER: Final = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_RANGE: Final = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(?:/({_NUMBER}))?\Z")
_CLASS: Final = re.compile(rf"((?:[^\\|=]|\\[\\|=])*)=({_NUMBER})(?:\||\Z)")
_MARK: Final = re.compile(r"[\\|=]")
_MARKED: Final = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NumberScale:
    """Numbers from `low` to `high`, both included: `NumberScale(1, 5, step=1)`.

    Attributes:
        step: The numbers are `low`, `low + step`, … `high`; `None` for any number between.
    """

    low: float
    high: float
    step: float | None = None

    @property
    def values(self) -> list[float] | None:
        """The numbers that may be given, ascending; `None` if any may be."""
        if self.step is None:
            return None
        steps = round((self.high - self.low) / self.step)
        return [self.low + number * self.step for number in range(steps)] + [self.high]


@dataclass(frozen=True, slots=True)
class ClassScale:
    """Classes in ascending order of worth: `ClassScale({"bad": 0, "ok": 0.5, "good": 1})`.

    Attributes:
        classes: By class, the number that a judge would give for it.
    """

    classes: dict[str, float]

    @property
    def values(self) -> list[float]:
        """The classes' numbers, ascending."""
        return list(self.classes.values())


def scale_text(scale: NumberScale | ClassScale) -> str:
    r"""Return the short form of a scale: `0..1`, `1..5/1` or `bad=0|ok=0.5|good=1`.

    In a class's name `\`, `|` and `=` stand behind a `\`.
    """
    if isinstance(scale, NumberScale):
        step = "" if scale.step is None else f"/{_plain(scale.step)}"
        return f"{_plain(scale.low)}..{_plain(scale.high)}{step}"
    names = (_MARK.sub(r"\\\g<0>", name) for name in scale.classes)
    numbers = map(_plain, scale.classes.values())
    return "|".join(f"{name}={number}" for name, number in zip(names, numbers, strict=True))


def parse_scale(text: str, item: str = "scale") -> NumberScale | ClassScale:
    """Return the scale in a short form; `check_scale` says whether it means anything.

    Raises:
        ValidationError: It is no such form; names `item`.
    """
    if found := _RANGE.match(text):
        low, high, step = found.groups()
        return NumberScale(float(low), float(high), None if step is None else float(step))
    return ClassScale(_classes(text, item))


def _classes(text: str, item: str) -> dict[str, float]:
    classes: dict[str, float] = {}
    at = 0
    while found := _CLASS.match(text, at):
        name = _MARKED.sub(r"\1", found[1])
        if name in classes:
            raise ValidationError(item, "scale", f"has a class twice: {shown(name)}")
        classes[name] = float(found[2])
        at = found.end()
        if at == len(text) and not found[0].endswith("|"):
            return classes
    raise ValidationError(
        item, "scale", f"must look like 0..1, 1..5/1 or bad=0|ok=0.5|good=1; not {shown(text)}"
    )


def check_scale(item: str, scale: NumberScale | ClassScale) -> None:
    """Refuse a scale that means nothing.

    Raises:
        ValidationError: Its numbers do not ascend or are too large, it has too many steps or
            classes, or a class's name cannot be stored.
    """
    if isinstance(scale, ClassScale):
        _check_classes(item, scale)
        return
    low, high = (_check_bound(item, each) for each in (scale.low, scale.high))
    if not low < high:
        raise ValidationError(item, "scale", f"must have low < high: {scale_text(scale)}")
    if scale.step is not None:
        _check_step(item, scale, check_number(item, "scale", scale.step))


def check_label(item: str, scale: NumberScale | ClassScale, label: float | str) -> float | str:
    """Return `label` if it is one of its scale's.

    Raises:
        ValidationError: It is not; names the label and the scale.
    """
    if isinstance(scale, ClassScale):
        if not isinstance(label, str) or label not in scale.classes:
            raise _off(item, label, scale, "is no class")
        return label
    if isinstance(label, str):
        raise _off(item, label, scale, "is no number")
    number = check_number(item, "label", label)
    if not scale.low <= number <= scale.high:
        raise _off(item, label, scale, "is outside")
    if scale.step is not None and not _is_whole((number - scale.low) / scale.step):
        raise _off(item, label, scale, "is on no step")
    return number


def shown(text: object) -> str:
    """Return a value as an error names it: short, and printable."""
    return repr(text) if len(repr(text)) <= 64 else f"{repr(text)[:60]}…"


def _off(item: str, label: float | str, scale: NumberScale | ClassScale, how: str) -> Exception:
    problem = f"{shown(label)} {how} of its scale {shown(scale_text(scale))}"
    return ValidationError(item, "label", problem)


def _check_classes(item: str, scale: ClassScale) -> None:
    if type(scale.classes) is not dict:
        raise ValidationError(item, "scale", "must name each class with its number, in a dict")
    if not 1 <= len(scale.classes) <= MOST_VALUES:
        raise ValidationError(item, "scale", f"must have 1 to {MOST_VALUES:,} classes")
    for name, number in scale.classes.items():
        check_text(item, "scale", name, CLASS_BYTES)
        _check_bound(item, number)
    if not all(low < high for low, high in pairwise(scale.values)):
        raise ValidationError(item, "scale", "must name its classes in ascending order of worth")


def _check_step(item: str, scale: NumberScale, step: float) -> None:
    steps = (scale.high - scale.low) / step if step > 0 else 0.0
    if not 1 <= steps + _ON_STEP <= MOST_VALUES or not _is_whole(steps):
        problem = (
            f"must have a step that leads from low to high in 1 to {MOST_VALUES - 1:,} equal steps;"
            f" leave it out for any number between: {scale_text(scale)}"
        )
        raise ValidationError(item, "scale", problem)


def _check_bound(item: str, number: float) -> float:
    if abs(check_number(item, "scale", number)) > LARGEST:
        raise ValidationError(item, "scale", f"must have numbers from -{LARGEST} to {LARGEST}")
    return number


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) <= _ON_STEP


def _plain(number: float) -> str:
    return repr(float(number)).removesuffix(".0")
