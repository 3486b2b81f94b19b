"""Both servers in containers, at ports that stay when they are killed and started again."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr
from testcontainers.community.neo4j import Neo4jContainer
from testcontainers.community.postgres import PostgresContainer

from sapwood.servers import Endpoints, FixedPorts
from sapwood.servers.jars import NEO4J_VERSION
from sapwood.servers.ports import PortBook
from sapwood.servers.probe import neo4j_problem, postgres_problem

from .leftovers import LABEL, run_name

if TYPE_CHECKING:
    from pathlib import Path

    from testcontainers.core.container import DockerContainer

POSTGRES_IMAGE = "postgres:18"
NEO4J_IMAGE = f"neo4j:{NEO4J_VERSION}-community"
_READY_S = 120


@dataclass(frozen=True, slots=True)
class Containers:
    """Two containers that run, and the way to them."""

    postgres: DockerContainer
    neo4j: DockerContainer
    endpoints: Endpoints

    def kill(self, name: str) -> None:
        """Kill the container of that name, as an out-of-memory killer would."""
        self._docker(name).kill()

    def stop(self, name: str) -> None:
        """Stop the container of that name and wait until it has ended."""
        self._docker(name).stop()

    def start(self, name: str) -> None:
        """Start the container again and wait until its server answers."""
        self._docker(name).start()
        deadline = time.monotonic() + _READY_S
        while (problem := self._problem(name)) is not None:
            assert time.monotonic() < deadline, f"{name}: {problem}"
            time.sleep(0.1)

    def end(self) -> None:
        """Remove both, with their data."""
        for container in (self.postgres, self.neo4j):
            container.stop()

    def _problem(self, name: str) -> str | None:
        if name == "neo4j":
            return neo4j_problem(self.endpoints)
        return postgres_problem(self.endpoints.database_url)

    def _docker(self, name: str) -> Any:
        container: DockerContainer = getattr(self, name)
        return container.get_wrapped_container()


def start_containers(folder: Path) -> Containers:
    """Start both at once; `folder` remembers their ports. All or nothing runs afterwards."""
    ports = PortBook(folder / "ports.json", FixedPorts())
    password = secrets.token_hex(16)
    postgres = PostgresContainer(
        POSTGRES_IMAGE, username="sapwood", password=password, dbname="sapwood", driver=None
    ).with_bind_ports(5432, ports.claim("postgres"))
    neo4j = (
        Neo4jContainer(NEO4J_IMAGE, username="neo4j", password=password)
        .with_bind_ports(7687, ports.claim("neo4j"))
        .with_env("NEO4J_server_memory_heap_max__size", "512m")
    )
    _start_all(postgres, neo4j)
    return Containers(postgres, neo4j, _endpoints(postgres, neo4j))


def _start_all(*containers: DockerContainer) -> None:
    with ThreadPoolExecutor() as pool:
        starts = [
            pool.submit(container.with_kwargs(labels={LABEL: run_name()}).start)
            for container in containers
        ]
    errors = [error for start in starts if (error := start.exception()) is not None]
    if errors:
        for container in containers:
            container.stop()
        raise errors[0]


def _endpoints(postgres: PostgresContainer, neo4j: Neo4jContainer) -> Endpoints:
    return Endpoints(
        database_url=SecretStr(postgres.get_connection_url()),
        neo4j_uri=neo4j.get_connection_url(),
        neo4j_username=neo4j.username,
        neo4j_password=SecretStr(neo4j.password),
        neo4j_database="neo4j",
        browser_url=None,
        source={},
    )
