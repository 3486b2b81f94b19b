"""The journal: one transaction a batch, in order, exactly once; and its way back out.

Order, fencing and the chain all come from one row lock: the first statement of a commit updates
the project's row, so whatever follows in that transaction follows the batch before it. No sequence
gives `seq`, because sequence order is not commit order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import text

from .. import failpoints
from ..batch import Registered, Resolution, first_ids, resolve
from ..errors import DivergedError, FencedError, StoreError
from ..journal import NO_CHAIN
from ..model import Receipt
from .entries import Place, append, read_entries, read_receipt, register
from .project_row import Epoch, Head, lock, require_synchronous
from .projects import ProjectRepository
from .rubric_scores import read_rubric_scores
from .scores import first_judge, upsert_scores

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from ..batch import Batch
    from ..journal import Entry, Operations
    from .database import Database

_UNIQUE_VIOLATION: Final = "23505"
# The chain is what `sapwood.journal.link` computes.
_ADVANCE: Final = (
    "UPDATE sapwood.project SET head_seq = head_seq + 1, updated_at = now(), chain ="
    " left(encode(sha256(convert_to(chain || $2, 'UTF8')), 'hex'), 32)"
    " WHERE id = $1 AND epoch = $3 AND owner = $4"
    " RETURNING $5::bigint IS NULL OR EXISTS (SELECT FROM sapwood.journal j"
    " WHERE j.project_id = $1 AND j.seq = $5 AND j.batch_id = $6)"
    " AS follows, head_seq, chain, incarnation, rubric_version, judge,"
    " current_setting('synchronous_commit') AS synchronous_commit"
)
# OFFSET 0 keeps the planner from turning it round: one look into the index for each id. They come
# as one text, as in `entries`.
_REGISTERED: Final = (
    "SELECT found.node_id, found.depth, found.digest, found.content_digest,"
    " coalesce(found.left_out, false)"
    " FROM unnest(string_to_array($2, ',')) AS named (id)"
    " CROSS JOIN LATERAL (SELECT node_id, depth, digest, content_digest, left_out"
    " FROM sapwood.node_ref WHERE project_id = $1 AND node_id = named.id OFFSET 0) AS found"
)
_SET_JUDGE: Final = "UPDATE sapwood.project SET judge = $2 WHERE id = $1 AND judge IS NULL"
_SAVE_STATE: Final = (
    "INSERT INTO sapwood.orchestrator_state (project_id, seq, state)"
    " VALUES ($1, $2, $3) ON CONFLICT (project_id) DO UPDATE"
    " SET seq = excluded.seq, state = excluded.state, updated_at = now()"
)


_CHAIN: Final = "SELECT chain FROM sapwood.journal WHERE project_id = $1 AND seq = $2"
# The entries of one commit are `b.1`, `b.2` …; the last may be `b` itself.
_LINK: Final = text(
    "SELECT j.chain, j.incarnation, EXISTS (SELECT FROM sapwood.journal next"
    " WHERE next.project_id = :project_id AND next.seq = j.seq + 1"
    " AND split_part(next.batch_id, '.', 1) = split_part(j.batch_id, '.', 1)) AS goes_on,"
    " coalesce((SELECT digest FROM sapwood.quarantine"
    " WHERE project_id = :project_id AND seq <= :seq ORDER BY seq DESC, node_id DESC LIMIT 1), '')"
    " AS quarantine FROM sapwood.journal j WHERE j.project_id = :project_id AND j.seq = :seq"
)
_MOVE_HEAD: Final = "UPDATE sapwood.project SET head_seq = $2, chain = $3 WHERE id = $1"


class Link(NamedTuple):
    """What the history up to one position comes to.

    Attributes:
        chain, incarnation: Those of the entry there.
        goes_on: The next entry is of the same commit.
        quarantine: Digest of what is left out up to there.
    """

    chain: str
    incarnation: str
    goes_on: bool
    quarantine: str


class Stored(NamedTuple):
    """A batch that a writer was told is stored, where, and in which creation of the project."""

    seq: int
    batch_id: str
    incarnation: str


class Journal:
    """The journal of each project of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._projects = ProjectRepository(database)

    async def commit(
        self, project_id: str, epoch: Epoch, batch: Batch, after: Stored | None = None
    ) -> Receipt:
        """Store a batch whole, exactly once, in one transaction, as the journal's next entry.

        A batch whose id is in the journal already is not stored again: its receipt is returned.

        Args:
            epoch: The writer's claim.
            batch: The accepted input.
            after: The last batch that this writer was told is stored.

        Cost: five round trips for new nodes: `BEGIN`, row lock, register, new ids and entry,
        `COMMIT`. Scores take three more, a state one, a project's first score one; a batch of
        several entries two, and one an entry. The number does not grow with the batch, the tree or
        the journal.

        Raises:
            FencedError: A newer writer took the project over. Nothing was stored.
            DivergedError: The journal has not what `after` names: it was restored to an earlier
                state. Nothing was stored.
            NotFoundError: There is no such project.
            UnavailableError: PostgreSQL cannot be reached or asks to come again. With
                `unknown_outcome`, ask `outcome` before driving the same batch again.
            StoreError: PostgreSQL refused the batch. Nothing was stored.
        """
        try:
            async with self._database.driver_transaction() as connection:
                receipt = await _store(connection, project_id, epoch, batch, after)
                if receipt is not None:
                    await failpoints.reach(failpoints.FLUSH_BEFORE_COMMIT)
        except StoreError as exc:
            if exc.code != _UNIQUE_VIOLATION:
                raise
            receipt = await self.outcome(project_id, batch.id)
            if receipt is None:
                raise
            return receipt
        if receipt is None:
            return await self._settle(project_id, batch, after)
        await failpoints.reach(failpoints.FLUSH_AFTER_COMMIT)
        return receipt

    async def outcome(self, project_id: str, batch_id: str) -> Receipt | None:
        """Return the receipt of a batch whose outcome is unknown; `None` if it was not stored.

        Waits for a transaction that may still be storing it, so the answer is final. Cost: two
        statements.

        Raises:
            NotFoundError: There is no such project.
        """
        async with self._database.transaction() as connection:
            await lock(connection, project_id)
            return await read_receipt(connection, project_id, batch_id)

    async def entries(
        self, project_id: str, from_seq: int, *, most_rows: int, most_bytes: int
    ) -> list[Entry]:
        """Return entries from position `from_seq` on (included), in order.

        Whole entries, until the next one would exceed a bound; the first always. Empty if there
        is none. Nothing beyond the bounds is transferred. What is in quarantine is left out.
        Cost: one statement, two with a quarantine.

        Args:
            from_seq: First position wanted.
            most_rows: Most graph rows in all; an empty entry counts as one.
            most_bytes: Most bytes of payload in all, unpacked.

        Raises:
            JournalError: An entry is damaged, or of a newer format.
        """
        async with self._database.single_read() as connection:
            return await read_entries(connection, project_id, from_seq, most_rows, most_bytes)

    async def link(self, project_id: str, seq: int) -> Link | None:
        """Return what the journal says at `seq`; `None` if nothing is there. One statement."""
        values = {"project_id": project_id, "seq": seq}
        async with self._database.single_read() as connection:
            row = (await connection.execute(_LINK, values)).one_or_none()
        return None if row is None else Link(*row)

    async def head(self, project_id: str) -> Head:
        """Return where the journal ends: `ProjectRepository.head`."""
        return await self._projects.head(project_id)

    async def registered(self, project_id: str, ids: Iterable[str]) -> dict[str, Registered]:
        """Return what the register knows of `ids`; unknown ones are left out. One statement."""
        async with self._database.driver_read() as connection:
            return await _registered(connection, project_id, list(ids))

    async def _settle(self, project_id: str, batch: Batch, after: Stored | None) -> Receipt:
        """Answer for a batch that found no row of its epoch: stored before, gone, or fenced.

        A journal restored to before this writer's claim has an older epoch. Nobody took it over.
        """
        receipt = await self.outcome(project_id, batch.id)
        if receipt is not None:
            return receipt
        if after is not None and await self._forgot(project_id, after):
            raise _forgotten(project_id, after.seq)
        raise FencedError(project_id, first_ids(batch.items))

    async def _forgot(self, project_id: str, after: Stored) -> bool:
        """Whether the project is the one that had this batch, and has it no more."""
        if await self.outcome(project_id, after.batch_id) is not None:
            return False
        head = await self.head(project_id)
        return head.state != "deleting" and head.incarnation == after.incarnation


