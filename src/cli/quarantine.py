"""`sapwood quarantine`: what Neo4j refuses is left out of a graph, by somebody's word."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from .options import AsJson, DataDir, ProjectId, Yes  # noqa: TC001 - typer reads the annotations
from .printing import ask, echo_json, echo_rows, echo_words
from .projects import conclude

Seq = Annotated[int | None, typer.Option(min=1, help="Position of the entry that is refused.")]
NodeId = Annotated[
    str | None, typer.Argument(metavar="NODE_ID", help="The node that Neo4j refuses.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(quarantine)


def quarantine(
    project_id: ProjectId,
    node_id: NodeId = None,
    data_dir: DataDir = None,
    *,
    seq: Seq = None,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever looks later.")] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Leave nothing out any more, and rebuild the graph.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Leave out of a project's graph what Neo4j refuses, so that what waits behind it goes on.

    A node is left out with all below it, and nothing more may refer to these; a change or a prune
    at its position alone. PostgreSQL keeps everything. `sapwood doctor --bisect PROJECT` names
    what is refused, and where. --release is the way back, for all of the project at once: it makes
    the graph again and verifies it, and ends with 3 if Neo4j still refuses.
    """
    if release:
        if (node_id, seq, reason) != (None, None, None):
            raise typer.BadParameter("it releases all, so name the project alone")
        ask(f"Release all of project {project_id} and make its graph again?", yes=yes)
        _release(project_id, data_dir, as_json=as_json)
    elif node_id is None or seq is None or reason is None:
        raise typer.BadParameter("give NODE_ID, --seq and --reason, or --release")
    else:
        ask(f"Leave {node_id} out of the graph of {project_id}, at position {seq}?", yes=yes)
        _put(project_id, node_id, seq, reason, data_dir, as_json=as_json)


def _put(
    project_id: str, node_id: str, seq: int, reason: str, data_dir: DataDir, *, as_json: bool
) -> None:
    from .connecting import start_endpoints
    from .looking_after import quarantine_item

    endpoints = start_endpoints(data_dir)
    report = asyncio.run(quarantine_item(endpoints, project_id, node_id, seq, reason))
    if as_json:
        echo_json(report)
    else:
        rows = [
            (each.seq, each.node_id, "node" if each.whole else "change") for each in report.left_out
        ]
        echo_rows(("Position", "Node", "What"), rows)
    echo_words(
        f"{len(report.left_out)} left out of the graph; PostgreSQL keeps everything. To apply what "
        f"waited, run: sapwood verify {project_id}"
    )


def _release(project_id: str, data_dir: DataDir, *, as_json: bool) -> None:
    from .connecting import start_endpoints
    from .looking_after import release_project

    endpoints = start_endpoints(data_dir)
    conclude(asyncio.run(release_project(endpoints, project_id)), as_json=as_json)
