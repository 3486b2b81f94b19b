"""The journal's entries: what the graph has to do, how it is written down, how it folds.

An entry is the graph's half of one committed batch. Entries are numbered without gaps from 1 in
commit order (`seq`) and chained: each carries a digest of all batch ids up to it, so that whoever
applies them can prove that nothing is missing and nothing is foreign.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import zstandard

from .errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FORMAT = 1
"""Version of the payload. A reader refuses newer ones; older ones are read for ever."""
MOST_PAYLOAD_BYTES = 64 << 20
"""Most bytes a payload may unpack to: far above any batch, far below a machine's memory."""


class Prune(NamedTuple):
    """Close a subtree: each alive node of it becomes pruned; the others stay as they are.

    The operation is journalled, not its extent: that is whatever is alive below the node at this
    position, so nobody has to read the graph to commit it.
    """

    node_id: str
    reason: str | None


@dataclass(slots=True)
class Operations:
    """Graph writes in normal form: creates parents first, then sets of existing nodes; or a prune.

    Attributes:
        creates: A row a node: `id`, `parent_id`, `depth` and its other properties.
        sets: A row a node: `id` and the properties that change; `None` removes a property.
        prune: Stands alone, so that it can be applied in chunks that may be repeated.
    """

    creates: list[dict[str, Any]] = field(default_factory=list)
    sets: list[dict[str, Any]] = field(default_factory=list)
    prune: Prune | None = None

    @property
    def rows(self) -> int:
        """How many rows the graph has to write, as far as that is known before."""
        return len(self.creates) + len(self.sets) + (self.prune is not None)


@dataclass(frozen=True, slots=True)
class Entry:
    """One committed batch, as the graph needs it.

    Attributes:
        seq: Its position, from 1.
        chain: Digest of the batch ids from position 1 up to this one: `link` of the entry before.
        incarnation: Random mark of this creation of the project.
        size: Bytes of the payload, unpacked.
        left_out: Ids of the nodes of which something is in quarantine from this position on;
            `operations` are without what is.
        before: Digest of what is in quarantine at the positions before this one, as it was when
            this entry was read. It says what was left out of `operations`.
    """

    seq: int
    batch_id: str
    chain: str
    incarnation: str
    operations: Operations
    size: int = 0
    left_out: tuple[str, ...] = ()
    before: str = ""


NO_CHAIN = ""
"""The chain of a journal without entries."""


def link(chain: str, batch_id: str) -> str:
    """Return the chain after a batch: 16 bytes of SHA-256 over the chain before it and its id.

    The names of two neighbours would not do: after a restore of PostgreSQL, a batch of unknown
    outcome may be driven again and land at the position it had, behind another batch than
    before. `tests/model` finds that. PostgreSQL computes the same in the row lock's statement.
    """
    return hashlib.sha256((chain + batch_id).encode()).hexdigest()[:32]


def pack(operations: Operations) -> tuple[bytes, int]:
    """Return the payload of format 1, and its CRC-32: JSON, compressed with zstandard."""
    document: dict[str, Any] = {"creates": operations.creates, "sets": operations.sets}
    if operations.prune is not None:
        document["prune"] = [*operations.prune]
    payload = zstandard.ZstdCompressor(level=1).compress(orjson.dumps(document))
    return payload, zlib.crc32(payload)


def unpack(seq: int, version: int, payload: bytes, crc: int) -> Operations:
    """Return what `pack` was given.

    Raises:
        JournalError: The payload is damaged, or of a format this release does not know.
    """
    if version > FORMAT:
        raise JournalError(
            f"journal position {seq} has format {version}, written by a newer release; this one "
            f"reads up to {FORMAT}. Upgrade sapwood on this machine."
        )
    if zlib.crc32(payload) != crc:
        raise JournalError(
            f"journal position {seq} is damaged: its checksum differs. Restore PostgreSQL from a "
            "backup; the graph is rebuilt from there."
        )
    try:
        return _read(payload)
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as exc:
        raise JournalError(
            f"journal position {seq} is no entry that sapwood wrote, although its checksum is "
            f"right ({type(exc).__name__}). Restore PostgreSQL from a backup; the graph is "
            "rebuilt from there."
        ) from exc


def _read(payload: bytes) -> Operations:
    if plain_size(payload) > MOST_PAYLOAD_BYTES:
        raise ValueError("more than any batch")  # the header's size would be allocated unseen
    plain = zstandard.ZstdDecompressor().decompress(payload, max_output_size=MOST_PAYLOAD_BYTES)
    document = orjson.loads(plain)
    creates, sets, prune = document["creates"], document["sets"], document.get("prune")
    for row in (*creates, *sets):
        if not isinstance(row["id"], str):
            raise TypeError("a node id is a text")
    return Operations(creates, sets, None if prune is None else Prune(*prune))


def plain_size(payload: bytes) -> int:
    """Return how many bytes a payload unpacks to, as its header says."""
    return zstandard.frame_content_size(payload)


@dataclass(slots=True)
class Fold:
    """Consecutive entries as one set of writes: creates in order, last-wins sets.

    A row of `creates` gets `seq`, the position of the entry that made the node.
    """

    creates: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows the graph has to write."""
        return len(self.creates) + len(self.sets)

    def add(self, entry: Entry) -> None:
        """Fold the entry that follows those added before."""
        for row in entry.operations.creates:
            self.creates[row["id"]] = {**row, "seq": entry.seq}
        for row in entry.operations.sets:
            created = self.creates.get(row["id"])
            if created is not None:
                created.update(row)
            else:
                self.sets.setdefault(row["id"], {}).update(row)


def run(entries: Sequence[Entry]) -> list[Entry]:
    """Return the first entries that can be applied at once: a prune is applied by itself."""
    return list(takewhile(lambda entry: entry.operations.prune is None, entries)) or [*entries[:1]]


def fold(entries: Iterable[Entry]) -> Fold:
    """Return the writes that bring the graph over all of `entries`, no prune, at once."""
    result = Fold()
    for entry in entries:
        result.add(entry)
    return result
