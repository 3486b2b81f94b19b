"""The table of `sapwood status` on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from .server_report import Report, ServerLine


def print_table(report: Report) -> None:
    """Print the servers, then where each setting came from."""
    console = Console()
    console.print(_servers(report))
    if report.browser_url:
        console.print(Text(f"Browser  {report.browser_url}"))
    if report.data_dir:
        console.print(Text(f"Data     {report.data_dir}"), soft_wrap=True)
    console.print(_sources(report))
    if not report.healthy and report.kind == "embedded":
        console.print(Text("Start them with `sapwood up`."))


def _servers(report: Report) -> Table:
    table = Table("Server", "State", "Address", "Version", "Process")
    for line in report.servers:
        table.add_row(
            line.name,
            _state(line),
            Text(line.address),
            line.version or "",
            str(line.pid or ""),
        )
    return table


def _state(line: ServerLine) -> Text:
    if line.healthy:
        return Text("healthy", style="green")
    return Text(line.problem or "unknown", style="red")


def _sources(report: Report) -> Table:
    table = Table("Setting", "From")
    for name, source in report.sources.items():
        table.add_row(name, Text(source))
    return table
