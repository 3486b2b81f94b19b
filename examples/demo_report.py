"""What the demo prints: the way to the best node, counts, the rate, where to look at the trees."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from puzzle24 import Puzzle, puzzles
from rich.console import Console
from rich.tree import Tree as Drawing

if TYPE_CHECKING:
    from sapwood import Node, Tree
    from sapwood.servers import EmbeddedServers, Endpoints

COLOURS = {"alive": "green", "pruned": "red", "complete": "bold yellow", "failed": "magenta"}
out = Console(highlight=False)


def rate(before: Tree, after: Tree) -> tuple[int, float]:
    """Return how many nodes the second run searched out and how many a second.

    Each was durable in PostgreSQL before the next was searched for; the search is in the time.
    """
    found = (node for node in after if node.parent_id is not None)
    times = sorted(node.created_at for node in found if node.id not in before)
    return len(times), len(times) / (times[-1] - times[0]).total_seconds()


def draw(tree: Tree, puzzle: Puzzle) -> Drawing:
    """Draw the way to the best node, and beside it what else was tried."""
    nodes = tree.subtree(f"{puzzle.name}.root")
    best = max(nodes, key=lambda node: (node.status == "complete", node.score or 0, -len(node.id)))
    path = tree.path(best.id)
    drawing = branch = Drawing(
        f"[bold]{path[0].content}[/]  [dim]{puzzle.solved_by} of people solve it[/]"
    )
    for node in path[1:]:
        others = [other for other in tree.children(node.parent_id or "") if other.id != node.id]
        shown = sorted(others, key=lambda other: -(other.score or 0))[:3]
        for other in shown:
            branch.add(label(other))
        if len(others) > len(shown):
            branch.add(f"[dim]and {len(others) - len(shown)} more[/]")
        branch = branch.add(f"[bold]{label(node)}[/]")
    return drawing


def label(node: Node) -> str:
    """Return a node's line in its status's colour."""
    colour = COLOURS[node.status]
    return f"[{colour}]{node.content}[/]  [dim]{node.status}, score {node.score:.2f}[/]"


def show_result(ranks: list[int], before: Tree, after: Tree) -> None:
    """Print the best path, the counts and the rate."""
    known = puzzles()
    solved = [rank for rank in ranks if has_solution(after, known[rank])]
    out.print(draw(after, known[(solved or ranks)[-1]]))
    made_by_search = [node for node in after if node.parent_id is not None]
    counts = Counter(node.status.value for node in made_by_search)
    line = "  ".join(f"[{COLOURS[key]}]{counts[key]} {key}[/]" for key in COLOURS if counts[key])
    out.print(f"{len(ranks)} puzzles, {len(solved)} solved; {len(made_by_search)} nodes: {line}")
    made, per_second = rate(before, after)
    out.print(
        f"{per_second:,.0f} nodes/s stored by the second run: {made} nodes, each durable before "
        "the next was searched for, the search's own time included"
    )


def has_solution(tree: Tree, puzzle: Puzzle) -> bool:
    """Whether a node of the puzzle is complete."""
    return any(node.status == "complete" for node in tree.subtree(f"{puzzle.name}.root"))


def show_browser(
    project: str, rank: int, addresses: Endpoints, servers: EmbeddedServers | None
) -> None:
    """Print how to look at the trees, on the embedded servers or on given ones."""
    query = (
        f"MATCH path = (:Node {{project_id: '{project}', id: 'rank-{rank}.root'}})"
        "-[:PARENT_OF*0..]->(:Node) RETURN path"
    )
    out.print("\n[bold]Look at it[/] in Neo4j Browser:")
    status = None if servers is None else servers.status()
    place = addresses.browser_url or f"that of the Neo4j at {addresses.neo4j_uri}"
    secret = addresses.source["neo4j_password"] if status is None else status.neo4j.password_file
    out.print(f"  address   {place}")
    out.print(f"  user      {addresses.neo4j_username}")
    out.print(f"  password  in {secret}", soft_wrap=True)
    out.print(f"  query     {query}", soft_wrap=True)
    if status is not None:
        out.print(
            f"Stop the servers: {command()} down --data-dir {status.data_dir}", soft_wrap=True
        )


def command() -> str:
    """Return how `sapwood` is typed here: a virtual environment is not on the path."""
    beside = Path(sys.executable).with_name("sapwood")
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)
