"""What a call comes to, in a form that can be compared between two implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import FencedError, RejectedItemsError, SapwoodError
from ..loading import LoadedProject
from ..model import Principle, Record, Rubric, new_id
from ..nodes import Nodes
from ..rubric_model import RubricDiff

if TYPE_CHECKING:
    from collections.abc import Awaitable


async def outcome(call: Awaitable[Any]) -> tuple[str, Any]:
    """Await `call`; return a name of what it came to, and the details that must agree."""
    try:
        return "returned", plain(await call)
    except FencedError as exc:
        return "FencedError", exc.pending
    except RejectedItemsError as exc:
        return "RejectedItemsError", [plain(item) for item in exc.rejected]
    except SapwoodError as exc:
        return type(exc).__name__, None


def plain(value: Any) -> Any:
    """Return a value as dicts and lists, without what may differ: stores' times, drawn ids."""
    if isinstance(value, LoadedProject):
        return {
            "project": value.project.model_dump(exclude={"created_at"}),
            "tree": [node.model_dump() for node in value.tree],
            "rubric": plain(value.rubric),
            "scores": [
                *zip(
                    value.scores.node_ids,
                    value.scores.principle_ids,
                    value.scores.judges,
                    value.scores.scores,
                    strict=True,
                )
            ],
            "labels": plain(value.labels),
            "principles": sorted(map(repr, map(plain, value.principles.values()))),
            "state": value.state,
        }
    if isinstance(value, Rubric):
        principles = plain(value.principles)
        return value.model_dump(exclude={"created_at"}) | {"principles": principles}
    if isinstance(value, RubricDiff):
        return {name: plain(getattr(value, name)) for name in RubricDiff.model_fields}
    if isinstance(value, Principle):
        return value.model_dump(exclude={"id"} if _is_drawn(value.id) else None)
    if isinstance(value, Record):
        return value.model_dump()
    if isinstance(value, (Nodes, list, tuple)):
        return [plain(each) for each in value]
    return value


def _is_drawn(id_: str) -> bool:
    """Whether an id is one of `new_id`; a test that gives ids gives short ones."""
    return len(id_) == len(new_id())
