"""Who stands above and below whom in a tree, as places in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DivergedError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order_by_id(ids: NDArray[np.bytes_]) -> NDArray[Any]:
    """Return the places of the nodes by id, in the narrowest numbers that can count them."""
    narrow = np.int32 if len(ids) < 1 << 31 else np.int64
    return np.argsort(ids, kind="stable").astype(narrow)


def find_parents(
    ids: NDArray[np.bytes_], by_id: NDArray[Any], parent_ids: NDArray[np.bytes_]
) -> NDArray[Any]:
    """Return the places of the nodes' parents; -1 for none, which is an empty id.

    Raises:
        DivergedError: A node's parent is not among them, or comes after it.
    """
    parents = np.full(len(ids), -1, by_id.dtype)
    below = np.flatnonzero(parent_ids != b"")
    if len(below):
        wanted = parent_ids[below]
        nearest = np.searchsorted(ids[by_id], wanted)
        parents[below] = found = by_id[np.minimum(nearest, len(ids) - 1)]
        wrong = below[(ids[found] != wanted) | (found >= below)]
        if len(wrong):
            node_id, parent_id = (column.item(wrong[0]).decode() for column in (ids, parent_ids))
            raise DivergedError(
                f"node {node_id} stands before its parent {parent_id}, or without it; the graph "
                "was edited. Rebuild it from the journal."
            )
    return parents


def find_children(parents: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return children as compressed rows: those of `p` are `below[starts[p]:starts[p + 1]]`."""
    roots = int(np.count_nonzero(parents < 0))
    below = np.argsort(parents, kind="stable")[roots:].astype(parents.dtype)
    starts = np.zeros(len(parents) + 1, parents.dtype)
    np.cumsum(np.bincount(parents[parents >= 0], minlength=len(parents)), out=starts[1:])
    return starts, below
