"""What PostgreSQL and Neo4j are to real adapters, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import NotFoundError
from .project_rows import ProjectRows

if TYPE_CHECKING:
    from ..settings import Mode


class MemoryStores:
    """What PostgreSQL and Neo4j are to real adapters: shared by those that are made with it.

    Attributes:
        projects: By id.
    """

    def __init__(self) -> None:
        self.projects: dict[str, ProjectRows] = {}

    def open(self, project_id: str, title: str, mode: Mode) -> ProjectRows:
        """Find a project, or make it, unless it is opened to be read."""
        if project_id not in self.projects:
            if mode == "read":
                raise missing(project_id)
            self.projects[project_id] = ProjectRows(project_id, title)
        return self.projects[project_id]


def missing(project_id: str) -> NotFoundError:
    """Return the error for a project that is not there."""
    return NotFoundError(f"there is no project {project_id!r}, or it is being deleted")
