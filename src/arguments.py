"""The arguments of a read, checked before anything else happens; an error names the argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .errors import ValidationError
from .judges import check_judge
from .model import NodeStatus, Rubric
from .nodes import FIELDS
from .values import INT_MAX, JUDGE_BYTES, check_id, check_text

if TYPE_CHECKING:
    from collections.abc import Sequence

Choice = TypeVar("Choice", bound=str)

STATUSES = tuple(status.value for status in NodeStatus)


class Arguments:
    """The arguments of one call. Each method returns the checked value or raises.

    Raises:
        ValidationError: Names the call and the argument; no value is repeated that could be long
            or unprintable.
    """

    def __init__(self, call: str) -> None:
        self._call = call

    def node_id(self, value: object, name: str = "node_id") -> str:
        """Return `value` if it can be the id of a node."""
        return check_id(self._call, name, value)

    def under(self, value: object) -> str | None:
        """Return `value` if it is `None` or can be the id of a node."""
        return None if value is None else self.node_id(value, "under")

    def node_ids(self, values: object) -> list[str]:
        """Return several ids, each once, in their order."""
        found = self._several("node_ids", values)
        for at, value in enumerate(found):
            self.node_id(value, f"node_ids[{at}]")
        return list(dict.fromkeys(found))

    def fields(self, values: object) -> tuple[str, ...]:
        """Return the columns to read, `id` always, in the order of `FIELDS`; all for `None`."""
        if values is None:
            return FIELDS
        found = self._several("fields", values)
        for at, value in enumerate(found):
            self.choice(f"fields[{at}]", value, FIELDS)
        return tuple(name for name in FIELDS if name == "id" or name in found)

    def status(self, value: object) -> str | None:
        """Return the text of a status, given as `NodeStatus` or as text; `None` for any."""
        return None if value is None else self.choice("status", value, STATUSES)

    def count(self, name: str, value: object, least: int = 0) -> int:
        """Return a number of things."""
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= INT_MAX:
            return value
        raise self._refusal(name, f"must be an integer from {least} to 2^63 - 1")

    def at_most(self, name: str, value: object) -> int | None:
        """Return a limit; `None` for none."""
        return None if value is None else self.count(name, value)

    def flag(self, name: str, value: object) -> bool:
        """Return a truth value."""
        if not isinstance(value, bool):
            raise self._refusal(name, f"must be True or False; not {_shown(value)}")
        return value

    def judge(self, value: object) -> str:
        """Return the name and version of a judge."""
        return check_judge(self._call, value)

    def labeler(self, value: object) -> str:
        """Return the name of a person who labels."""
        check_text(self._call, "labeler", value, JUDGE_BYTES)
        return str(value)

    def rubric(self, value: object) -> int | Rubric | None:
        """Return the version of a rubric, a rubric that has one, or `None` for the current one."""
        if isinstance(value, Rubric):
            if value.version is None:
                raise self._refusal("rubric", "has no version: use the one that rubrics.save gave")
            return value
        if value is None:
            return None
        return self.count("rubric", value, least=1)

    def new_rubric(self, value: object) -> int | Rubric:
        """Return a rubric, saved or not, or the version of a saved one."""
        if isinstance(value, Rubric):
            return value
        return self.count("new_rubric", value, least=1)

    def choice(self, name: str, value: object, choices: Sequence[Choice]) -> Choice:
        """Return the one of `choices` that `value` equals."""
        for each in choices:
            if isinstance(value, str) and value == each:
                return each
        raise self._refusal(name, f"must be one of {', '.join(choices)}; not {_shown(value)}")

    def _several(self, name: str, values: object) -> list[str]:
        if isinstance(values, (str, bytes)):
            raise self._refusal(name, "must be several, not one text: put it into a list")
        try:
            return list(values)  # type: ignore[call-overload, no-any-return]
        except TypeError:
            problem = f"must be several, in a list; not {_shown(values)}"
            raise self._refusal(name, problem) from None

    def _refusal(self, name: str, problem: str) -> ValidationError:
        return ValidationError(self._call, name, problem)


def _shown(value: object) -> str:
    """Return a short printable text as it is, of anything else the type."""
    if isinstance(value, str) and value.isascii() and value.isprintable() and len(value) <= 64:
        return repr(str(value))
    return f"a {type(value).__name__}"
