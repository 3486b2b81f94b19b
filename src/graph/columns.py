"""Runs reading statements and puts their chunks together: a list a column, a fixed order."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ValidationError
from ..model import NodeStatus
from ..nodes import FIELDS, Columns

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .connection import Transaction

WHOLE_FROM = 6
"""Columns from which a node's properties are read at once, if its content is among them."""


def wanted_fields(fields: Collection[str] | None) -> tuple[str, ...]:
    """Return the columns to read, `id` always, in the order of `FIELDS`.

    Raises:
        ValidationError: A name is none of a column.
    """
    if fields is None:
        return FIELDS
    for name in fields:
        if name not in FIELDS:
            raise ValidationError("fields", name, f"is no column; they are {', '.join(FIELDS)}")
    return tuple(name for name in FIELDS if name == "id" or name in fields)


class Reading:
    """An open read: the transaction, the position it may see, the columns it wants."""

    def __init__(
        self, transaction: Transaction, project_id: str, applied: int, fields: tuple[str, ...]
    ) -> None:
        self._transaction = transaction
        self._project_id = project_id
        self._applied = applied
        self._fields = fields

    async def columns(self, key: str, **parameters: Any) -> Columns:
        """Return the nodes that a statement finds, in its order."""
        return await self._columns(key, self._fields, parameters)

    async def sorted(self, key: str, **parameters: Any) -> Columns:
        """Return the nodes that a statement finds, by (depth, id)."""
        fields = tuple(dict.fromkeys((*self._fields, "depth")))
        found = await self._columns(key, fields, parameters)
        order = _order(found["id"], found["depth"])
        names = [name for name in fields if name in self._fields]
        return pick(Columns({name: found[name] for name in names}), order)

    async def under(self, node_id: str, key: str, **parameters: Any) -> Columns | None:
        """Return the nodes that a statement finds by (depth, id); `None` if `node_id` is none."""
        found = await self.sorted(key, node_id=node_id, **parameters)
        return found if len(found) or await self.exists(node_id) else None

    async def exists(self, node_id: str) -> bool:
        """Return whether there is such a node."""
        return bool(
            await self._transaction.value(
                "node.exists", project_id=self._project_id, node_id=node_id, applied=self._applied
            )
        )

    async def counts(self) -> dict[NodeStatus, int]:
        """Return the number of nodes of each status."""
        rows = await self._transaction.run(
            "project.count_by_status", project_id=self._project_id, applied=self._applied
        )
        found = {NodeStatus(status): nodes for status, nodes in rows}
        return {status: found.get(status, 0) for status in NodeStatus}

    async def _columns(
        self, key: str, fields: tuple[str, ...], parameters: dict[str, Any]
    ) -> Columns:
        rows = await self._transaction.run(
            key,
            project_id=self._project_id,
            applied=self._applied,
            fields=list(fields),
            whole="content" in fields and len(fields) >= WHOLE_FROM,
            **parameters,
        )
        places = {name: place for place, name in enumerate(FIELDS)}
        return Columns(
            {name: list(chain.from_iterable(row[places[name]] for row in rows)) for name in fields}
        )


def _order(ids: Sequence[str], depths: Sequence[int]) -> list[int]:
    """Return the places of the nodes by (depth, id).

    Sorted here, not by the server: ids come nearly in order, and half the server's time is saved.
    """
    by_id = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    level = np.array(depths, dtype=np.int64)[by_id]
    order: list[int] = by_id[np.argsort(level, kind="stable")].tolist()
    return order


def pick(columns: Columns, places: Sequence[int]) -> Columns:
    """Return the nodes at these places, in this order."""
    if len(places) == 0:
        return Columns({name: [] for name in columns.names})
    if len(places) == len(columns) and all(at == place for at, place in enumerate(places)):
        return columns
    if len(places) == 1:
        return Columns({name: [columns[name][places[0]]] for name in columns.names})
    take = itemgetter(*places)
    return Columns({name: list(take(columns[name])) for name in columns.names})
