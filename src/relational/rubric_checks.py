"""What a rubric must look like before PostgreSQL is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..errors import ConflictError, NotFoundError, ValidationError
from ..values import check_id, check_number, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..model import Principle, Rubric

LEAST_WEIGHT: Final = 1e-9
MOST_WEIGHT: Final = 1e9
"""Between these, no weight makes a product that PostgreSQL refuses."""


def check_rubric(rubric: Rubric) -> None:
    """Refuse a rubric that cannot be stored, or that means nothing.

    Raises:
        ValidationError: No principle, a key or id twice, a weight that is neither 0 nor from
            1e-9 to 1e9 or that belongs to no principle, a text that cannot be stored.
    """
    if not rubric.principles:
        raise ValidationError("Rubric", "principles", "must have one at least")
    for principle in rubric.principles:
        _check_principle(principle)
    _check_unique("key", (principle.key for principle in rubric.principles))
    _check_unique("id", (principle.id for principle in rubric.principles))
    keys = {principle.key for principle in rubric.principles}
    for key, weight in rubric.weights.items():
        _check_weight(key, weight, keys)


def no_rubric(project_id: str) -> NotFoundError:
    """Return the error for a project without a current rubric, where none was named."""
    return NotFoundError(
        f"project {project_id!r} has no current rubric; save one, or name a version"
    )


def foreign_rubric(call: str, rubric: Rubric, project_id: str) -> ValidationError:
    """Return the error for a rubric that is not the project's version of that number."""
    problem = f"is not version {rubric.version} of project {project_id!r}; load it from there"
    return ValidationError(call, "rubric", problem)


def changed_principle(given: Principle, stored_key: str) -> ConflictError:
    """Return the error for a principle whose id belongs to another text, or to `stored_key`."""
    problem = f"another text for key {given.key!r}"
    if given.key != stored_key:
        problem = f"key {given.key!r}; it is that of {stored_key!r}"
    return ConflictError(
        f"principle {given.id} came with {problem}. A saved principle never changes, since scores "
        "were given by it: use rubrics.new_version, or make a Principle without an id"
    )


def _check_principle(principle: Principle) -> None:
    check_id("Principle", "id", principle.id)
    check_id(f"Principle {principle.id}", "key", principle.key)
    check_text(f"Principle {principle.id}", "text", principle.text)


def _check_unique(field: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValidationError("Rubric", "principles", f"has {field} {value} twice")
        seen.add(value)


def _check_weight(key: str, weight: float, keys: set[str]) -> None:
    if key not in keys:
        raise ValidationError("Rubric", "weights", "names a key that no principle has")
    check_number("Rubric", f"weights.{key}", weight)
    if weight != 0 and not LEAST_WEIGHT <= weight <= MOST_WEIGHT:
        problem = f"must be 0 or from {LEAST_WEIGHT} to {MOST_WEIGHT}, not {weight}"
        raise ValidationError("Rubric", f"weights.{key}", problem)
