"""The jar lock: which files make up Neo4j, by coordinates and SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NEO4J_VERSION = "2026.08.1"
BROWSER_ARTIFACT = "neo4j-browser"
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Its name, unique within the lock."""
        classifier = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{classifier}.jar"

    @property
    def coordinates(self) -> str:
        parts = (self.group, self.artifact, self.version, self.classifier)
        return ":".join(part for part in parts if part)

    def matches(self, path: Path) -> bool:
        """Say whether the file is there and has the locked hash. Reads all of it."""
        try:
            if path.stat().st_size != self.size:
                return False
            digest = hashlib.sha256()
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
        except OSError:
            return False
        return digest.hexdigest() == self.sha256


def parse_lock(text: str) -> tuple[Jar, ...]:
    """Read a lock: lines of `group:artifact:version[:classifier] sha256 bytes`, `#` comments."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(_parse_line(line) for line in lines)


def _parse_line(line: str) -> Jar:
    coordinates, sha256, size = line.split()
    group, artifact, version, *classifier = coordinates.split(":")
    return Jar(group, artifact, version, "".join(classifier), sha256, int(size))


@cache
def lock_text() -> str:
    """The lock that ships with sapwood."""
    return files("sapwood.servers").joinpath("neo4j.lock").read_text(encoding="utf-8")


@cache
def locked_jars() -> tuple[Jar, ...]:
    """The files of the shipped lock, in the order of their coordinates."""
    return parse_lock(lock_text())


@cache
def lock_hash() -> str:
    """A short name for exactly this set of files."""
    return hashlib.sha256("".join(jar.sha256 for jar in locked_jars()).encode()).hexdigest()[:12]
