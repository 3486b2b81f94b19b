"""Java's class cache: nothing of a killed training stays, and no innocent cache is discarded."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sapwood.servers.class_cache import ClassCache, end_leftovers
from sapwood.servers.errors import StartError
from sapwood.servers.folder import DataFolder
from sapwood.servers.java import Java
from sapwood.servers.neo4j import Neo4jServer
from sapwood.servers.neo4j_install import Neo4jInstall
from sapwood.servers.neo4j_settings import MAIN_CLASS
from sapwood.servers.neo4j_start import finish_start
from sapwood.servers.ports import FixedPorts, PortBook

if TYPE_CHECKING:
    from pathlib import Path


def test_the_server_and_the_data_of_a_killed_training_are_removed(tmp_path: Path) -> None:
    home = tmp_path / ".training-killed"
    (home / "neo4j").mkdir(parents=True)
    DataFolder(home).marker.touch()
    java = tmp_path / "java"
    java.symlink_to("/bin/sh")
    arguments = [MAIN_CLASS, f"--home-dir={home / 'neo4j'}"]
    with subprocess.Popen(
        [java, "-c", "echo up; read end", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as left:
        assert left.stdout is not None
        assert left.stdout.readline() == "up\n"
        try:
            end_leftovers(tmp_path)
            assert left.poll() is not None
        finally:
            left.kill()
    assert not home.exists()


def test_a_start_that_fails_without_the_class_cache_too_leaves_the_cache(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    program = tmp_path / "java"
    program.write_text('#!/bin/sh\ncat "${1#@}"; echo no; exit 1\n')
    program.chmod(0o755)
    java = Java(program, "25.0.2", "a Java that always fails")
    install = Neo4jInstall(java, (), ClassCache(tmp_path, java, ()))
    install.class_cache.path.touch()
    server = Neo4jServer(folder, PortBook(folder.ports, FixedPorts()))
    server.launch(install)
    with pytest.raises(StartError, match="ended while it was starting"):
        finish_start(server, install, lambda: install)
    assert install.class_cache.usable() is not None
    starts = folder.log("neo4j").read_text().split("no\n")[:-1]
    assert ["-XX:AOTCache=" in start for start in starts] == [True, False]
