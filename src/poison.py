"""Which items of a project's next entry Neo4j refuses: tried, and always rolled back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ConflictError, StoreError
from .graph import GraphWriter, rows_of
from .history import History
from .journal import Entry, Operations, fold
from .quarantine import What
from .relational import Journal, ProjectRepository
from .settings import APPLY_BYTES, APPLY_ROWS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Iterable, Sequence

    from .graph import ApplyTransaction
    from .journal import Fold, Prune
    from .stores import Stores

Item = tuple[What, dict[str, Any]]
"""A row of an entry, and what it is."""


class Poison(NamedTuple):
    """One thing that Neo4j refuses.

    Attributes:
        refusal: What Neo4j answered; never a content.
        below: How many nodes the entry creates below this one; they cannot be without it.
    """

    node_id: str
    what: What
    refusal: str
    below: int


class Search(NamedTuple):
    """What came of a search.

    Attributes:
        seq: The position that was tried; `None` if the graph has everything.
        poison: What is refused, in the order of the entry.
        refusal: What Neo4j answers to the rest, or to all, though it refuses no item alone.
        tries: How many transactions were tried.
    """

    seq: int | None
    poison: list[Poison]
    refusal: str | None
    tries: int


async def find_poison(stores: Stores, project_id: str) -> Search:
    """Find what Neo4j refuses in the entry that follows the graph. Changes nothing.

    Halves the entry, parents first, so that an item is never without its parent: one refused item
    in n takes about log2(n) tries, each in a transaction that is rolled back, under the lock of
    the project's watermark. What Neo4j refuses only as it commits passes every try.

    Raises:
        NotFoundError: There is no such project.
        DivergedError: Graph and journal tell different histories.
        JournalError: The entry itself is damaged.
        ConflictError: Somebody applied it meanwhile, so this project is not stalled.
        UnavailableError: A store does not answer.
    """
    journal, writer = Journal(stores.db), GraphWriter(stores.graph)
    head = await ProjectRepository(stores.db).head(project_id)
    mark = await writer.watermark(project_id)
    if mark is None or mark.state != "open":
        raise ConflictError(
            f"project {project_id!r}: its graph is not open; `sapwood verify {project_id}` lets it "
            "catch up first"
        )
    history = History(project_id, head.incarnation, journal)
    await history.check_incarnation(mark)
    await history.check_chain(mark.applied, mark.chain, mark.quarantine, mark.under_way)
    entries = await journal.entries(
        project_id, mark.applied + 1, most_rows=1, most_bytes=APPLY_BYTES
    )
    if not entries:
        return Search(None, [], None, 0)
    return await _Trial(writer, project_id, history, entries[0]).search()


class _Trial:
    """Tries parts of one entry on the graph as it is."""

    def __init__(
        self, writer: GraphWriter, project_id: str, history: History, entry: Entry
    ) -> None:
        self._writer = writer
        self._project_id = project_id
        self._history = history
        self._entry = entry
        self._tries = 0

    async def search(self) -> Search:
        """Find everything that is refused."""
        prune = self._entry.operations.prune
        if prune is not None:
            refusal = await self._prune_refusal(prune)
            poison = [] if refusal is None else [Poison(prune.node_id, "prune", str(refusal), 0)]
            return self._found(poison)
        poison, left = list[Poison](), _items(self._entry.operations)
        while (refusal := await self._refusal(left)) is not None:
            at, refusal = await self._first_refused(left, refusal)
            alone = await self._refusal(_with_ancestors(left, at))
            if alone is None and refusal.too_big:
                return self._found(poison, refusal)
            what, row = left[at]
            rest = _without(left, at)
            below = len(left) - len(rest) - 1
            poison.append(Poison(row["id"], what, str(alone or refusal), below))
            left = rest
        return self._found(poison)

    def _found(self, poison: list[Poison], whole: StoreError | None = None) -> Search:
        refusal = None if whole is None else str(whole)
        return Search(self._entry.seq, poison, refusal, self._tries)

    async def _first_refused(
        self, items: Sequence[Item], refusal: StoreError
    ) -> tuple[int, StoreError]:
        """Return the first item with which those up to it are refused, and how they are."""
        accepted, refused = 0, len(items)
        while refused - accepted > 1:
            middle = (accepted + refused) // 2
            answer = await self._refusal(items[:middle])
            if answer is None:
                accepted = middle
            else:
                refused, refusal = middle, answer
        return refused - 1, refusal

    async def _refusal(self, items: Sequence[Item]) -> StoreError | None:
        """Return how Neo4j refuses to write these items; `None` if it does not."""
        async with self._transaction() as transaction:
            return await _answer(transaction.write(rows_of(_fold(self._entry.seq, items))))

    async def _prune_refusal(self, prune: Prune) -> StoreError | None:
        """Return how Neo4j refuses to close some of these nodes; `None` if it closes all."""
        async with self._transaction() as transaction:
            ids = await transaction.alive_below(prune.node_id)
        for start in range(0, len(ids), APPLY_ROWS):
            part = ids[start : start + APPLY_ROWS]
            async with self._transaction() as transaction:
                refusal = await _answer(transaction.close(part, prune.reason))
            if refusal is not None:
                return refusal
        return None

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[ApplyTransaction]:
        """Open a transaction where the entry would be next; nothing ever commits it."""
        self._tries += 1
        async with self._writer.apply(self._project_id) as transaction:
            mark = transaction.watermark
            if mark is None or mark.state != "open" or not self._history.fits(mark, [self._entry]):
                raise ConflictError(
                    f"project {self._project_id!r}: its graph moved on meanwhile; look again"
                )
            yield transaction


async def _answer(writing: Awaitable[None]) -> StoreError | None:
    try:
        await writing
    except StoreError as exc:
        if exc.retryable:
            raise
        return exc
    return None


def _items(operations: Operations) -> list[Item]:
    creates: list[Item] = [("node", row) for row in operations.creates]
    return [*creates, *(("change", row) for row in operations.sets)]


def _fold(seq: int, items: Iterable[Item]) -> Fold:
    creates = [row for what, row in items if what == "node"]
    sets = [row for what, row in items if what == "change"]
    return fold([Entry(seq, "", "", "", Operations(creates, sets))])


def _with_ancestors(items: Sequence[Item], at: int) -> list[Item]:
    """Return an item with those above it, in order; parents come before their children."""
    found = [items[at]]
    for what, row in reversed(items[:at]):
        if what == "node" == found[0][0] and found[0][1]["parent_id"] == row["id"]:
            found.insert(0, (what, row))
    return found


def _without(items: Sequence[Item], at: int) -> list[Item]:
    """Return the items without one of them, and without what is created below it."""
    what, top = items[at]
    out = {top["id"]} if what == "node" else set[str]()
    rest: list[Item] = []
    for number, (kind, row) in enumerate(items):
        if number == at:
            continue
        if kind == "node" and row["parent_id"] in out:
            out.add(row["id"])
        else:
            rest.append((kind, row))
    return rest
