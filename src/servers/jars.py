"""Jar locks: which files make up a Java program, by coordinates and SHA-256; and Neo4j's."""

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
_ADVICE = (
    "The first start needs the network once (about 170 MB from the public Maven registry; what was "
    "fetched is kept). Connect and run `sapwood up` again; or set SAPWOOD_MAVEN_MIRROR to a mirror "
    "you can reach; or use servers of your own: SAPWOOD_DATABASE_URL and NEO4J_URI, or "
    "`docker compose up -d --wait`."
)


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


@dataclass(frozen=True, slots=True)
class Bundle:
    """Locked files that are fetched together.

    Attributes:
        name: what they make up, with its version.
        advice: what to do when they cannot be fetched: a sentence or more.
    """

    name: str
    jars: tuple[Jar, ...]
    advice: str


def parse_lock(text: str) -> tuple[Jar, ...]:
    """Read a lock: lines of `group:artifact:version[:classifier] sha256 bytes`, `#` comments."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(_parse_line(line) for line in lines)


def _parse_line(line: str) -> Jar:
    coordinates, sha256, size = line.split()
    group, artifact, version, *classifier = coordinates.split(":")
    return Jar(group, artifact, version, "".join(classifier), sha256, int(size))


@cache
def neo4j_bundle() -> Bundle:
    """The Neo4j whose lock ships with sapwood, its files in the order of their coordinates."""
    text = files("sapwood.servers").joinpath("neo4j.lock").read_text(encoding="utf-8")
    return Bundle(f"Neo4j {NEO4J_VERSION}", parse_lock(text), _ADVICE)
