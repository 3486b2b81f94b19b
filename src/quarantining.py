"""Leaving something out of a project's graph: what PostgreSQL and Neo4j have to say to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .events import log
from .graph import GraphWriter
from .relational import ProjectRepository, QuarantineRepository

if TYPE_CHECKING:
    from .quarantine import LeftOut
    from .stores import Stores

logger = logging.getLogger("sapwood.quarantining")


async def quarantine(
    stores: Stores, project_id: str, node_id: str, *, seq: int, reason: str
) -> list[LeftOut]:
    """Leave out of the graph what the journal's entry at `seq` says of a node.

    See `QuarantineRepository.add`. Whoever applies next goes on without it. If the graph gets the
    entry meanwhile after all, because its cause was mended in this very moment, the next contact
    raises `DivergedError`, and a rebuild mends that.

    Raises:
        NotFoundError, ConflictError, ValidationError: As there; nothing was changed.
        UnavailableError: A store does not answer.
    """
    head = await ProjectRepository(stores.db).head(project_id)
    mark = await GraphWriter(stores.graph).watermark(project_id)
    is_there = mark is not None and (mark.state, mark.incarnation) == ("open", head.incarnation)
    rows = await QuarantineRepository(stores.db).add(
        project_id,
        node_id,
        seq=seq,
        reason=reason,
        applied=mark.applied if mark is not None and is_there else 0,
    )
    log(logger, logging.WARNING, "put in quarantine", project=project_id, seq=seq, rows=len(rows))
    return rows


async def release(stores: Stores, project_id: str) -> int:
    """Leave nothing out of the graph any more; return how much was left out.

    If the graph went on without it, every contact raises `DivergedError` until it is made again.

    Raises:
        NotFoundError: There is no such project.
        UnavailableError: PostgreSQL does not answer.
    """
    count = await QuarantineRepository(stores.db).release(project_id)
    log(logger, logging.WARNING, "released from quarantine", project=project_id, rows=count)
    return count
