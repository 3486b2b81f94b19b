"""The checks of `sapwood doctor`. Each asks the part of sapwood that knows."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import SapwoodError, SettingsError
from ..graph import GraphOverview
from ..relational import Overview, QuarantineRepository
from ..servers.disk import require_room
from .connecting import connected, find_endpoints
from .project_report import read_projects
from .quarantine_report import named
from .server_report import read_report, url_problem

if TYPE_CHECKING:
    from pathlib import Path

    from ..servers import Endpoints
    from ..stores import Stores
    from .project_report import ProjectLine
    from .server_report import Report

NEEDED_BYTES = 1 << 30
"""Room that a data folder should have left; a full disk stops both servers."""
MOST_CLOCK_S = 5.0
"""Clocks that differ by more make the times of nodes and entries hard to read."""
FRESH_S = 60.0
"""Entries that are younger are on their way into the graph, most likely."""
OLDEST_NEO4J = 2026
MOST_NAMED = 10
"""Things in quarantine of one project that are named; `sapwood status PROJECT` names more."""
START = "start it: sapwood up; or correct its address"


class Check(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: Literal["ok", "warning", "problem"]
    found: str
    todo: str | None = None


class Diagnosis(BaseModel):
    """The document of `sapwood doctor --json`. Keys are only ever added."""

    model_config = ConfigDict(frozen=True)

    healthy: bool
    checks: list[Check]


def diagnose(data_dir: Path | None) -> Diagnosis:
    """Look at everything that can be looked at."""
    checks = _checks(data_dir)
    return Diagnosis(healthy=all(each.state != "problem" for each in checks), checks=checks)


def _checks(data_dir: Path | None) -> list[Check]:
    try:
        endpoints = find_endpoints(data_dir)
        report = read_report(data_dir)
    except SettingsError as exc:
        return [_problem("settings", str(exc), "correct the settings")]
    checks = [_ok("settings", f"{report.kind} servers")]
    for server in report.servers:
        if server.problem is None:
            checks.append(_ok(server.name, f"answers at {server.address}"))
        else:
            checks.append(_problem(server.name, server.problem, START))
    checks += _disk(report)
    if endpoints is not None and url_problem(endpoints.database_url) is None:
        checks += asyncio.run(_ask(endpoints, report))
    return checks


def _disk(report: Report) -> list[Check]:
    folder = report.data_dir
    if folder is None or not folder.exists():
        return []
    what = f"has {NEEDED_BYTES >> 20} MiB free or more"
    try:
        require_room(folder, NEEDED_BYTES, "what the servers will write")
    except SapwoodError as exc:
        return [_problem("disk", str(exc), "make room")]
    return [_ok("disk", f"{folder} {what}")]


async def _ask(endpoints: Endpoints, report: Report) -> list[Check]:
    """Ask the servers that answer."""
    checks: list[Check] = []
    async with connected(endpoints) as stores:
        used = False
        if report.problem_of("postgres") is None:
            try:
                found, used = await _database(stores)
                checks += found
            except SapwoodError as exc:
                checks.append(_problem("postgres", str(exc), START))
        if report.problem_of("neo4j") is None:
            try:
                checks += await _graph(stores, used=used)
            except SapwoodError as exc:
                checks.append(_problem("neo4j", str(exc), START))
        if used:
            checks += await _projects(stores, report.problem_of("neo4j"))
    return checks


async def _database(stores: Stores) -> tuple[list[Check], bool]:
    """Check PostgreSQL; return also whether there are tables that can be worked with."""
    began = time.time()
    server = await Overview(stores.db).server()
    checks = [_clock("postgres clock", server.now_s, began)]
    if server.durability_problem is None:
        settings = f"synchronous_commit = {server.synchronous_commit}, fsync = {server.fsync}"
        checks.append(_ok("durability", f"PostgreSQL {server.version}, {settings}"))
    else:
        checks.append(_problem("durability", server.durability_problem, "change it and restart"))
    if server.revision is None:
        checks.append(_ok("tables", "none yet; whoever opens the first project makes them"))
        return checks, False
    if server.tables_problem is None:
        checks.append(_ok("tables", f"revision {server.revision}"))
        return checks, True
    todo = "open any project with sapwood.open(…), which brings them up to date"
    return [*checks, _problem("tables", server.tables_problem, todo)], False


async def _graph(stores: Stores, *, used: bool) -> list[Check]:
    began = time.time()
    server = await GraphOverview(stores.graph).server()
    checks = [_clock("neo4j clock", server.now_s, began)]
    name = f"Neo4j {server.version} {server.edition}"
    if int(server.version.partition(".")[0]) < OLDEST_NEO4J:
        todo = f"use Neo4j {OLDEST_NEO4J} or later"
        checks.append(Check(name="neo4j version", state="warning", found=name, todo=todo))
    else:
        checks.append(_ok("neo4j version", name))
    if not used:
        return checks
    try:
        await stores.graph.verify_schema()
    except SapwoodError as exc:
        todo = "open a project with sapwood.open(…), or run: sapwood rebuild PROJECT"
        return [*checks, _problem("neo4j schema", str(exc), todo)]
    return [*checks, _ok("neo4j schema", "complete and online")]


def _clock(name: str, now_s: float, began: float) -> Check:
    """Hold a server's clock against this machine's, which read `began` before it was asked."""
    ended = time.time()
    ahead = max(now_s - ended, began - now_s, 0.0)
    found = f"differs from this machine's by {ahead:.1f} s"
    if ahead > MOST_CLOCK_S:
        return Check(name=name, state="warning", found=found, todo="set the clocks, by NTP")
    return _ok(name, found)


async def _projects(stores: Stores, graph_problem: str | None) -> list[Check]:
    """Check all projects: a line for each that is not as it should be, or one for all."""
    try:
        found = await read_projects(stores, graph_problem)
    except SapwoodError as exc:
        return [_problem("projects", str(exc), START)]
    checks = [_project(each) for each in found.lines if each.problem is not None]
    checks += [
        await _quarantine(stores, each.project_id) for each in found.lines if each.quarantined
    ]
    checks += [
        _problem(
            f"project {name}",
            "is in the graph alone",
            "if its deletion was cut off, call delete_project() again; if a store was restored, "
            "restore a later PostgreSQL, or open a project of this name and run: "
            f"sapwood rebuild {name}",
        )
        for name in found.leftovers
    ]
    if found.graph_problem is not None:
        text = f"{len(found.lines)}; Neo4j does not say how far they are applied"
        return [*checks, Check(name="projects", state="warning", found=text)]
    return checks or [_ok("projects", f"{len(found.lines)}, all of them applied")]


def _project(line: ProjectLine) -> Check:
    age = line.oldest_unapplied_s
    fresh = age is not None and age < FRESH_S and line.state == "open" and line.under_way is None
    state: Literal["warning", "problem"] = "warning" if fresh else "problem"
    name, found = f"project {line.project_id}", line.problem or ""
    return Check(name=name, state=state, found=found, todo=line.todo)


async def _quarantine(stores: Stores, project_id: str) -> Check:
    rows = await QuarantineRepository(stores.db).get(project_id)
    found = f"{len(rows)} in quarantine, kept out of the graph: {named(rows, MOST_NAMED)}"
    todo = f"once its cause is mended, run: sapwood quarantine {project_id} --release"
    return Check(name=f"project {project_id}", state="warning", found=found, todo=todo)


def _ok(name: str, found: str) -> Check:
    return Check(name=name, state="ok", found=found)


def _problem(name: str, found: str, todo: str) -> Check:
    return Check(name=name, state="problem", found=found, todo=todo)
