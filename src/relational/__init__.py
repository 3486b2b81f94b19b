"""What is kept in PostgreSQL: the only room that knows SQLAlchemy, asyncpg and Alembic.

`Database` connects; a repository a noun reads and writes; `Journal` commits batches.
"""

from __future__ import annotations

from .branch_stats import BranchStatsRepository
from .database import Database
from .journal import Journal, Link, Stored
from .labels import LabeledSampleRepository
from .overview import DatabaseServer, Overview, Sizes, Standing
from .project_row import Epoch, Head
from .projects import ProjectRepository, ProjectSnapshot
from .quarantine import QuarantineRepository
from .rubrics import RubricEdit, RubricRepository
from .scores import PrincipleScoreRepository, ScoreColumns

__all__ = [
    "BranchStatsRepository",
    "Database",
    "DatabaseServer",
    "Epoch",
    "Head",
    "Journal",
    "LabeledSampleRepository",
    "Link",
    "Overview",
    "PrincipleScoreRepository",
    "ProjectRepository",
    "ProjectSnapshot",
    "QuarantineRepository",
    "RubricEdit",
    "RubricRepository",
    "ScoreColumns",
    "Sizes",
    "Standing",
    "Stored",
]
