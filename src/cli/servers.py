"""`sapwood up`, `down` and `status`: the servers that keep the trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, DataDir  # noqa: TC001 - typer reads the annotations
from .printing import UNHEALTHY

if TYPE_CHECKING:
    from ..servers import Endpoints, ServersStatus

ProjectId = Annotated[
    str | None, typer.Argument(metavar="PROJECT", help="Only this project, in full.")
]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(up)
    app.command()(down)
    app.command()(status)


def up(data_dir: DataDir = None) -> None:
    """Start the embedded PostgreSQL and Neo4j, or say which given servers are used."""
    from ..servers import ServerSettings, embedded_servers, given_endpoints

    settings = ServerSettings()
    given = given_endpoints(settings)
    if given is not None:
        typer.echo("Servers are given, so none is started:")
        _echo_given(given)
        typer.echo("Unset both addresses to use embedded servers.")
        return
    servers = embedded_servers(settings, data_dir=data_dir)
    typer.echo("Starting PostgreSQL and Neo4j …", err=True)
    servers.up(progress=True)
    _echo_embedded(servers.status(), "" if data_dir is None else f" --data-dir {data_dir}")


def down(data_dir: DataDir = None) -> None:
    """Stop the embedded servers. Their data stays."""
    from ..servers import ServerSettings, embedded_servers

    servers = embedded_servers(ServerSettings(), data_dir=data_dir)
    stopped = servers.down()
    what = "Stopped" if stopped else "Nothing runs"
    typer.echo(f"{what}. The data is in {servers.data_dir}.")


def status(
    project_id: ProjectId = None, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Show the servers, where each setting came from, and the projects; or one project in full.

    Looks only: starts, makes and applies nothing. Ends with 3 if a server does not answer; for
    one project, if something is not applied, stalled, diverged or under way.
    """
    from .status import project_status, servers_status

    if project_id is None:
        healthy = servers_status(data_dir, as_json=as_json)
    else:
        healthy = project_status(project_id, data_dir, as_json=as_json)
    if not healthy:
        raise typer.Exit(UNHEALTHY)


def _echo_given(endpoints: Endpoints) -> None:
    from .server_report import address_of

    typer.echo(
        f"  PostgreSQL  {address_of(endpoints.database_url)}  "
        f"(from {endpoints.source['database_url']})"
    )
    typer.echo(f"  Neo4j       {endpoints.neo4j_uri}  (from {endpoints.source['neo4j_uri']})")


def _echo_embedded(status: ServersStatus, option: str) -> None:
    postgres, neo4j = status.postgres, status.neo4j
    lines = (
        f"PostgreSQL {postgres.version} on 127.0.0.1:{postgres.port}",
        "  user sapwood, database sapwood",
        f"  password in {postgres.password_file}",
        f"Neo4j {neo4j.version} on bolt://127.0.0.1:{neo4j.port}",
        f"  Browser at {status.browser_url}, user neo4j",
        f"  password in {neo4j.password_file}",
        f"Data in {status.data_dir}. Stop both with `sapwood down{option}`.",
    )
    typer.echo("\n".join(lines))
