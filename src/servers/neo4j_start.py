"""Waiting for Neo4j's start, and starting it once more where that can help."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import StartError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .neo4j import Neo4jServer
    from .neo4j_install import Neo4jInstall

_TRIES = 3

_log = logging.getLogger("sapwood.servers.neo4j")


def finish_start(
    server: Neo4jServer, install: Neo4jInstall | None, get_install: Callable[[], Neo4jInstall]
) -> Neo4jInstall | None:
    """Wait for a Neo4j; start it again after a lost port, a bad class cache, or its late end.

    One whose database has stopped itself is restarted, too.

    Args:
        install: with what it was launched; None if it ran already.
        get_install: asked if one that ran already was ending.

    Returns:
        With what it was launched in the end; None if it went on running.

    Raises:
        ServerError: it does not start.
    """
    suspicion: str | None = None
    for attempt in range(1, _TRIES + 1):
        try:
            server.wait()
        except StartError as exc:
            if attempt < _TRIES and server.halted():
                _log.warning("Neo4j's database had stopped itself; restarting Neo4j")
                server.require_room()
                server.end()
                install = install or get_install()
            elif attempt == _TRIES or server.running():
                raise
            elif install is None:
                _log.info("Neo4j was ending; starting it again")
                install = get_install()
            elif not server.lost_port():
                if suspicion is not None or install.class_cache.usable() is None:
                    raise
                suspicion, install = str(exc), replace(install, with_class_cache=False)
            server.launch(install)
        else:
            # Others share the class cache: it is to blame only if all is well without it.
            if install is not None and suspicion is not None:
                install.class_cache.discard(suspicion)
            return install
    raise AssertionError  # pragma: no cover - the loop returns or raises
