"""Search some puzzles, kill the search in the middle, start it again: nothing is lost or double.

    python examples/demo.py            # or: make demo
    python examples/demo.py --given    # or: make demo DEMO=--given

Everything runs on this machine: PostgreSQL and Neo4j as private servers in a data folder of the
demo's own, and `game24.py` as the orchestrator that is killed. Addresses of servers in the
environment are ignored, unless `--given` asks for them: those of `docker compose`, or your own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from demo_report import out, show_browser, show_result
from game24 import ALGORITHMS, grow
from puzzle24 import Puzzle, encode, puzzles

import sapwood
from sapwood.servers import (
    EmbeddedServers,
    Endpoints,
    ServerSettings,
    default_data_dir,
    given_endpoints,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sapwood import Tree

HERE = Path(__file__).parent
ALGORITHM = "standard-mcts"


class Plan(NamedTuple):
    """What this demo searches."""

    project: str
    ranks: list[int]
    iterations: int
    addresses: Endpoints
    data_dir: Path | None
    log: Path

    @property
    def nodes(self) -> int:
        """How many nodes there will be."""
        return len(self.ranks) * self.iterations


def start(plan: Plan) -> subprocess.Popen[bytes]:
    """Start the orchestrator, as a user would, with nothing of our environment but the terminal."""
    command = [sys.executable, str(HERE / "game24.py"), "--algorithm", ALGORITHM]
    command += ["--ranks", ",".join(map(str, plan.ranks)), "--iterations", str(plan.iterations)]
    command += ["--project", plan.project, "--log", str(plan.log)]
    kept = ("PATH", "HOME", "LANG", "TERM", "COLUMNS", "NO_COLOR", "TMPDIR", "XDG_CACHE_HOME")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    if plan.data_dir is not None:
        command += ["--data-dir", str(plan.data_dir)]
    else:
        environment |= variables(plan.addresses)
    return subprocess.Popen(command, env=environment, cwd=plan.log.parent)


def variables(at: Endpoints) -> dict[str, str]:
    """Return the environment variables that name these servers."""
    return {
        "SAPWOOD_DATABASE_URL": at.database_url.get_secret_value(),
        "NEO4J_URI": at.neo4j_uri,
        "NEO4J_USERNAME": at.neo4j_username,
        "NEO4J_PASSWORD": at.neo4j_password.get_secret_value(),
        "NEO4J_DATABASE": at.neo4j_database,
    }


def acknowledged(plan: Plan) -> list[dict[str, Any]]:
    """Return what the orchestrator noted after each flush; a line cut by the kill is none."""
    if not plan.log.exists():
        return []
    lines = plan.log.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


def run_and_kill(plan: Plan, numbers: random.Random) -> int:
    """Start the orchestrator and SIGKILL it at a random moment among its writes.

    Returns:
        How many nodes it knew to be durable.
    """
    wanted = numbers.randint(plan.nodes * 2 // 5, plan.nodes * 3 // 5)
    child = start(plan)
    while len(acknowledged(plan)) < wanted:
        if child.poll() is not None:
            raise SystemExit(f"the search ended by itself, with exit code {child.returncode}")
        time.sleep(0.01)
    time.sleep(numbers.random() / 50)
    child.kill()
    child.wait()
    out.show_cursor()
    if child.returncode != -signal.SIGKILL:
        raise SystemExit(f"the search was not killed: exit code {child.returncode}")
    return len(acknowledged(plan))


async def stored(plan: Plan) -> Tree:
    """Load what the stores hold."""
    addresses = plan.addresses
    async with sapwood.open(
        plan.project,
        mode="read",
        database_url=addresses.database_url.get_secret_value(),
        neo4j_uri=addresses.neo4j_uri,
        neo4j_username=addresses.neo4j_username,
        neo4j_password=addresses.neo4j_password.get_secret_value(),
        neo4j_database=addresses.neo4j_database,
    ) as store:
        return (await store.load_project()).tree


def check_kept(tree: Tree, promised: Iterable[dict[str, Any]]) -> None:
    """Hold the tree to what was acknowledged: each node is there, as it was."""
    for line in promised:
        node = tree[line["id"]]
        if (node.parent_id, node.content) != (line["parent_id"], line["content"]):
            raise SystemExit(f"node {node.id} changed: {line} became {node!r}")


def check_same(before: Tree, after: Tree) -> None:
    """Hold the tree after the second run to the tree after the kill: nothing of it changed."""
    for node in before:
        scored = {"rubric_score": after[node.id].rubric_score} if node.rubric_score is None else {}
        if after[node.id] != node.model_copy(update=scored):
            raise SystemExit(f"node {node.id} changed: {node!r} became {after[node.id]!r}")


def check_judged(tree: Tree) -> None:
    """Hold each node to a score by every principle, those at the moment of the kill too."""
    missed = [node.id for node in tree if node.parent_id is not None and node.rubric_score is None]
    if missed:
        raise SystemExit(f"not judged by every principle: {missed}")


def check_unbroken(tree: Tree, puzzle: Puzzle, iterations: int) -> int:
    """Search the puzzle once more, in memory and unbroken, and compare node by node.

    Returns:
        How many nodes are the same in both; all are, or it raises.
    """
    algorithm = ALGORITHMS[ALGORITHM]()
    fresh = algorithm.init_tree()
    states = deque(grow(algorithm, fresh, puzzle, iterations), maxlen=1)
    made = states.pop().tree.get_nodes()[1:]
    names = {-1: "root"}
    expected = {}
    for node in made:
        names[node.expand_idx] = str(node.expand_idx)
        parent = f"{puzzle.name}.{names[node.parent.expand_idx]}"
        expected[f"{puzzle.name}.{node.expand_idx}"] = (parent, encode(node.state), node.score)
    kept = {
        node.id: (node.parent_id, node.content, node.score)
        for node in tree.subtree(f"{puzzle.name}.root")
        if node.parent_id is not None
    }
    if kept != expected:
        missing, extra = expected.keys() - kept.keys(), kept.keys() - expected.keys()
        raise SystemExit(f"{puzzle.name}: missing {sorted(missing)}, too many {sorted(extra)}")
    return len(kept)


def main() -> None:
    """Run the demo; any broken promise ends it with an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two puzzles, 80 nodes each")
    parser.add_argument("--data-dir", type=Path, default=default_data_dir("demo"))
    parser.add_argument(
        "--given", action="store_true", help="use the servers that the environment or .env names"
    )
    parser.add_argument("--seed", type=int, default=24, help="of the moment of the kill")
    options = parser.parse_args()
    out.rule("[bold]1. Servers")
    servers = None if options.given else EmbeddedServers(options.data_dir)
    began = time.monotonic()
    addresses = given_endpoints(ServerSettings()) if servers is None else servers.up()
    if addresses is None:
        raise SystemExit("--given: neither SAPWOOD_DATABASE_URL nor NEO4J_URI is set")
    out.print(f"PostgreSQL and Neo4j answer after {time.monotonic() - began:.1f} s.")
    with tempfile.TemporaryDirectory(prefix="sapwood-demo-") as folder:
        plan = Plan(
            project=f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            ranks=[926, 986] if options.quick else [901, 926, 951, 976, 986, 1000],
            iterations=80 if options.quick else 250,
            addresses=addresses,
            data_dir=None if servers is None else servers.data_dir,
            log=Path(folder) / "acknowledged.jsonl",
        )
        before, after = kill_and_go_on(plan, random.Random(options.seed))
    out.rule("[bold]4. What was found")
    show_result(plan.ranks, before, after)
    show_browser(plan.project, plan.ranks[-1], addresses, servers)