async def _store(
    connection: asyncpg.Connection,
    project_id: str,
    epoch: Epoch,
    batch: Batch,
    after: Stored | None,
) -> Receipt | None:
    """Write everything of `batch`; `None`, and nothing written, if the epoch is not current."""
    after_seq, after_id = (None, None) if after is None else (after.seq, after.batch_id)
    found = await connection.fetchrow(
        _ADVANCE, project_id, batch.id, epoch.number, epoch.owner, after_seq, after_id
    )
    if found is None:
        return None
    if not found["follows"]:
        raise _forgotten(project_id, after_seq)
    require_synchronous(found["synchronous_commit"])
    seq: int = found["head_seq"]
    result = resolve(batch, await _registered(connection, project_id, batch.named_ids()))
    new = result.registrations
    if result.scores:
        await register(connection, project_id, new)  # first, since scores refer to it
        new = {}
        version, judge = found["rubric_version"], found["judge"]
        await _store_scores(connection, project_id, version, judge, batch, result)
    if result.state is not None:
        await connection.execute(_SAVE_STATE, project_id, seq, result.state)
    entries = result.operations()
    receipt = Receipt(
        seq=seq + len(entries) - 1,
        nodes=result.nodes,
        statuses=result.statuses,
        prunes=result.prunes,
        scores=len(result.scores),
        rejected=tuple(result.rejected),
    )
    place = Place(project_id, seq, batch.id, found["chain"], found["incarnation"], epoch.number)
    if len(entries) > 1:
        place = await _append_all_but_last(connection, place, batch.id, entries)
    await append(connection, place, entries[-1], receipt, new)
    return receipt


