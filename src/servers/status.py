"""What can be said about the embedded servers at one moment."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations

from pydantic import BaseModel, ConfigDict


class ServerStatus(BaseModel):
    """One server.

    Attributes:
        running: its process is there.
        healthy: it also let us log in and answered.
        problem: why it is not healthy.
        port: the port it listens on, or would try first.
        version: of the program that runs or would run.
        data_dir: where its data is.
        password_file: the file that holds its password.
        log_file: what it printed.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    running: bool
    healthy: bool
    problem: str | None
    pid: int | None
    port: int | None
    version: str | None
    data_dir: Path
    password_file: Path
    log_file: Path


class ServersStatus(BaseModel):
    """Both servers of one data folder."""

    model_config = ConfigDict(frozen=True)

    data_dir: Path
    postgres: ServerStatus
    neo4j: ServerStatus
    browser_url: str | None

    @property
    def healthy(self) -> bool:
        """Both servers run and answer."""
        return self.postgres.healthy and self.neo4j.healthy
