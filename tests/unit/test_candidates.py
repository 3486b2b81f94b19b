"""What is worth a label next, held against the plain way of the memory adapter."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood import NodeStatus
from sapwood.candidates import CANDIDATE_FIELDS, candidates, pruning_line
from sapwood.nodes import Columns
from sapwood.testing.label_candidates import label_candidates

scores = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0, -1.7e308, 1.7e308]) | st.floats(0, 1)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from([status.value for status in NodeStatus]),
            "score": scores,
            "content": st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"]),
            "judges": st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.7e308, -1.7e308]), max_size=3),
        }
    ),
    max_size=12,
)


@given(rows, st.booleans(), st.sets(st.sampled_from([b"a", b"b", b"c"])), st.integers(0, 9))
def test_the_same_nodes_come_in_the_same_order_as_in_the_plain_way(
    given_: list[dict[str, Any]],
    by_rubric: bool,
    labelled: set[bytes],
    n: int,
) -> None:
    nodes = {f"n{at:02}": row for at, row in enumerate(given_)}
    name, other = ("rubric_score", "score") if by_rubric else ("score", "rubric_score")
    graph = {
        id_: {"id": id_, "status": row["status"], name: row["score"], other: None}
        for id_, row in nodes.items()
    }
    if by_rubric and all(row["score"] is None for row in given_):
        return
    bounded = {id_: [max(-1e200, min(s, 1e200)) for s in r["judges"]] for id_, r in nodes.items()}
    spreads = {id_: max(each) - min(each) for id_, each in bounded.items() if each}
    project: Any = SimpleNamespace(
        graph=SimpleNamespace(nodes=graph),
        register={i: SimpleNamespace(content_digest=r["content"]) for i, r in nodes.items()},
        labels=SimpleNamespace(digests=set(labelled)),
        rubric=SimpleNamespace(principles=[SimpleNamespace(id="p")]),
        scores={
            (id_, "p", str(at)): SimpleNamespace(node_id=id_, principle_id="p", score=score)
            for id_, row in nodes.items()
            for at, score in enumerate(row["judges"])
        },
    )
    columns = Columns({name: [row[name] for row in graph.values()] for name in CANDIDATE_FIELDS})
    digests = {id_: r["content"] for id_, r in nodes.items() if r["content"] not in labelled}
    found = candidates(n, columns, digests, {i: s for i, s in spreads.items() if s > 0})
    assert found == label_candidates(project, n)


@pytest.mark.parametrize(
    ("pruned", "alive", "line"),
    [
        ([0.0, 0.2], [0.4, 0.9], 0.3),
        ([0.0, 0.2, 0.95], [0.4, 0.9], 0.3),
        ([0.9], [0.1], 0.5),
        ([], [0.1], None),
        ([0.1], [], None),
        ([0.5], [0.5], None),
    ],
)
def test_the_pruning_line_leaves_fewest_on_the_wrong_side(
    pruned: list[float], alive: list[float], line: float | None
) -> None:
    assert pruning_line(pruned, alive) == (None if line is None else pytest.approx(line))
