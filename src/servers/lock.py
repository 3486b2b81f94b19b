"""For maintainers: make `neo4j.lock` anew with Maven's client (`python -m sapwood.servers.lock`).

Maven decides what a program needs; users never need Maven. Change the versions below (and
`jars.NEO4J_VERSION`), run this in a checkout, and read the difference before committing it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .jars import NEO4J_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

_ROOTS = (
    ("org.neo4j", "neo4j", NEO4J_VERSION),
    ("org.neo4j.app", "neo4j-server", NEO4J_VERSION),
    ("org.neo4j.client", "neo4j-browser", "5.24.0"),
)
_HEADER = f"""\
# Neo4j Community {NEO4J_VERSION} and Neo4j Browser 5.24.0 with all that they need at run time.
# Made by `python -m sapwood.servers.lock`; do not edit by hand.
# group:artifact:version[:classifier] sha256 bytes
"""


def make_lock(roots: Iterable[tuple[str, str, str]], header: str) -> str:
    """Ask Maven for all that some artifacts need at run time, and hash each file.

    Args:
        roots: (group, artifact, version).
        header: comment lines to begin with.

    Cost: seconds to minutes.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "pom.xml").write_text(_pom(roots), encoding="utf-8")
        _maven(work, "dependency:list", f"-DoutputFile={work / 'list'}")
        _maven(
            work,
            "dependency:copy-dependencies",
            "-Dmdep.useRepositoryLayout=true",
            f"-DoutputDirectory={work / 'jars'}",
        )
        listed = (work / "list").read_text(encoding="utf-8").splitlines()
        lines = [_line(work / "jars", line.split()[0]) for line in listed if ":jar:" in line]
    return header + "".join(f"{line}\n" for line in sorted(lines))


def _pom(roots: Iterable[tuple[str, str, str]]) -> str:
    wanted = "".join(
        f"<dependency><groupId>{escape(group)}</groupId><artifactId>{escape(artifact)}"
        f"</artifactId><version>{escape(version)}</version></dependency>"
        for group, artifact, version in roots
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>sapwood</groupId><artifactId>lock</artifactId><version>1</version>"
        f"<packaging>pom</packaging><dependencies>{wanted}</dependencies></project>"
    )


def _maven(work: Path, *arguments: str) -> None:
    program = shutil.which("mvn")
    if program is None:
        raise SystemExit("mvn was not found; install Maven to make the lock.")
    subprocess.run(
        [program, "-q", "-B", *arguments, "-DincludeScope=runtime"], cwd=work, check=True
    )


def _line(jars: Path, listed: str) -> str:
    """Turn Maven's `group:artifact:jar[:classifier]:version:scope` into a line of the lock."""
    group, artifact, _, *classifier, version, _ = listed.split(":")
    name = "-".join([artifact, version, *classifier])
    content = (jars / group.replace(".", "/") / artifact / version / f"{name}.jar").read_bytes()
    coordinates = ":".join([group, artifact, version, *classifier])
    return f"{coordinates} {hashlib.sha256(content).hexdigest()} {len(content)}"


if __name__ == "__main__":
    target = Path(__file__).with_name("neo4j.lock")
    target.write_text(make_lock(_ROOTS, _HEADER), encoding="utf-8")
    sys.stdout.write(f"wrote {target}\n")
