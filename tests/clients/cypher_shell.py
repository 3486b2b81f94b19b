"""cypher-shell for the tests: its locked jars, on the Java that runs Neo4j.

The registry has it up to 5.26; that release talks to the newer servers too. After a change of
`VERSION`, `python -m tests.clients.cypher_shell` makes the lock anew; it needs Maven.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from sapwood.servers.download import ensure_jars
from sapwood.servers.folder import default_cache_dir
from sapwood.servers.guard import one_at_a_time
from sapwood.servers.jars import Bundle, parse_lock
from sapwood.servers.java import find_java
from sapwood.servers.lock import make_lock

VERSION = "5.26.30"
MAIN_CLASS = "org.neo4j.shell.Main"
LOCK = Path(__file__).with_name("cypher_shell.lock")
HEADER = f"""\
# cypher-shell {VERSION} with all that it needs at run time, for the tests alone.
# Made by `python -m tests.clients.cypher_shell`; do not edit by hand.
# group:artifact:version[:classifier] sha256 bytes
"""
ADVICE = (
    "The tests fetch it once (45 MB from the public Maven registry; what was fetched is kept). "
    "Connect and run them again."
)
# It lives for a second: an optimising compiler and a parallel collector would only delay it.
FLAGS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "--enable-native-access=ALL-UNNAMED",
)


def install_cypher_shell(folder: Path) -> None:
    """Put a program `cypher-shell` into a folder; fetch its jars if they are not in the cache."""
    bundle = Bundle(f"cypher-shell {VERSION}", parse_lock(LOCK.read_text()), ADVICE)
    cache = default_cache_dir() / f"cypher-shell-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(cache / "lock"):
        jars = ensure_jars(cache, bundle, mirror=None, report=lambda _done, _total: None)
    class_path = ":".join(map(str, jars))
    command = shlex.join([str(find_java().program), *FLAGS, "-cp", class_path, MAIN_CLASS])
    program = folder / "cypher-shell"
    program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    program.chmod(0o755)


if __name__ == "__main__":
    LOCK.write_text(make_lock([("org.neo4j", "cypher-shell", VERSION)], HEADER), encoding="utf-8")
    sys.stdout.write(f"wrote {LOCK}\n")
