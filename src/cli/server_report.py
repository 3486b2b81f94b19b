"""What `sapwood status` says, as one record. It never holds a password."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from ..errors import SettingsError
from ..servers import Endpoints, ServerSettings, embedded_servers, given_endpoints
from .project_report import ProjectLine  # noqa: TC001

if TYPE_CHECKING:
    from pydantic import SecretStr

    from ..servers import ServersStatus, ServerStatus


class ServerLine(BaseModel):
    """One server. What only embedded servers have is null for given ones."""

    model_config = ConfigDict(frozen=True)

    name: str
    address: str
    healthy: bool
    problem: str | None
    running: bool | None = None
    pid: int | None = None
    version: str | None = None
    data_dir: Path | None = None
    password_file: Path | None = None
    log_file: Path | None = None


class Report(BaseModel):
    """The document of `sapwood status --json`. Keys are only ever added.

    Attributes:
        projects: Null if PostgreSQL cannot be read; then `projects_problem` says why.
        leftovers: Projects of which only the graph holds something.
        graph_problem: Why Neo4j was not asked how far the projects are.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["embedded", "given"]
    healthy: bool
    servers: list[ServerLine]
    browser_url: str | None
    data_dir: Path | None
    sources: dict[str, str]
    projects: list[ProjectLine] | None = None
    leftovers: list[str] | None = None
    projects_problem: str | None = None
    graph_problem: str | None = None

    def as_lines(self) -> str:
        """Plain text, a line a server, for pipes and logs."""
        lines = [
            f"{line.name}\t{'healthy' if line.healthy else line.problem}\t{line.address}"
            for line in self.servers
        ]
        lines += [f"{name}\tfrom {source}" for name, source in self.sources.items()]
        return "\n".join(lines)

    def problem_of(self, name: str) -> str | None:
        """Why a server cannot be asked; `None` if it answers."""
        return next((each.problem for each in self.servers if each.name == name), None)


def read_report(data_dir: Path | None) -> Report:
    """Look at the servers that would be used now."""
    settings = ServerSettings()
    given = given_endpoints(settings)
    if given is not None:
        return _given_report(given)
    status = embedded_servers(settings, data_dir=data_dir).status()
    sources = {
        name: "argument" if name == "data_dir" and data_dir else settings.origin(name)
        for name in ("data_dir", "postgres_port", "neo4j_port", "browser_port")
    }
    return _embedded_report(status, {"servers": "embedded (no address given)", **sources})


def address_of(url: SecretStr) -> str:
    """Host, port and database of a PostgreSQL URL, without user and password."""
    if url_problem(url) is not None:  # what looks like the host may be part of a password
        return "postgresql://(cannot be read)"
    parts = urlsplit(url.get_secret_value())
    host = parts.netloc.rpartition("@")[2] or "(socket)"
    return f"postgresql://{host}{parts.path}"


def url_problem(url: SecretStr) -> str | None:
    """Why a PostgreSQL URL cannot be read safely; `None` if it can."""
    from ..relational.urls import parse_url

    try:
        parse_url(url)
        _ = urlsplit(url.get_secret_value()).port
    except SettingsError as exc:
        return str(exc)
    except ValueError:
        return "the PostgreSQL URL has a port that is no number"
    return None


def _given_report(endpoints: Endpoints) -> Report:
    from ..servers.probe import neo4j_problem, postgres_problem

    problems = {
        # A URL that is misread would send a part of the password to a wrong host, as its name.
        "postgres": url_problem(endpoints.database_url) or postgres_problem(endpoints.database_url),
        "neo4j": neo4j_problem(endpoints),
    }
    addresses = {"postgres": address_of(endpoints.database_url), "neo4j": endpoints.neo4j_uri}
    lines = [
        ServerLine(name=name, address=addresses[name], healthy=problem is None, problem=problem)
        for name, problem in problems.items()
    ]
    return Report(
        kind="given",
        healthy=not any(problems.values()),
        servers=lines,
        browser_url=None,
        data_dir=None,
        sources=dict(endpoints.source),
    )


def _embedded_report(status: ServersStatus, sources: dict[str, str]) -> Report:
    return Report(
        kind="embedded",
        healthy=status.healthy,
        servers=[_line(status.postgres, "postgresql"), _line(status.neo4j, "bolt")],
        browser_url=status.browser_url,
        data_dir=status.data_dir,
        sources=sources,
    )


def _line(server: ServerStatus, scheme: str) -> ServerLine:
    where = "no port yet" if server.port is None else f"{scheme}://127.0.0.1:{server.port}"
    return ServerLine(address=where, **server.model_dump(exclude={"port"}))
