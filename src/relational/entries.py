"""Journal entries as rows: how one is appended, and how a bounded run of them is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import orjson
from sqlalchemy import text

from ..journal import FORMAT, Entry, link, pack, plain_size, unpack
from ..model import Receipt
from ..quarantine import Quarantine
from .quarantine_rows import read_quarantine

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection

    from ..batch import Registered
    from ..journal import Operations

# Ids and digests run together, since the driver looks at each element of an array: 2 µs a node in
# all. No id has a comma; a digest has 16 bytes.
_REGISTER: Final = (
    "INSERT INTO sapwood.node_ref (project_id, node_id, depth, digest, content_digest)"
    " SELECT $1, id, depth, substring($4::bytea FROM at::int * 16 - 15 FOR 16),"
    " substring($5::bytea FROM at::int * 16 - 15 FOR 16)"
    " FROM unnest(string_to_array($2, ','), string_to_array($3, ',')::int[])"
    " WITH ORDINALITY AS new (id, depth, at)"
)
_APPEND: Final = (
    "WITH registered AS (INSERT INTO sapwood.node_ref (project_id, node_id, depth, digest,"
    " content_digest)"
    " SELECT $1, id, depth, substring($14::bytea FROM at::int * 16 - 15 FOR 16),"
    " substring($15::bytea FROM at::int * 16 - 15 FOR 16)"
    " FROM unnest(string_to_array($12, ','), string_to_array($13, ',')::int[])"
    " WITH ORDINALITY AS new (id, depth, at))"
    " INSERT INTO sapwood.journal (project_id, seq, batch_id, chain, incarnation, epoch,"
    " format, payload, crc, receipt, rows) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
_RECEIPT: Final = text(
    "SELECT receipt FROM sapwood.journal WHERE project_id = :project_id AND batch_id = :batch_id"
)
# Walks from entry to entry and stops at the bound, so that a long journal costs no more than what
# is returned; a missing entry does not stop it, because whoever applies must see the gap. An empty
# entry counts as a row, so that a refused one can be had alone.
_ENTRIES: Final = text(
    "WITH RECURSIVE picked AS ("
    " (SELECT seq, CAST(greatest(rows, 1) AS bigint) AS all_rows,"
    " CAST(octet_length(payload) AS bigint) AS all_bytes"
    " FROM sapwood.journal WHERE project_id = :project_id AND seq >= :from_seq"
    " ORDER BY seq LIMIT 1)"
    " UNION ALL"
    " SELECT next.seq, p.all_rows + greatest(next.rows, 1), p.all_bytes + next.bytes FROM picked p"
    " CROSS JOIN LATERAL (SELECT seq, rows, octet_length(payload) AS bytes FROM sapwood.journal"
    " WHERE project_id = :project_id AND seq > p.seq ORDER BY seq LIMIT 1) next"
    " WHERE p.all_rows + greatest(next.rows, 1) <= CAST(:most_rows AS bigint)"
    " AND p.all_bytes + next.bytes <= CAST(:most_bytes AS bigint))"
    " SELECT j.seq, j.batch_id, j.chain, j.incarnation, j.format, j.payload, j.crc,"
    " EXISTS (SELECT FROM sapwood.quarantine WHERE project_id = :project_id) AS filtered"
    " FROM picked JOIN sapwood.journal j ON j.project_id = :project_id AND j.seq = picked.seq"
    " ORDER BY j.seq"
)


class Place(NamedTuple):
    """Where an entry stands in a project's chain; before the first, `seq` 0 and no batch id."""

    project_id: str
    seq: int
    batch_id: str
    chain: str
    incarnation: str
    epoch: int

    def next(self, batch_id: str) -> Place:
        """Return the place after this one."""
        chain = link(self.chain, batch_id)
        return self._replace(seq=self.seq + 1, batch_id=batch_id, chain=chain)


async def append(
    connection: asyncpg.Connection,
    place: Place,
    operations: Operations,
    receipt: Receipt,
    new: Mapping[str, Registered] | None = None,
) -> None:
    """Insert one entry, and new ids with it; the caller holds the project's lock. One statement."""
    payload, crc = pack(operations)
    kept = orjson.dumps(receipt.model_dump()).decode()
    values = (*place, FORMAT, payload, crc, kept, operations.rows)
    await connection.execute(_APPEND, *values, *_columns(new or {}))


async def register(
    connection: asyncpg.Connection, project_id: str, new: Mapping[str, Registered]
) -> None:
    """Insert new ids into the register, without an entry. Cost: one statement, none for no ids."""
    if new:
        await connection.execute(_REGISTER, project_id, *_columns(new))


async def read_receipt(
    connection: AsyncConnection, project_id: str, batch_id: str
) -> Receipt | None:
    """Return what was stored under a batch id; `None` if nothing was. Cost: one statement."""
    values = {"project_id": project_id, "batch_id": batch_id}
    receipt = await connection.scalar(_RECEIPT, values)
    return None if receipt is None else Receipt.model_validate(receipt)


async def read_entries(
    connection: AsyncConnection, project_id: str, from_seq: int, most_rows: int, most_bytes: int
) -> list[Entry]:
    """Return what `Journal.entries` promises. Cost: one statement, two with a quarantine."""
    values = {
        "project_id": project_id,
        "from_seq": from_seq,
        "most_rows": most_rows,
        "most_bytes": most_bytes,
    }
    entries: list[Entry] = []
    plain_bytes = 0
    rows = (await connection.execute(_ENTRIES, values)).all()
    quarantine = Quarantine()
    if any(row.filtered for row in rows):
        quarantine = await read_quarantine(connection, project_id)
    for row in rows:
        operations = unpack(row.seq, row.format, row.payload, row.crc)
        # What packs well may be a thousand times as large in memory, here and in Neo4j.
        size = plain_size(row.payload)
        plain_bytes += size
        if entries and plain_bytes > most_bytes:
            break
        place = (row.seq, row.batch_id, row.chain, row.incarnation)
        if row.filtered:
            operations = quarantine.filter(row.seq, operations)
        left_out, before = quarantine.at(row.seq), quarantine.digest(row.seq - 1)
        entries.append(Entry(*place, operations, size, left_out, before))
    return entries


def _columns(new: Mapping[str, Registered]) -> tuple[str, str, bytes, bytes]:
    """Return ids, depths and both digests of new nodes, each run together."""
    known = new.values()
    return (
        ",".join(new),
        ",".join(str(each.depth) for each in known),
        b"".join(each.digest for each in known),
        b"".join(each.content_digest for each in known),
    )
