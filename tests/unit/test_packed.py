"""Packed columns against the lists they were made of, and what they save."""

from __future__ import annotations

import random
import tracemalloc
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sapwood.model import Node, NodeStatus, new_id
from sapwood.nodes import FIELDS, Columns
from sapwood.packed import Packed, PackedBuilder
from sapwood.texts import Texts, TextsBuilder
from sapwood.tree import Tree

from .test_tree import columns_of, woods

if TYPE_CHECKING:
    from collections.abc import Callable

PAGES = st.lists(st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=5)))


def texts_of(pages: list[list[str | None]]) -> Texts:
    builder = TextsBuilder()
    for page in pages:
        builder.add(page)
    return builder.build()


@given(PAGES, st.data())
def test_texts_come_back_as_they_were_added(
    pages: list[list[str | None]], data: st.DataObject
) -> None:
    whole, texts = [text for page in pages for text in page], texts_of(pages)
    assert (len(texts), texts.tolist()) == (len(whole), whole)
    assert [texts.item(place) for place in range(len(whole))] == whole
    assert texts.nulls().tolist() == [text is None for text in whole]
    places = data.draw(st.lists(st.sampled_from(range(len(whole))))) if whole else []
    assert texts[np.array(places, int)].tolist() == [whole[place] for place in places]


@given(PAGES)
def test_texts_in_a_row_part_where_the_offsets_say(pages: list[list[str | None]]) -> None:
    texts = texts_of(pages)
    backwards = texts[np.arange(len(texts))[::-1]]
    joined, offsets = backwards.in_a_row()
    assert offsets[0] == 0
    assert [joined[start:end].decode() for start, end in pairwise(offsets.tolist())] == [
        text or "" for text in reversed(texts.tolist())
    ]


def test_more_texts_than_are_looked_at_at_once_come_back() -> None:
    numbers = [None if at % 7 == 0 else str(at) for at in range(10_000)]
    texts = texts_of([numbers])
    assert texts.tolist() == numbers
    assert texts.in_a_row()[0].decode() == "".join(text or "" for text in numbers)


@given(woods(), st.integers(1, 4))
def test_packed_nodes_are_those_that_were_added(nodes: list[Node], size: int) -> None:
    columns = columns_of(nodes)
    builder = PackedBuilder(FIELDS)
    for first in range(0, len(nodes), size):
        builder.add({name: columns[name][first : first + size] for name in FIELDS})
    packed = builder.build()
    assert (len(packed), packed.names) == (len(nodes), FIELDS)
    assert packed.to_nodes() == columns.to_nodes()
    assert [packed.at(place) for place in range(len(packed))] == columns.to_nodes()
    for name in FIELDS:
        assert packed[name] == columns[name]
        assert [type(value) for value in packed[name]] == [type(v) for v in columns[name]]
        assert packed.take(name, range(len(nodes))[::-2]) == columns[name][::-2]


def test_ids_of_any_width_come_back_in_any_order_of_their_widths() -> None:
    ids = ["b", "a" * 64, "c.-_", "d" * 9, "", "Z"]
    for order in (ids, ids[::-1]):
        builder = PackedBuilder(["id", "parent_id"])
        for node_id in order:
            builder.add({"id": [node_id or "x"], "parent_id": [node_id or None]})
        packed = builder.build()
        assert packed["id"] == [node_id or "x" for node_id in order]
        assert packed["parent_id"] == [node_id or None for node_id in order]


@given(woods(), st.randoms(use_true_random=False))
def test_sorted_nodes_stand_by_depth_and_id(nodes: list[Node], rng: random.Random) -> None:
    columns = columns_of(nodes)
    mixed = list(range(len(nodes)))
    rng.shuffle(mixed)
    builder = PackedBuilder(FIELDS)
    builder.add({name: columns.pick(mixed)[name] for name in FIELDS})
    packed = builder.build()
    assert packed.pick(mixed[::-1])["id"] == [packed["id"][place] for place in mixed[::-1]]
    assert builder.build_sorted().to_nodes() == columns.to_nodes()


def test_columns_without_nodes_can_be_packed() -> None:
    empty = PackedBuilder(FIELDS)
    for packed in (empty.build(), empty.build_sorted(), Packed.of(columns_of([]))):
        assert (len(packed), packed.names, packed.to_nodes()) == (0, FIELDS, [])
        assert (len(Tree(packed)), list(Tree(packed))) == (0, [])
        assert "a" not in Tree(packed)


def test_ids_that_no_node_can_have_are_not_found() -> None:
    tree = Tree(columns_of([Node(id="a", content="", depth=0, seq=1)]))
    assert "a" in tree
    for wrong in ("", "a\0", "aa", "b", "A", "\ud800", "a" * 100, None, 1):
        assert wrong not in tree


def wide_tree(nodes: int, content: str) -> list[dict[str, Any]]:
    """The values of nodes under random parents."""
    rng = random.Random(1)
    rows: list[dict[str, Any]] = []
    for number in range(nodes):
        above = rng.choice(rows) if rows else None
        rows.append(
            {
                "id": new_id(),
                "parent_id": above and above["id"],
                "content": content and f"{number:06}{content[6:]}",
                "attributes": "{}",
                "status": "alive",
                "status_reason": None,
                "score": rng.random(),
                "rubric_score": rng.random(),
                "iteration": number,
                "depth": above["depth"] + 1 if above else 0,
                "created_at": 1_763_000_000_123_456 + number,
                "seq": number,
            }
        )
    return sorted(rows, key=lambda row: (row["depth"], row["id"]))


def held(make: Callable[[], object]) -> int:
    """How many bytes what is made holds on to."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        after = tracemalloc.get_traced_memory()[0]
        del made
    finally:
        tracemalloc.stop()
    return after - before


@pytest.mark.parametrize(("content", "times"), [("x" * 200, 3), ("", 8)], ids=["with", "without"])
def test_a_tree_takes_a_fraction_of_the_memory_of_nodes_of_four_fields(
    content: str, times: int
) -> None:
    rows = wide_tree(4_000, content)
    columns = Columns({name: [row[name] for row in rows] for name in FIELDS})

    def objects() -> list[Node]:
        ids = {row["id"]: "".join(row["id"]) for row in rows}
        return [
            Node(
                id="".join([row["id"][:1], row["id"][1:]]),
                parent_id=ids.get(row["parent_id"]),
                content="".join([row["content"][:1], row["content"][1:]]),
                score=row["score"] + 0.5,
                status=NodeStatus.ALIVE,
                created_at=datetime.now(UTC),
            )
            for row in rows
        ]

    assert held(lambda: Tree(columns)) * times <= held(objects)


def test_what_is_the_same_for_all_nodes_is_kept_once() -> None:
    rows = wide_tree(1_000, "")
    for row in rows:
        row |= {"iteration": 3, "rubric_score": None, "status": "pruned"}
    packed = Packed.of(Columns({name: [row[name] for row in rows] for name in FIELDS}))
    for name in ("iteration", "rubric_score", "status"):
        assert packed.packed(name).strides == (0,), name
        assert packed[name] == [row[name] for row in rows]
    assert packed.packed("score").strides == (8,)
    assert packed["status_reason"] == [None] * 1_000
    assert packed["attributes"] == ["{}"] * 1_000