def kill_and_go_on(plan: Plan, numbers: random.Random) -> tuple[Tree, Tree]:
    """Run the search, kill it, run it again; return the tree in between and at the end."""
    out.rule("[bold]2. A search, killed")
    promised = run_and_kill(plan, numbers)
    before = asyncio.run(stored(plan))
    check_kept(before, acknowledged(plan))
    nodes = len(before) - len(before.roots)
    out.print(
        f"[red]SIGKILL[/] after {promised} acknowledged nodes; {nodes} are stored"
        + (
            ", each as acknowledged."
            if nodes == promised
            else f": all of them, and {nodes - promised} that was durable before the process knew."
        )
    )
    out.rule("[bold]3. The same command again")
    child = start(plan)
    if child.wait() != 0:
        raise SystemExit(f"the second run ended with exit code {child.returncode}")
    after = asyncio.run(stored(plan))
    check_kept(after, acknowledged(plan))
    check_same(before, after)
    check_judged(after)
    known = puzzles()
    same = sum(check_unbroken(after, known[rank], plan.iterations) for rank in plan.ranks)
    out.print(
        f"It went on from {nodes} nodes to {same}: [green]none missing, none double[/]. Searched "
        f"again in memory, without a kill: the same {same} nodes."
    )
    return before, after


if __name__ == "__main__":
    try:
        main()
    except sapwood.SapwoodError as exc:
        raise SystemExit(f"demo: {exc}") from None
