"""docker-compose.yml as Docker Compose reads it: pinned, closed, kept, bounded, and no secrets."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sapwood.servers.jars import NEO4J_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.compose

ROOT = Path(__file__).parents[2]
PASSWORD = "0nlyOfThisTest"  # noqa: S105
OWN = ("SAPWOOD_", "NEO4J_", "POSTGRES_", "COMPOSE_")


def read(folder: Path, **passwords: str) -> subprocess.CompletedProcess[str]:
    """Let compose read the file with the example's .env, passwords filled in."""
    text = (ROOT / ".env.example").read_text()
    for name, password in passwords.items():
        text = text.replace(f"{name}=\n", f"{name}={password}\n")
    (folder / ".env").write_text(text)
    files = ("--file", str(ROOT / "docker-compose.yml"), "--env-file", str(folder / ".env"))
    return subprocess.run(
        ["docker", "compose", *files, "config", "--format", "json"],
        env={name: value for name, value in os.environ.items() if not name.startswith(OWN)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def services(tmp_path: Path) -> Mapping[str, Any]:
    done = read(tmp_path, POSTGRES_PASSWORD=PASSWORD, NEO4J_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    services: Mapping[str, Any] = json.loads(done.stdout)["services"]
    return services


def test_the_versions_are_the_ones_that_sapwood_is_tested_with(services: Mapping[str, Any]) -> None:
    images = {name: service["image"] for name, service in services.items()}
    assert images == {"postgres": "postgres:18", "neo4j": f"neo4j:{NEO4J_VERSION}-community"}


def test_every_server_is_bounded_checked_kept_and_on_the_loopback_only(
    services: Mapping[str, Any],
) -> None:
    for service in services.values():
        assert int(service["mem_limit"]) > 0
        assert service["healthcheck"]["test"]
        assert {volume["type"] for volume in service["volumes"]} == {"volume"}
        assert all(volume["source"] for volume in service["volumes"])
        assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}


def test_no_service_is_given_a_password_where_an_inspection_shows_it(
    services: Mapping[str, Any],
) -> None:
    assert PASSWORD not in json.dumps(services)


@pytest.mark.parametrize("missing", ["POSTGRES_PASSWORD", "NEO4J_PASSWORD"])
def test_a_missing_password_is_named_together_with_what_to_do(missing: str, tmp_path: Path) -> None:
    given = {"POSTGRES_PASSWORD": PASSWORD, "NEO4J_PASSWORD": PASSWORD}
    del given[missing]
    done = read(tmp_path, **given)
    assert done.returncode != 0
    assert missing in done.stderr
    assert ".env.example" in done.stderr