async def _append_all_but_last(
    connection: asyncpg.Connection, place: Place, batch_id: str, entries: list[Operations]
) -> Place:
    """Append the earlier entries of a batch; return the place of the last, which is the batch's.

    That one bears the batch's own id and its receipt, so that the batch is looked up by it.
    """
    chain = await connection.fetchval(_CHAIN, place.project_id, place.seq - 1)
    place = place._replace(seq=place.seq - 1, chain=chain or NO_CHAIN)
    for number, operations in enumerate(entries[:-1], start=1):
        place = place.next(f"{batch_id}.{number}")
        await append(connection, place, operations, Receipt(seq=place.seq))
    place = place.next(batch_id)
    await connection.execute(_MOVE_HEAD, place.project_id, place.seq, place.chain)
    return place


async def _registered(
    connection: asyncpg.Connection, project_id: str, ids: list[str]
) -> dict[str, Registered]:
    if not ids:
        return {}
    found = await connection.fetch(_REGISTERED, project_id, ",".join(ids))
    return {node_id: Registered(*entry) for node_id, *entry in found}


async def _store_scores(
    connection: asyncpg.Connection,
    project_id: str,
    rubric_version: int | None,
    judge: str | None,
    batch: Batch,
    result: Resolution,
) -> None:
    """Store the scores, then put what they make of `rubric_score` into the graph's half."""
    await upsert_scores(connection, project_id, result.scores)
    if judge is None and (judge := first_judge(batch, result)) is not None:
        await connection.execute(_SET_JUDGE, project_id, judge)
    if judge is None or rubric_version is None:
        return
    nodes = sorted({score.node_id for score in result.scores})
    values = await read_rubric_scores(connection, project_id, rubric_version, judge, nodes)
    for node_id, value in values.items():
        result.set(node_id, {"rubric_score": value})


def _forgotten(project_id: str, seq: int | None) -> DivergedError:
    return DivergedError(
        f"project {project_id!r}: PostgreSQL no longer has the batch at position {seq} that it had "
        "acknowledged to this writer; it was restored to an earlier state. Nothing more was "
        "stored. Restore the newer state, or open the project again and go on from what is there."
    )
