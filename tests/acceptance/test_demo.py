"""The demo and the example it kills, as a user runs them: in processes of their own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

    from ..conftest import RunCypher, RunSql

pytestmark = pytest.mark.once
EXAMPLES = Path(__file__).parents[2] / "examples"


def run(data_dir: Path, program: str, *arguments: str, **environment: str) -> str:
    """Run an example on the tests' servers, in a terminal 200 wide; return what it printed."""
    command = [sys.executable, str(EXAMPLES / program), "--data-dir", str(data_dir)]
    done = subprocess.run(
        [*command, *arguments],
        env={**os.environ, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_demo_kills_its_search_and_goes_on_without_a_node_missing_or_double(
    servers: Endpoints, servers_dir: Path, run_cypher: RunCypher, seed: int
) -> None:
    nowhere = {"SAPWOOD_DATABASE_URL": "postgresql://localhost:1/x", "NEO4J_URI": "bolt://[::1]:1"}
    shown = await asyncio.to_thread(
        run, servers_dir, "demo.py", "--quick", "--seed", str(seed), **nowhere
    )
    killed = re.search(r"SIGKILL after (\d+) acknowledged nodes; (\d+) are stored", shown)
    went_on = re.search(r"from (\d+) nodes to (\d+): none missing, none double", shown)
    assert killed is not None
    assert went_on is not None
    assert 0 < int(killed[1]) <= int(killed[2]) == int(went_on[1]) < int(went_on[2]) == 160
    counts = re.search(r"160 nodes: (\d+) alive  (\d+) pruned  (\d+) complete", shown)
    assert counts is not None
    assert sum(map(int, counts.groups())) == 160
    assert re.search(r"=24  complete, score 1.00", shown)
    assert re.search(r"\d+ nodes/s stored", shown)
    assert f"address   {servers.browser_url}" in shown
    password = re.search(r"password  in (.+)", shown)
    assert password is not None
    secret = servers.neo4j_password.get_secret_value()
    assert (await asyncio.to_thread(Path(password[1]).read_text)).strip() == secret
    assert secret not in shown
    query = re.search(r"query     (.+)", shown)
    assert query is not None
    assert len(await run_cypher(query[1])) == 81  # a path to each of the puzzle's nodes and root


def test_the_demo_runs_on_given_servers_as_it_does_on_its_own(
    servers: Endpoints, servers_dir: Path
) -> None:
    given = {
        "SAPWOOD_DATABASE_URL": servers.database_url.get_secret_value(),
        "NEO4J_URI": servers.neo4j_uri,
        "NEO4J_USERNAME": servers.neo4j_username,
        "NEO4J_PASSWORD": servers.neo4j_password.get_secret_value(),
    }
    shown = run(servers_dir, "demo.py", "--quick", "--given", **given)
    assert "to 160: none missing, none double" in shown
    assert f"that of the Neo4j at {servers.neo4j_uri}" in shown
    assert "password  in environment NEO4J_PASSWORD" in shown
    assert servers.neo4j_password.get_secret_value() not in shown


@pytest.mark.parametrize("algorithm", ["standard-mcts", "ab-mcts-a"])
def test_the_example_finds_what_it_stored_and_searches_on(
    servers_dir: Path, project_id: str, algorithm: str
) -> None:
    arguments = ["--ranks", "1,926", "--project", project_id, "--algorithm", algorithm]
    for iterations in ("20", "40", "40"):
        shown = run(servers_dir, "game24.py", *arguments, "--iterations", iterations)
        assert re.findall(rf"│ {iterations}  +│", shown) == [f"│ {iterations}    │"] * 2


def counts(shown: str) -> dict[str, tuple[int, int]]:
    """Return how many scores the example evaluated and reused, by principle."""
    rows = re.findall(r"│ ([a-z-]+) +│ +([\d,]+) │ +([\d,]+) │ +[\d-]+ ?%? │", shown)
    return {key: (number(evaluated), number(reused)) for key, evaluated, reused in rows}


def number(text: str) -> int:
    return int(text.replace(",", ""))


async def test_the_example_evaluates_a_changed_principle_alone_and_nothing_twice(
    servers_dir: Path, project_id: str, run_sql: RunSql
) -> None:
    def game(*arguments: str) -> str:
        options = ("--ranks", "1,926", "--iterations", "150", "--project", project_id)
        return run(servers_dir, "game24.py", *options, *arguments)

    async def stored() -> int:
        asked = "SELECT count(*) FROM sapwood.principle_score WHERE project_id = $1"
        [(count,)] = await run_sql(asked, project_id)
        return int(count)

    shown = await asyncio.to_thread(game)
    others = ("reachable", "numbers-left", "factors")
    assert counts(shown) == dict.fromkeys((*others, "distance"), (300, 0))
    assert "evaluated 1,200, reused 0 (0 % saved)" in shown
    assert await stored() == 1_200

    shown = await asyncio.to_thread(game, "--revise", "distance")
    assert counts(shown) == {**dict.fromkeys(others, (0, 300)), "distance": (300, 0)}
    assert "rubric version 2" in shown
    assert "evaluated 300, reused 900 (75 % saved)" in shown
    assert await stored() == 1_500

    for again, version in (("--revise", "distance"), 2), ((), 3), (("--revise", "distance"), 4):
        shown = await asyncio.to_thread(game, *again)
        assert f"rubric version {version}" in shown
        assert "evaluated 0, reused 1,200 (100 % saved)" in shown
        assert await stored() == 1_500
