"""A loaded tree as other libraries have it; each comes with an extra of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import STATUSES
from .extras import require
from .nodes import as_fields
from .packed import IDS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import networkx as nx
    import polars as pl
    import pyarrow as pa

    from .texts import Texts
    from .tree import Tree

_STEP = 4096


def to_arrow(tree: Tree) -> pa.Table:  # pyright: ignore[reportUnknownParameterType]
    """See `Tree.to_arrow`."""
    require("arrow", "to_arrow", "pyarrow")
    import pyarrow as pa

    packed, parents = tree.packed, tree.parents
    ids = pa.array(packed.packed("id"), pa.binary()).cast(pa.large_string())

    def column(name: str) -> Any:
        if name == "id":
            return ids
        if name == "parent_id":
            return ids.take(pa.array(parents, mask=parents < 0))
        values = packed.packed(name)
        if name == "status":
            return pa.DictionaryArray.from_arrays(values.astype(np.int8), list(STATUSES))
        if name == "created_at":
            return pa.array(values).cast(pa.timestamp("us", tz="UTC"))
        return pa.array(values, from_pandas=True) if name in NUMBERS else _texts(values)

    return pa.table({name: column(name) for name in tree.names})


def _texts(texts: Texts) -> Any:
    import pyarrow as pa

    joined, offsets = texts.in_a_row()
    there = np.packbits(~texts.nulls(), bitorder="little")
    buffers = (pa.py_buffer(each) for each in (offsets, joined, there))
    return pa.LargeStringArray.from_buffers(len(texts), *buffers)


def to_polars(tree: Tree) -> pl.DataFrame:
    """See `Tree.to_polars`."""
    require("polars", "to_polars", "polars", "pyarrow")
    import polars as pl

    return pl.DataFrame(to_arrow(tree))


def to_networkx(tree: Tree) -> nx.DiGraph[str]:
    """See `Tree.to_networkx`."""
    require("networkx", "to_networkx", "networkx")
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    ids = tree.take("id", range(len(tree)))
    graph.add_nodes_from(zip(ids, _fields(tree), strict=True))
    below = np.flatnonzero(tree.parents >= 0).tolist()
    graph.add_edges_from((ids[tree.parents.item(place)], ids[place]) for place in below)
    return graph


def _fields(tree: Tree) -> Iterator[dict[str, Any]]:
    """Yield the fields of each node, but for those that are the graph itself."""
    names = [name for name in tree.names if name not in IDS]
    for first in range(0, len(tree), _STEP):
        places = range(first, min(len(tree), first + _STEP))
        for row in zip(*(tree.take(name, places) for name in names), strict=True):
            yield as_fields(dict(zip(names, row, strict=True)))
