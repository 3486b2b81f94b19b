"""A tree as a table, a data frame and a graph, against its nodes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import networkx as nx
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given

from sapwood import MissingExtraError
from sapwood.nodes import FIELDS, Columns
from sapwood.tree import TREE_FIELDS, Tree

from .test_nodes import columns
from .test_tree import columns_of, in_order, woods

if TYPE_CHECKING:
    from collections.abc import Callable

    from sapwood.model import Node

ARROW = {
    "id": pa.large_string(),
    "parent_id": pa.large_string(),
    "content": pa.large_string(),
    "attributes": pa.large_string(),
    "status": pa.dictionary(pa.int8(), pa.string()),
    "status_reason": pa.large_string(),
    "score": pa.float64(),
    "rubric_score": pa.float64(),
    "iteration": pa.int64(),
    "depth": pa.int64(),
    "created_at": pa.timestamp("us", tz="UTC"),
    "seq": pa.int64(),
}
ATTRIBUTES = {"{}": {}, '{"k":[1,null]}': {"k": [1, None]}}


def fields_of(nodes: list[Node]) -> list[dict[str, Any]]:
    return [node.model_dump() for node in in_order(nodes)]


@given(woods())
def test_a_table_has_the_values_of_the_nodes(nodes: list[Node]) -> None:
    table = Tree(columns_of(nodes)).to_arrow()
    table.validate(full=True)
    assert {field.name: field.type for field in table.schema} == ARROW
    rows = [row | {"attributes": ATTRIBUTES[row["attributes"]]} for row in table.to_pylist()]
    assert rows == fields_of(nodes)


@given(woods())
def test_a_table_comes_back_as_the_tree_it_was_made_of(nodes: list[Node]) -> None:
    table = Tree(columns_of(nodes)).to_arrow()
    values = {name: table[name].to_pylist() for name in FIELDS if name != "created_at"}
    values["created_at"] = table["created_at"].cast(pa.int64()).to_pylist()
    assert list(Tree(Columns(values))) == in_order(nodes)


@given(woods())
def test_a_data_frame_has_the_values_of_the_nodes(nodes: list[Node]) -> None:
    frame = Tree(columns_of(nodes)).to_polars()
    rows = [row | {"attributes": ATTRIBUTES[row["attributes"]]} for row in frame.to_dicts()]
    assert rows == fields_of(nodes)
    assert frame.filter(pl.col("status") == "pruned").height == sum(
        node.status == "pruned" for node in nodes
    )
    assert [frame.schema[name] for name in ("id", "score", "seq", "created_at")] == [
        pl.String,
        pl.Float64,
        pl.Int64,
        pl.Datetime("us", "UTC"),
    ]


@given(woods())
def test_a_graph_has_the_nodes_with_their_fields_and_an_edge_to_each_child(
    nodes: list[Node],
) -> None:
    graph = Tree(columns_of(nodes)).to_networkx()
    assert isinstance(graph, nx.DiGraph)
    found = [{"id": node_id} | fields for node_id, fields in graph.nodes(data=True)]
    wanted = fields_of(nodes)
    assert set(graph.edges) == {(n["parent_id"], n["id"]) for n in wanted if n["parent_id"]}
    assert found == [{k: v for k, v in node.items() if k != "parent_id"} for node in wanted]


def test_columns_that_were_not_loaded_are_left_out() -> None:
    tree = Tree(columns(*TREE_FIELDS, "score"))
    table = tree.to_arrow()
    assert table.column_names == [*TREE_FIELDS, "score"]
    assert table["parent_id"].to_pylist() == [None, "a", "a", "a"]
    assert table["score"].to_pylist() == [None, 0.5, -1.0, 2.0]
    assert tree.to_polars().columns == table.column_names
    assert tree.to_networkx().nodes["b"] == {"status": "failed", "depth": 1, "score": 0.5}


def test_a_tree_without_nodes_keeps_its_columns() -> None:
    tree = Tree(columns_of([]))
    assert {field.name: field.type for field in tree.to_arrow().schema} == ARROW
    assert tree.to_polars().shape == (0, len(FIELDS))
    assert len(tree.to_networkx()) == 0


def test_a_table_outlives_its_tree_and_cannot_change_it() -> None:
    tree = Tree(columns(*FIELDS))
    table = tree.to_arrow()
    del tree
    assert table["content"].to_pylist() == [f"content of {node_id}" for node_id in "abcd"]
    assert table["iteration"].to_pylist() == [0, 1, 2, 2**63 - 1]


CONVERSIONS: dict[str, tuple[str, str, Callable[[Tree], object]]] = {
    "to_arrow": ("pyarrow", "arrow", Tree.to_arrow),
    "to_polars": ("polars", "polars", Tree.to_polars),
    "to_polars without pyarrow": ("pyarrow", "polars", Tree.to_polars),
    "to_networkx": ("networkx", "networkx", Tree.to_networkx),
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_missing_package_is_an_import_error_that_says_which_extra_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, extra, convert = CONVERSIONS[name]
    monkeypatch.setitem(sys.modules, module, None)
    tree = Tree(columns(*FIELDS))
    with pytest.raises(ImportError, match=rf"pip install 'sapwood\[{extra}\]'") as missing:
        convert(tree)
    assert isinstance(missing.value, MissingExtraError)
