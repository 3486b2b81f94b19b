"""Reads the statements of `cypher/`: one a file, its description above it.

A file starts with a header of comments, each `// key: text`, continued by lines that are indented:

    // lineage.children: the children of a node        its key and purpose, always first
    // $node_id: text                                  a parameter, its type and unit
    // row: …                                          what a row of the result holds
    // nothing: …                                      what "nothing found" looks like
    // mode: read                                      read, write or schema
    // repeatable: yes                                 may it run twice with the same effect
    // plan: Eager, …                                  the costly operators of its plan, and why
    // note: …                                         what else a reader should know

The header is for readers and tests; only the statement below it is sent to the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from typing import LiteralString

REQUIRED = ("row", "nothing", "mode", "repeatable")

# Taking the lock is one clause and reading under it are the next ones, which Neo4j runs in this
# order: it reads what is committed when it gets there, so what the lock was waited for is seen.
# It is the lock that an apply takes. Giving a node the label that it has takes it too, and there is
# nothing to commit: a property that is written, if only with the value that it has, makes every
# read a transaction in the log, which a full disk refuses.
_UNDER_LOCK: LiteralString = """\
MATCH (w:Watermark {project_id: $project_id})
SET w:Watermark
WITH w
WITH [
  w.applied, w.chain, w.incarnation, w.state, w.under_way, coalesce(w.quarantine, '')
] AS mark
OPTIONAL CALL (mark) {
%s
}
RETURN *"""


@dataclass(frozen=True, slots=True)
class Statement:
    """One file of `cypher/`.

    Attributes:
        key: `lineage.children` for `cypher/lineage/children.cypher`.
        parameters: Names of its parameters, without `$`, with type and unit.
        about: The header's other entries: `row`, `nothing`, `mode`, `repeatable`, `plan`, `note`.
        text: The statement.
    """

    key: str
    purpose: str
    parameters: dict[str, str]
    about: dict[str, str]
    text: LiteralString


@cache
def statement(key: str) -> Statement:
    """Return the statement of that key, read once.

    Source: the file `cypher/<subject>/<name>.cypher` for the key `<subject>.<name>`.
    """
    subject, name = key.split(".")
    path = files("sapwood.cypher") / subject / f"{name}.cypher"
    return parse(key, path.read_text(encoding="utf-8"))


@cache
def under_lock(key: str) -> LiteralString:
    """Return the reading statement of that key within one that first locks the watermark.

    A statement of two clauses more, and not two statements more: a read is one round trip, so that
    asking for one node takes a third of the time.
    """
    return _UNDER_LOCK % statement(key).text


def parse(key: str, source: str) -> Statement:
    """Part a file into header and statement.

    Raises:
        ValueError: The header is not as described above: the installation is broken.
    """
    lines = source.splitlines()
    end = next((at for at, line in enumerate(lines) if not line.startswith("//")), len(lines))
    about = _header(lines[:end])
    if next(iter(about), None) != key or any(name not in about for name in REQUIRED):
        raise ValueError(f"cypher file {key}: the header is incomplete; install sapwood again")
    purpose = about.pop(key)
    parameters = {name[1:]: about.pop(name) for name in list(about) if name.startswith("$")}
    # The one place where text becomes a statement: it comes from this package's own files.
    text = cast("LiteralString", "\n".join(lines[end:]).strip())  # type: ignore[redundant-cast]
    return Statement(key, purpose, parameters, about, text)


def _header(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in lines:
        content = line.removeprefix("//")
        if content.startswith("   ") and name:
            entries[name] += " " + content.strip()
        elif content.strip():
            name, _, text = content.strip().partition(": ")
            entries[name] = text
    return entries
