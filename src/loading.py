"""A project as loaded: what an orchestrator needs to go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model import Project, Rubric
    from .relational import ScoreColumns
    from .tree import Tree


@dataclass(frozen=True, slots=True)
class LoadedProject:
    """What `load_project` returns. The tree is never older than the rest.

    Attributes:
        tree: All nodes, as columns; `Node` objects are made when asked for.
        rubric: The current rubric; `None` before the first.
        scores: Scores of all judges, as columns, by node, principle and judge.
        state: What `save_state` was last given; `None` before.
    """

    project: Project
    tree: Tree
    rubric: Rubric | None
    scores: ScoreColumns
    state: Any
