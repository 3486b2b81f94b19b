"""Fixtures of this room: its repositories, and who writes to the test's project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import Database
from sapwood.relational import (
    Journal,
    PrincipleScoreRepository,
    ProjectRepository,
    RubricRepository,
)

from .building import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sapwood.servers import Endpoints


@pytest.fixture(scope="session")
async def other_database(servers: Endpoints, database: Database) -> AsyncIterator[Database]:
    """Another process's view of `database`: a pool of its own."""
    assert database is not None
    other = Database(servers.database_url)
    yield other
    await other.close()


@pytest.fixture
def projects(database: Database) -> ProjectRepository:
    return ProjectRepository(database)


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


@pytest.fixture
def rubrics(database: Database) -> RubricRepository:
    return RubricRepository(database)


@pytest.fixture
def scores(database: Database) -> PrincipleScoreRepository:
    return PrincipleScoreRepository(database)


@pytest.fixture
async def writer(projects: ProjectRepository, journal: Journal, project_id: str) -> Writer:
    """The owner of a new project named after the test."""
    await projects.ensure(project_id)
    return Writer(journal, project_id, await projects.claim_epoch(project_id))
