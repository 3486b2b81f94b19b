"""Plain searches over what a project's graph holds in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotFoundError
from ..nodes import FIELDS, Columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from .project_rows import ProjectRows


def require(project: ProjectRows, node_id: str) -> None:
    """Raise `NotFoundError` if there is no such node."""
    if node_id not in project.graph.nodes:
        raise NotFoundError.node(project.id, node_id)


def below_or_all(project: ProjectRows, top: str | None) -> list[str]:
    """Return the ids of a subtree, or of the whole project for `None`."""
    if top is None:
        return list(project.graph.nodes)
    require(project, top)
    return project.graph.subtree(top)


def of_status(project: ProjectRows, node_ids: Iterable[str], status: str | None) -> list[str]:
    """Return those of these nodes that have a status; all of them for `None`."""
    nodes = project.graph.nodes
    return [each for each in node_ids if status is None or nodes[each]["status"] == status]


def in_order(project: ProjectRows, node_ids: Iterable[str]) -> list[str]:
    """Return ids by (depth, id)."""
    return sorted(node_ids, key=lambda each: (project.graph.nodes[each]["depth"], each))


def columns(project: ProjectRows, node_ids: list[str], names: Collection[str]) -> Columns:
    """Return some columns of nodes, in the order of their ids as given."""
    rows = [project.graph.nodes[each] for each in node_ids]
    return Columns({name: [row[name] for row in rows] for name in FIELDS if name in names})
