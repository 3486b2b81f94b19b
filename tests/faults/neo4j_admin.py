"""Neo4j's own dumps: `neo4j-admin database dump` and `load`, as its launcher would run them."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sapwood.servers.folder import default_cache_dir
from sapwood.servers.neo4j_install import ensure_install
from sapwood.servers.progress import Progress

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import EmbeddedServers

MAIN_CLASS = "org.neo4j.cli.AdminTool"


def dump(servers: EmbeddedServers, folder: Path) -> None:
    """Dump the graph into `folder`. Neo4j Community can do that while it is stopped alone."""
    _run(servers, "dump", f"--to-path={folder}")


def load(servers: EmbeddedServers, folder: Path) -> None:
    """Put the dump of `folder` into the place of the graph."""
    _run(servers, "load", f"--from-path={folder}", "--overwrite-destination")


def _run(servers: EmbeddedServers, command: str, *options: str) -> None:
    home = servers.data_dir / "neo4j"
    install = ensure_install(default_cache_dir(), mirror=None, progress=Progress(shown=False))
    done = subprocess.run(
        [
            str(install.java.program), f"@{home / 'conf' / 'java.args'}", MAIN_CLASS,
            "database", command, "neo4j", *options,
        ],
        env={**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
