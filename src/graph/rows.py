"""The journal's rows as the writing statements take them: values in a fixed order.

No maps, since these send their keys with every row: 5,000 nodes are written a tenth faster. What is
created is tuples, of which the garbage collector loses sight.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import JournalError
from ..model import NodeStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..journal import Fold

CREATED = (
    "id",
    "parent_id",
    "content",
    "attributes",
    "status",
    "status_reason",
    "score",
    "rubric_score",
    "iteration",
    "depth",
)
ID, PARENT = CREATED.index("id"), CREATED.index("parent_id")
CONTENT, ATTRIBUTES = CREATED.index("content"), CREATED.index("attributes")
CHANGEABLE = frozenset({"status", "status_reason", "score", "attributes", "rubric_score"})

ROW_NODES, ROW_CHARACTERS = 1_000, 16 << 20
"""Nodes, and characters of their contents and attributes, that a row of an answer is meant to have.
It may have several times as many: contents and attributes are counted as they are written, reasons
and bytes are not. With 300 million a row took 16 s; with 400 million Neo4j could not send it."""

_LABELS = {status.value: status.node_label for status in NodeStatus}


class Rows(NamedTuple):
    """What one transaction writes, by the statement that writes it."""

    roots: list[tuple[Any, ...]]
    children: list[tuple[Any, ...]]
    sets: list[list[Any]]
    moves: list[list[Any]]

    @property
    def chunk(self) -> int:
        """How many nodes as large as the largest of these fit into a row of an answer."""
        made, changed = chain(self.roots, self.children), chain(self.sets, self.moves)
        created = (len(row[CONTENT] or "") + len(row[ATTRIBUTES] or "") for row in made)
        largest = max(
            chain(created, (len(row[1].get("attributes") or "") for row in changed)), default=0
        )
        return min(ROW_NODES, max(1, ROW_CHARACTERS // max(1, largest)))


def rows_of(fold: Fold) -> Rows:
    """Return the rows that write `fold`; about 1 µs for each.

    Raises:
        JournalError: A row holds what this release does not know.
    """
    made = [create_row(row) for row in fold.creates.values()]
    changes = sorted(fold.sets.values(), key=lambda row: str(row["id"]))
    return Rows(
        roots=[row for row in made if row[PARENT] is None],
        children=[row for row in made if row[PARENT] is not None],
        sets=[set_row(row) for row in changes if "status" not in row],
        moves=[set_row(row) for row in changes if "status" in row],
    )


def create_row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return a row of `node.create_roots` and `node.create_children`.

    Raises:
        JournalError: The status is none that this release knows.
    """
    epoch_s, micros = divmod(row["created_at"], 1_000_000)
    values = map(row.get, CREATED)
    return (*values, epoch_s, micros * 1000, row["seq"], _label(row))


def set_row(row: Mapping[str, Any]) -> list[Any]:
    """Return a row of `node.set`, and with the label of a status one of `node.set_status`.

    Raises:
        JournalError: A property or status is none that this release knows.
    """
    changed = {name: value for name, value in row.items() if name != "id"}
    unknown = changed.keys() - CHANGEABLE
    if unknown:
        raise JournalError(
            f"the journal changes {', '.join(sorted(unknown))} of node {row['id']}, which this "
            "release does not know. Upgrade sapwood on this machine."
        )
    return [row["id"], changed, _label(row)] if "status" in row else [row["id"], changed]


def _label(row: Mapping[str, Any]) -> str:
    label = _LABELS.get(row["status"])
    if label is None:
        raise JournalError(
            f"the journal gives node {row['id']} a status that this release does not know. "
            "Upgrade sapwood on this machine."
        )
    return label
