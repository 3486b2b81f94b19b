"""What the state machine does things with: few nodes, so that its writers meet at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from ..model import Node, NodeStatus, Principle, PrincipleScore, Rubric, new_id
from ..rubric_model import RubricChanges
from ..samples import LabeledSample
from ..scales import ClassScale, NumberScale

NODES = 15
NODE_IDS = [f"n{number:02}" for number in range(NODES)]
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_PRINCIPLES = {key: Principle(id=f"principle-{key}", key=key) for key in "abc"}
RUBRICS = [
    Rubric(principles=(_PRINCIPLES["a"], _PRINCIPLES["b"]), weights={"a": 3.0}),
    Rubric(principles=(_PRINCIPLES["b"], _PRINCIPLES["c"]), weights={"c": 0.0}),
    Rubric(principles=(_PRINCIPLES["c"], _PRINCIPLES["a"], _PRINCIPLES["b"]), weights={"c": 0.1}),
    Rubric(principles=()),
]
"""The last one is refused."""

_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(_characters, max_size=5)
numbers = st.floats(allow_nan=False, allow_infinity=False)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | numbers | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
node_ids = st.sampled_from([*NODE_IDS, "missing"])
statuses = st.sampled_from(list(NodeStatus))
reasons = st.none() | texts
_rarely = st.integers(0, 15).map(lambda number: number == 0)


def node(
    number: int, *, other_parent: bool = False, other_content: bool = False, **set_: Any
) -> Node:
    """Return node `number` of the one tree: the children of n are 2n + 1 and 2n + 2.

    Contents repeat, so that scores can be lent.
    """
    parent = NODE_IDS[(number - 1) // 2] if number else None
    if other_parent:
        parent = None if number else NODE_IDS[1]
    return Node(
        id=NODE_IDS[number],
        parent_id=parent,
        content=f"another {number}" if other_content else f"content {number % 4}",
        iteration=number,
        created_at=_BEGIN + timedelta(microseconds=number),
        **set_,
    )


def _with_ancestors(nodes: list[Node]) -> list[Node]:
    """Return `nodes` and what of the tree stands above them, children first."""
    numbers_: set[int] = set()
    for each in nodes:
        above = NODE_IDS.index(each.id)
        while above:
            above = (above - 1) // 2
            numbers_.add(above)
    missing = numbers_ - {NODE_IDS.index(each.id) for each in nodes}
    return [*nodes, *(node(number) for number in sorted(missing, reverse=True))]


def _drawn_node(number: int, *, parent: bool, content: bool, values: dict[str, Any]) -> Node:
    return node(number, other_parent=parent, other_content=content, **values)


_set_fields = st.fixed_dictionaries(
    {},
    optional={
        "status": statuses,
        "status_reason": reasons,
        "score": st.none() | numbers,
        "attributes": st.dictionaries(texts, json_values, max_size=2),
    },
)
_nodes = st.builds(
    _drawn_node, st.integers(0, NODES - 1), parent=_rarely, content=_rarely, values=_set_fields
)
_some_nodes = st.lists(_nodes, max_size=5)
trees = _some_nodes.map(_with_ancestors) | _some_nodes
"""Nodes in any order: with their ancestors or without, now and then changed or twice."""

status_changes = st.dictionaries(node_ids, statuses, max_size=4)
judges = st.sampled_from(["j@1", "k@1"])


def _score(node_id: str, key: str, judge: str, score: float | None) -> PrincipleScore:
    failure = "no answer" if score is None else None
    return PrincipleScore(
        node_id=node_id,
        principle_id=f"principle-{key}",
        judge=judge,
        score=score,
        failure=failure,
    )


scores = st.lists(
    st.builds(_score, node_ids, st.sampled_from("abc"), judges, st.none() | numbers), max_size=6
)

_keys = st.sampled_from("abcd")
rubric_changes = st.builds(
    RubricChanges,
    texts=st.dictionaries(_keys, st.sampled_from(["", "asked otherwise"]), max_size=2),
    weights=st.dictionaries(_keys, st.sampled_from([0.0, 1.0, 3.0, -1.0]), max_size=2),
    remove=st.lists(_keys, max_size=1).map(tuple),
)
"""Now and then they do not fit. The text of the principles in `RUBRICS` is empty."""
bases = st.none() | st.integers(1, 4)


def _label(
    target: tuple[str | None, str | None],
    value: tuple[NumberScale | ClassScale, float | str],
    fields: dict[str, Any],
) -> LabeledSample:
    return LabeledSample(
        id=new_id(),
        node_id=target[0],
        content=target[1],
        scale=value[0],
        label=value[1],
        created_at=_BEGIN,
        **fields,
    )


_CLASSES = ClassScale({"bad": 0, "good": 1})
_targets: list[tuple[str | None, str | None]] = [
    *((None, f"content {number}") for number in range(NODES)),
    *((NODE_IDS[number], None) for number in range(4)),
    (NODE_IDS[0], "content 0"),
    (NODE_IDS[0], "content 1"),
    ("missing", None),
    (None, None),
]
_values: list[tuple[NumberScale | ClassScale, float | str]] = [
    *((NumberScale(0, 1), number / 4) for number in range(6)),
    (NumberScale(1, 5, step=1), 4.0),
    (_CLASSES, "bad"),
    (_CLASSES, "good"),
]
_principle_ids = st.sampled_from([None, None, "principle-a", "principle-b"])
_label_fields = st.fixed_dictionaries(
    {"labeler": st.sampled_from(["ann", "bob"]), "principle_id": _principle_ids}
)
labels = st.lists(
    st.builds(_label, st.sampled_from(_targets), st.sampled_from(_values), _label_fields),
    max_size=3,
)
"""Now and then one names what is not there, or lies outside of its scale."""
