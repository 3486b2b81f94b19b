"""Writes the golden file of the present format, once: `python -m tests.golden.make`.

A format that was written is read for ever, so its file never changes: this refuses to replace one.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from sapwood.journal import FORMAT, NO_CHAIN, Entry, Operations, Prune, link, pack
from sapwood.replica import Replica

from .files import Golden, Row, path_of, write

INCARNATION: Final = "golden"
MOMENT: Final = 1_790_000_000_123_456
UNICODE: Final = 'Ünïcödé 木 🌳 e\u0301 \u202eRTL\u202c\u2028\n\t"quoted" \\ \u0001 $\' {}'


def _node(node_id: str, parent_id: str | None, depth: int, **values: Any) -> dict[str, Any]:
    """Return a row as a flush writes it."""
    row = {
        "id": node_id,
        "parent_id": parent_id,
        "content": f"content of {node_id}",
        "attributes": "{}",
        "status": "alive",
        "status_reason": None,
        "score": None,
        "iteration": None,
        "created_at": MOMENT,
    }
    return {**row, **values, "depth": depth}


def _set(node_id: str, **values: Any) -> dict[str, Any]:
    return {"id": node_id, **values}


BATCHES: Final[tuple[tuple[str, Operations], ...]] = (
    (
        "grow",
        Operations(
            [
                _node("root", None, 0),
                _node("other-root", None, 0, content="", created_at=-1),
                _node("unicode", "root", 1, content=UNICODE, status_reason=UNICODE),
                _node("rich", "root", 1, attributes='{"a":[1,{"b":null}],"木":"🌳"}', iteration=7),
                _node("branch", "root", 1, score=0.1),
                _node("leaf", "branch", 2, score=-1e-300, iteration=2**53),
                _node("done", "branch", 2, status="complete", score=1e300),
                _node("broken", "branch", 2, status="failed", status_reason="no answer"),
                _node("closed", "branch", 2, status="pruned", rubric_score=0.5),
            ]
        ),
    ),
    ("nothing", Operations()),
    (
        "set every field",
        Operations(
            [_node("late", "rich", 2)],
            [
                _set("other-root", status="failed", status_reason=UNICODE),
                _set("unicode", attributes='{"set":true}', score=2.5, rubric_score=0.25),
                _set("rich", score=3.0, rubric_score=1.0, status="complete", status_reason="why"),
            ],
        ),
    ),
    (
        "remove every field",
        Operations(
            [],
            [
                _set("rich", score=None, rubric_score=None, status_reason=None, attributes=None),
                _set("branch", score=None),
            ],
        ),
    ),
    ("prunes.1", Operations(prune=Prune("branch", f"why: {UNICODE}"))),
    ("prunes.2", Operations([_node("after", "leaf", 3)])),
    ("prunes", Operations(prune=Prune("late", None))),
    ("reopen", Operations([], [_set("leaf", status="alive", status_reason=None)])),
)
"""Operations of every kind. Add a kind here when the journal gets one, with a new format."""


def make() -> Golden:
    """Return the golden journal in the present format."""
    replica, rows, chain = Replica(), list[Row](), NO_CHAIN
    for seq, (batch_id, operations) in enumerate(BATCHES, start=1):
        chain = link(chain, batch_id)
        payload, crc = pack(operations)
        meaning: dict[str, Any] = {"creates": operations.creates, "sets": operations.sets}
        if operations.prune is not None:
            meaning["prune"] = [*operations.prune]
        rows.append(Row(seq, batch_id, chain, operations.rows, payload, crc, meaning))
        replica.apply(Entry(seq, batch_id, chain, INCARNATION, operations))
    nodes = {
        node_id: {name: value for name, value in values.items() if value is not None}
        for node_id, values in replica.nodes.items()
    }
    return Golden(FORMAT, INCARNATION, rows, nodes)


def main() -> int:
    """Write the file; refuse if there is one."""
    path = path_of(FORMAT)
    try:
        write(path, make())
    except FileExistsError:
        print(f"{path.name} is there: what was written in format {FORMAT} never changes.")
        return 1
    print(f"{path.name} is written. Read it, and commit it with the new format.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
