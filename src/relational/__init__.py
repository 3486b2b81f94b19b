"""What is kept in PostgreSQL: the only room that knows SQLAlchemy, asyncpg and Alembic.

`Database` connects; a repository a noun reads and writes; `Journal` commits batches.
"""

from __future__ import annotations

from .branch_stats import BranchStatsRepository
from .database import Database
from .journal import Journal, Stored
from .overview import DatabaseServer, Overview, Sizes, Standing
from .project_row import Epoch, Head
from .projects import ProjectRepository, ProjectSnapshot
from .rubrics import RubricRepository
from .score_cache import CachedScores, ScoreKey
from .scores import PrincipleScoreRepository, ScoreColumns

__all__ = [
    "BranchStatsRepository",
    "CachedScores",
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
    "ScoreKey",
    "Sizes",
    "Standing",
    "Stored",
]
