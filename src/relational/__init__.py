"""What is kept in PostgreSQL: the only room that knows SQLAlchemy, asyncpg and Alembic.

`Database` connects; a repository a noun reads and writes; `Journal` commits batches.
"""

from __future__ import annotations

from .database import Database
from .journal import Journal, Stored
from .overview import DatabaseServer, Overview, Sizes, Standing
from .project_row import Epoch, Head
from .projects import ProjectRepository, ProjectSnapshot
from .rubrics import RubricRepository
from .scores import PrincipleScoreRepository, ScoreColumns

__all__ = [
    "Database",
    "DatabaseServer",
    "Epoch",
    "Head",
    "Journal",
    "Overview",
    "PrincipleScoreRepository",
    "ProjectRepository",
    "ProjectSnapshot",
    "RubricRepository",
    "ScoreColumns",
    "Sizes",
    "Standing",
    "Stored",
]
