"""Where projects stand: what `sapwood status` and `sapwood doctor` say of them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import SapwoodError
from ..graph import GraphOverview
from ..quarantine import LeftOut  # noqa: TC001 - pydantic reads the annotations
from ..relational import Overview, QuarantineRepository
from ..verifying import MOST_NAMED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..graph import Watermark
    from ..relational import Standing
    from ..stores import Stores

OTHER_HISTORY: Final = "graph and journal tell different histories"
UnderWay = Literal["clearing", "prune", "deletion"]


class ProjectLine(BaseModel):
    """One project. What only Neo4j knows is null while it does not answer.

    Attributes:
        state: `open`, `stalled`, `deleting`; `diverged` if the graph tells another history.
        lag: Journal entries that are not in the graph.
        oldest_unapplied_s: Age of the oldest of them; null if there is none.
        nodes: Node ids in PostgreSQL's register.
        quarantined: How many things are kept out of the graph by somebody's word.
        age_s: Since the project was made.
        under_way: What has begun in the graph and not ended; the next contact goes on with it.
        problem: What is not as it should be; null if nothing is known to be.
        todo: What to do about it.
    """

    model_config = ConfigDict(frozen=True)

    project_id: str
    state: Literal["open", "stalled", "deleting", "diverged"]
    head: int
    applied: int | None
    lag: int | None
    oldest_unapplied_s: float | None
    nodes: int
    quarantined: int
    age_s: float
    under_way: UnderWay | None
    problem: str | None
    todo: str | None


class ProjectReport(ProjectLine):
    """The document of `sapwood status PROJECT --json`. Keys are only ever added.

    Attributes:
        epoch: How many owners the project has had.
        quarantine: What is kept out of the graph, the first 100.
        graph_problem: Why Neo4j was not asked.
    """

    title: str
    created_at: datetime
    epoch: int
    stalled_seq: int | None
    stalled_cause: str | None
    journal_entries: int
    journal_bytes: int
    scores: int
    quarantine: list[LeftOut]
    graph_problem: str | None


class Projects(BaseModel):
    """All projects.

    Attributes:
        leftovers: Projects of which only the graph holds something.
        graph_problem: Why Neo4j was not asked.
    """

    model_config = ConfigDict(frozen=True)

    lines: list[ProjectLine]
    leftovers: list[str]
    graph_problem: str | None


async def read_projects(stores: Stores, graph_problem: str | None) -> Projects:
    """Look at all projects.

    Args:
        graph_problem: Why Neo4j need not be asked; `None` to ask it.

    Raises:
        SapwoodError: PostgreSQL cannot be read.
    """
    marks, graph_problem = await _read_marks(stores, graph_problem)
    found = await Overview(stores.db).projects(_positions(marks))
    lines = [_line(each, marks) for each in found]
    leftovers = sorted((marks or {}).keys() - {each.project_id for each in found})
    return Projects(lines=lines, leftovers=leftovers, graph_problem=graph_problem)


async def read_project(stores: Stores, project_id: str, graph_problem: str | None) -> ProjectReport:
    """Look at one project.

    Raises:
        NotFoundError: There is no such project.
        SapwoodError: PostgreSQL cannot be read.
    """
    marks, graph_problem = await _read_marks(stores, graph_problem)
    overview = Overview(stores.db)
    found = await overview.project(project_id, _positions(marks))
    sizes = await overview.sizes(project_id)
    left_out = await QuarantineRepository(stores.db).get(project_id) if found.quarantined else []
    return ProjectReport(
        **_line(found, marks).model_dump(),
        **sizes._asdict(),
        title=found.title,
        created_at=found.created_at,
        epoch=found.epoch,
        stalled_seq=found.stalled_seq,
        stalled_cause=found.stalled_cause,
        quarantine=left_out[:MOST_NAMED],
        graph_problem=graph_problem,
    )


async def _read_marks(
    stores: Stores, graph_problem: str | None
) -> tuple[Mapping[str, Watermark] | None, str | None]:
    if graph_problem is not None:
        return None, graph_problem
    try:
        return await GraphOverview(stores.graph).watermarks(), None
    except SapwoodError as exc:
        return None, str(exc)


def _positions(marks: Mapping[str, Watermark] | None) -> dict[str, int]:
    return {project_id: mark.applied for project_id, mark in (marks or {}).items()}


def _line(found: Standing, marks: Mapping[str, Watermark] | None) -> ProjectLine:
    mark = None if marks is None else marks.get(found.project_id)
    diverged = mark is not None and found.state != "deleting" and _tells_another(found, mark)
    state = "diverged" if diverged else found.state
    under_way = _under_way(found, mark)
    applied = _applied(mark, known=marks is not None)
    lag = None if applied is None else max(0, found.head - applied)
    problem, todo = _problem(found, mark, state, under_way, lag)
    return ProjectLine(
        project_id=found.project_id,
        state=state,  # pyright: ignore[reportArgumentType] (pydantic checks it)
        head=found.head,
        applied=applied,
        lag=lag,
        oldest_unapplied_s=found.oldest_unapplied_s if lag else None,
        nodes=found.nodes,
        quarantined=found.quarantined,
        age_s=found.age_s,
        under_way=under_way,
        problem=problem,
        todo=todo,
    )


def _applied(mark: Watermark | None, *, known: bool) -> int | None:
    """Return the position of the graph: 0 while it is made again, or has nothing."""
    if not known:
        return None
    return 0 if mark is None or mark.state != "open" else mark.applied


def _tells_another(found: Standing, mark: Watermark) -> bool:
    """Whether a contact would find that graph and journal contradict each other."""
    if mark.state != "open" or mark.applied == 0:
        return False
    return not _is_of(found, mark) or found.quarantine_at_applied != mark.quarantine


def _is_of(found: Standing, mark: Watermark) -> bool:
    """Whether graph and journal tell one history, whatever is left out of it."""
    return (found.chain_at_applied, found.incarnation) == (mark.chain, mark.incarnation)


def _under_way(found: Standing, mark: Watermark | None) -> UnderWay | None:
    if found.state == "deleting":
        return "deletion"
    if mark is None:
        return None
    if mark.state != "open":
        return "clearing"
    return None if mark.under_way is None else "prune"


def _problem(
    found: Standing,
    mark: Watermark | None,
    state: str,
    under_way: UnderWay | None,
    lag: int | None,
) -> tuple[str | None, str | None]:
    """Return what is wrong and what to do about it, the worst first."""
    verify = f"run: sapwood verify {found.project_id}"
    rebuild = f"run: sapwood rebuild {found.project_id}"
    if state == "deleting":
        return "is half deleted", "call delete_project() again"
    if state == "diverged":
        if mark is not None and _is_of(found, mark):
            return "the graph was made while other things were in quarantine", rebuild
        todo = f"restore PostgreSQL if its history is the wrong one; else {rebuild}"
        return OTHER_HISTORY, todo
    if state == "stalled":
        problem = f"Neo4j refuses entry {found.stalled_seq}: {found.stalled_cause}"
        todo = f"find out what it is: sapwood doctor --bisect {found.project_id}"
        return problem, f"{todo}; mend that in Neo4j, then {verify}; or {rebuild}"
    if under_way is not None:
        return f"a {under_way} is not at its end", f"to go on, {verify}"
    if lag:
        return f"{lag} journal entries are not in the graph", f"to apply them, {verify}"
    return None, None
