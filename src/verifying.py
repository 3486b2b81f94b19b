"""Holding the graph against the journal: node by node, with the memory of digests."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from .model import Difference, NodeStatus, Verification
from .nodes import FIELDS
from .replica import Replica

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .graph import Guard, Watermark
    from .journal import Entry
    from .relational import Head
    from .session import Session

PAGE: Final = 1_000
MOST_NAMED: Final = 100
"""Differences that are named; further ones are counted."""
_READ_ROWS, _READ_BYTES = 20_000, 32 << 20
_HASHED = frozenset({"content", "attributes", "status_reason"})
_MODULUS = 1 << 128


async def verify(
    session: Session, on_progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Compare a project's graph with the fold of its journal. See `AsyncStorageAdapter.verify`."""
    began = await session.barrier.ask(lambda: session.projects.head(session.project_id))
    audit = _Audit(session.project_id)
    last = ""
    while True:
        page, more = await _read_page(session, began, audit, last)
        audit.compare(page, last, full=more)
        if on_progress is not None:
            on_progress(audit.graph_nodes, len(audit.journal.nodes))
        if not more:
            return audit.verdict()
        last = page[-1][0]["id"]


async def _read_page(
    session: Session, began: Head, audit: _Audit, last: str
) -> tuple[list[Any], bool]:
    """Read the next nodes, and bring the replica to the very position that they were read at.

    Returns:
        The nodes, and whether there may be more.
    """

    applied = 0

    async def query(guard: Guard) -> tuple[list[Any], bool]:
        async def judge(mark: Watermark | None) -> int:
            nonlocal applied
            applied = await guard(mark)
            return applied

        return await session.nodes.audit_page(session.project_id, judge, after=last, limit=PAGE)

    async def read_journal() -> list[Entry]:
        return await session.journal.entries(
            session.project_id,
            audit.journal.seq + 1,
            most_rows=_READ_ROWS,
            most_bytes=_READ_BYTES,
        )

    page = await session.barrier.read(query, began)
    while audit.journal.seq < applied:
        for entry in await session.barrier.ask(read_journal, drain=False):
            if entry.seq <= applied:
                audit.journal.apply(entry)
    return page


class _Audit:
    """What was compared so far.

    Attributes:
        journal: The tree that the graph has to hold, long texts as digests.
        graph_nodes: Nodes found in the graph.
    """

    def __init__(self, project_id: str) -> None:
        self._project_id = project_id
        self.journal = Replica(value=_kept)
        self.graph_nodes = 0
        self._journal_nodes = 0
        self._graph_digest = 0
        self._journal_digest = 0
        self._differences: list[Difference] = []
        self._found = 0
        self._ids: list[str] = []

    def compare(self, page: list[Any], last: str, *, full: bool) -> None:
        """Compare the nodes whose ids follow `last`, up to the page's last one or, else, all."""
        stored = {values["id"]: (values, labels, edges) for values, labels, edges in page}
        upto = page[-1][0]["id"] if full else None
        wanted = self._between(last, upto)
        for node_id in sorted(stored.keys() | wanted):
            self._compare_node(node_id, stored.get(node_id))
        self.graph_nodes += len(stored)
        self._journal_nodes += len(wanted)

    def _between(self, last: str, upto: str | None) -> set[str]:
        """Return the journal's ids after `last`, up to `upto` included."""
        if len(self.journal.nodes) > len(self._ids):
            self._ids.extend(islice(self.journal.nodes, len(self._ids), None))
            self._ids.sort()
        start = bisect_left(self._ids, last + "\0")
        end = len(self._ids) if upto is None else bisect_left(self._ids, upto + "\0")
        return set(self._ids[start:end])

    def _compare_node(self, node_id: str, found: tuple[Any, Any, Any] | None) -> None:
        known = self.journal.nodes.get(node_id)
        wanted = None if known is None else _as_stored(self._project_id, known)
        actual = None if found is None else _as_read(*found)
        self._journal_digest += _digest(wanted)
        self._graph_digest += _digest(actual)
        if wanted == actual:
            return
        for problem in _problems(wanted, actual):
            self._found += 1
            if len(self._differences) < MOST_NAMED:
                self._differences.append(Difference(node_id=node_id, problem=problem))

    def verdict(self) -> Verification:
        """Return what was found."""
        return Verification(
            project_id=self._project_id,
            seq=self.journal.seq,
            journal_nodes=self._journal_nodes,
            graph_nodes=self.graph_nodes,
            journal_digest=f"{self._journal_digest % _MODULUS:032x}",
            graph_digest=f"{self._graph_digest % _MODULUS:032x}",
            found=self._found,
            differences=tuple(self._differences),
        )


def _kept(field: str, value: Any) -> Any:
    if field in _HASHED and isinstance(value, str):
        return hashlib.blake2b(value.encode(errors="surrogatepass"), digest_size=16).digest()
    return value


def _as_stored(project_id: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return how the graph has to hold a node of the journal."""
    values = {name: value for name, value in known.items() if value is not None}
    parent = known["parent_id"]
    return {
        **values,
        "project_id": project_id,
        "node labels": sorted(["Node", NodeStatus(known["status"]).node_label]),
        "parent edges": [] if parent is None else [[parent, project_id, known["id"]]],
    }


def _as_read(values: dict[str, Any], labels: list[str], edges: list[Any]) -> dict[str, Any]:
    kept = {name: _kept(name, value) for name, value in values.items() if value is not None}
    return {**kept, "node labels": sorted(labels), "parent edges": sorted(edges, key=repr)}


def _digest(node: dict[str, Any] | None) -> int:
    """Digest a node; the sum over all nodes does not depend on their order."""
    if node is None:
        return 0
    text = orjson.dumps(node, default=repr, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(hashlib.blake2b(text, digest_size=16).digest())


def _problems(wanted: dict[str, Any] | None, actual: dict[str, Any] | None) -> Iterator[str]:
    """Say what differs, in names alone: no contents."""
    if actual is None:
        yield "is not in the graph"
    elif wanted is None:
        yield "is in the graph, and not in the journal"
    else:
        for name in (*FIELDS, "project_id", "node labels", "parent edges"):
            if wanted.get(name) != actual.get(name):
                yield f"has other {name}" if " " in name else f"has another {name}"
        foreign = sorted(actual.keys() - wanted.keys() - {*FIELDS})
        if foreign:
            yield f"has properties that sapwood does not write: {', '.join(foreign)}"
