"""A tree as rows, and rows as cypher-shell prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sapwood import Tree


def rows_of(tree: Tree) -> list[dict[str, Any]]:
    """What `tree.cypher` should return, from the tree as the store loads it."""
    attributes = dict(zip(tree.column("id"), tree.column("attributes"), strict=True))
    return [
        {
            "id": node.id,
            "parent_id": node.parent_id,
            "depth": node.depth,
            "status": node.status.value,
            "node_labels": [node.status.node_label],
            "status_reason": node.status_reason,
            "content": node.content,
            "attributes": attributes[node.id],
            "score": node.score,
            "rubric_score": node.rubric_score,
            "iteration": node.iteration,
            "created_at": _cypher_text(node.created_at),
            "seq": node.seq,
        }
        for node in tree
    ]


def _cypher_text(moment: datetime) -> str:
    """A date and time as Cypher's `toString` writes it."""
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def shell_lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Rows as cypher-shell prints them: a heading, then values; a content may hold newlines."""
    lines = [", ".join(rows[0]), *(", ".join(map(_shell_text, row.values())) for row in rows)]
    return "\n".join(lines).split("\n")


def _shell_text(value: Any) -> str:
    """A value as cypher-shell prints it: quotes escaped, backslashes not, numbers as Java does."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shell_text, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace('"', '\\"') + '"'
    mantissa, e, exponent = repr(value).partition("e")
    return mantissa + (f"{'' if '.' in mantissa else '.0'}E{int(exponent)}" if e else "")
