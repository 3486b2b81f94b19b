"""The golden files: where they are, and what is in them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sapwood.journal import Entry, Operations, Prune, unpack

FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """One row of table `journal`, and what it means.

    Attributes:
        operations: `creates`, `sets` and, if it is one, `prune`, as readable JSON.
    """

    seq: int
    batch_id: str
    chain: str
    rows: int
    payload: bytes
    crc: int
    operations: dict[str, Any]

    def entry(self, version: int, incarnation: str) -> Entry:
        """Return the entry as this release reads it."""
        found = unpack(self.seq, version, self.payload, self.crc)
        return Entry(self.seq, self.batch_id, self.chain, incarnation, found)

    def expected(self) -> Operations:
        """Return what `unpack` has to return."""
        prune = self.operations.get("prune")
        pruned = None if prune is None else Prune(*prune)
        return Operations(self.operations["creates"], self.operations["sets"], pruned)


@dataclass(frozen=True)
class Golden:
    """A journal of one format.

    Attributes:
        nodes: What it comes to: values by field, by id; a value that a node has not is left out.
    """

    version: int
    incarnation: str
    rows: list[Row]
    nodes: dict[str, dict[str, Any]]

    def entries(self) -> list[Entry]:
        """Return all entries as this release reads them."""
        return [row.entry(self.version, self.incarnation) for row in self.rows]


def path_of(version: int) -> Path:
    """Return where the file of a format is, or has to be."""
    return FOLDER / f"journal-{version}.json"


def read(path: Path) -> Golden:
    """Read a golden file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = [Row(payload=base64.b64decode(row.pop("payload")), **row) for row in document["rows"]]
    return Golden(document["format"], document["incarnation"], rows, document["nodes"])


def write(path: Path, golden: Golden) -> None:
    """Write a golden file.

    Raises:
        FileExistsError: It is there already, and is never to change.
    """
    document = {
        "format": golden.version,
        "incarnation": golden.incarnation,
        "rows": [
            {**vars(row), "payload": base64.b64encode(row.payload).decode()} for row in golden.rows
        ],
        "nodes": golden.nodes,
    }
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=1) + "\n")
