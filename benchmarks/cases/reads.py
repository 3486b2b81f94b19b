"""Reads beside the plain driver, one record a node, and a table of nodes in PostgreSQL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import node_table
from harness import Case, Ratio, seconds
from sources import ROOT, Source, even, prose
from writers import plant

from sapwood import AsyncStorageAdapter
from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sized

    from harness import Bench, Contender, Contenders

BRANCH: Final = 50_000
CHAIN: Final = 10_000
FAN_OUT: Final = 8
SIZE: Final = 500_000
LARGE_BYTES: Final = 100_000

WHOLE: Final = ", ".join(f"n.{name} AS {name}" for name in FIELDS)
ALL: Final = "MATCH (n:Node) WHERE n.project_id = $p AND n.id IS NOT NULL"
OF_ALIVE: Final = "MATCH (n:Node) WHERE n.project_id = $p AND n.status = 'alive'"
BELOW: Final = "MATCH (:Node {project_id: $p, id: $id})-[:PARENT_OF*0..]->(n:Node)"
ABOVE: Final = "MATCH (:Node {project_id: $p, id: $id})<-[:PARENT_OF*1..]-(n:Node)"
ORDER: Final = "ORDER BY n.depth, n.id"
INTEGERS, BY_INDEX = "driver, times as integers", "driver, by the index"
BEST: Final = f"n.score IS NOT NULL RETURN {WHOLE} ORDER BY n.score DESC, n.id LIMIT 100"
BY_SCORE: Final = "MATCH (n:Node) USING INDEX n:Node(project_id, score) WHERE n.project_id = $p"
BEST_BY_SCORE: Final = BEST.replace("ORDER BY", "ORDER BY n.project_id DESC,")
MICROS: Final = "n.created_at.epochMillis * 1000 + n.created_at.microsecond % 1000 AS created_at"
PLAIN: Final = WHOLE.replace("n.created_at AS created_at", MICROS)

TREE: Final = """
One project: a root, under it a branch of 50,000 nodes (fan-out 8), a chain of 10,000, and the rest
(fan-out 8). Contents of 200 bytes, a tenth of the nodes alive, all with a score.
"""
ABOUT_LARGE: Final = f"""
An even tree (fan-out 8), contents of {LARGE_BYTES:,} bytes. A record of 1,000 of its nodes would
have 100 MB, which Neo4j sends slowly (400 MB not at all): there are as many in one as have 16 MB.
"""
ABOUT: Final = f"""{TREE.rstrip()} All sides get the same
columns of the same nodes in the same order; the figure covers a call from its start until the
answer is in Python.

- *sapwood*: the adapter: its barrier (one statement to PostgreSQL), the watermark's lock, columns.
- *driver*: the plain async driver with `neo4j-rust-ext`, the plain statement, one record a node,
  `record.values()` of each. It waits for nothing. *driver, times as integers*: the same, but of a
  time the integer that Sapwood reads, since the driver makes an object of each time itself.
  *driver, by the index*: the best by Sapwood's own way, from the end of the index of scores; the
  plain statement makes Neo4j sort all nodes, and that is what the ratio to it shows.
- *PostgreSQL*: asyncpg on a table of nodes with a primary key (project_id, id) and indexes on
  (project_id, parent_id), (project_id, status) and (project_id, score), analyzed; a recursive CTE
  or an index. It waits for nothing.
"""


class Planted(NamedTuple):
    """Where to read: a project, and nodes of it."""

    store: AsyncStorageAdapter
    branch: str
    chain: list[str]


def forest(nodes: int) -> Source:
    """Return a tree with a branch and a chain under its root."""

    def bush(first: int, size: int) -> list[int]:
        return [first + (at - 1) // FAN_OUT if at else 0 for at in range(size)]

    rest = 1 + BRANCH + CHAIN
    chain = [0, *range(1 + BRANCH, BRANCH + CHAIN)]
    parents = [ROOT, *bush(1, BRANCH), *chain, *bush(rest, nodes - rest)]
    return Source(parents, list(prose(nodes, 200)))


async def planted(bench: Bench, size: int) -> Planted:
    """Return the project of that size and the table beside it, made once a run."""
    return await bench.once(f"reads {size}", partial(make, bench, size))


async def make(bench: Bench, size: int) -> Planted:
    made = await plant(bench, forest(size))
    reader = AsyncStorageAdapter(bench.db, bench.graph, project_id=made.project_id, mode="read")
    store = await bench.stack.enter_async_context(reader)
    await node_table.fill(bench, made.project_id, (await store.load_project()).tree)
    chain = made.ids[1 + BRANCH : 1 + BRANCH + CHAIN]
    return Planted(store, made.ids[1], chain)


@dataclass(frozen=True)
class Read:
    """A read in three ways.

    Attributes:
        find: Sapwood's.
        cypher: What a user of the driver would write.
        sql: The same for the table; empty where there is nothing to compare.
        node_id: Picks the node that it is about.
        knowing: What a user of the driver would write who knows more, by contender.
    """

    find: Callable[[AsyncStorageAdapter, str], Awaitable[Sized]]
    cypher: str
    sql: str
    node_id: Callable[[Planted], str] = lambda _: ""
    knowing: Mapping[str, str] = field(default_factory=dict)


async def load(store: AsyncStorageAdapter, _: str) -> Sized:
    return (await store.load_project()).tree


def top(found: Planted) -> str:
    return found.branch


def at_depth(depth: int) -> Callable[[Planted], str]:
    return lambda found: found.chain[depth - 1]


READS: Final[dict[str, Read]] = {
    "load": Read(
        load,
        f"{ALL} RETURN {WHOLE} {ORDER}",
        "",
        knowing={INTEGERS: f"{ALL} RETURN {PLAIN} {ORDER}"},
    ),
    "subtree": Read(
        lambda store, at: store.subtree(at),
        f"{BELOW} RETURN {WHOLE} {ORDER}",
        node_table.SUBTREE,
        top,
    ),
    "alive-ids": Read(
        lambda store, _: store.alive_nodes(fields=["id"]),
        f"{OF_ALIVE} RETURN n.id AS id {ORDER}",
        node_table.ALIVE,
    ),
    "alive-ids-under": Read(
        lambda store, at: store.alive_nodes(under=at, fields=["id"]),
        f"{BELOW} WHERE n.status = 'alive' RETURN n.id AS id {ORDER}",
        node_table.ALIVE_BELOW,
        top,
    ),
    "alive-under": Read(
        lambda store, at: store.alive_nodes(under=at),
        f"{BELOW} WHERE n.status = 'alive' RETURN {WHOLE} {ORDER}",
        node_table.ALIVE_NODES_BELOW,
        top,
    ),
    "best": Read(
        lambda store, _: store.best_nodes(100),
        f"{ALL} AND {BEST}",
        node_table.BEST,
        knowing={BY_INDEX: f"{BY_SCORE} AND {BEST_BY_SCORE}"},
    ),
    "best-alive": Read(
        lambda store, _: store.best_nodes(100, status="alive"),
        f"{OF_ALIVE} AND {BEST}",
        node_table.BEST_ALIVE,
        knowing={BY_INDEX: f"{BY_SCORE} AND n.status = 'alive' AND {BEST_BY_SCORE}"},
    ),
}
for _depth in (10, 1_000, 10_000):
    READS[f"ancestors-{_depth}"] = Read(
        lambda store, at: store.ancestors(at),
        f"{ABOVE} RETURN {WHOLE} ORDER BY n.depth DESC",
        node_table.ANCESTORS,
        at_depth(_depth),
    )
    READS[f"ancestor-ids-{_depth}"] = Read(
        lambda store, at: store.ancestors(at, fields=["id"]),
        f"{ABOVE} RETURN n.id AS id ORDER BY n.depth DESC",
        node_table.ANCESTOR_IDS,
        at_depth(_depth),
    )


def contenders(bench: Bench, found: Planted, read: Read, times: int) -> Contenders:
    """Return the ways to do a read; each says how many milliseconds it took, so often."""
    store, node_id = found.store, read.node_id(found)

    async def sapwood() -> Sized:
        return await read.find(store, node_id)

    async def driver(cypher: str) -> Sized:
        named: dict[str, Any] = {"p": store.project_id, "id": node_id}
        async with bench.driver.session(database=bench.at.neo4j_database) as session:
            result = await session.run(cypher, named)  # pyright: ignore[reportArgumentType]
            return [record.values() async for record in result]

    async def postgresql() -> Sized:
        values = [store.project_id, node_id] if node_id else [store.project_id]
        rows: list[Any] = await bench.pg.fetch(read.sql, *values)
        return rows

    ways: dict[str, Callable[[], Awaitable[Sized]]] = {
        "sapwood": sapwood,
        "driver": partial(driver, read.cypher),
    }
    ways |= {name: partial(driver, cypher) for name, cypher in read.knowing.items()}
    if read.sql:
        ways["PostgreSQL"] = postgresql
    sizes: set[int] = set()

    def timed(call: Callable[[], Awaitable[Sized]]) -> Contender:
        async def counted() -> None:
            sizes.add(len(await call()))
            assert len(sizes) == 1, f"they found {sizes} nodes"

        async def contender() -> list[float]:
            return [1_000 * await seconds(counted()) for _ in range(times)]

        return contender

    return {name: timed(call) for name, call in ways.items()}


@asynccontextmanager
async def large(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    """Lend the ways to load an even tree of large contents."""
    made = await plant(bench, even(size, content=LARGE_BYTES))
    async with bench.open(made.project_id, mode="read") as store:
        yield contenders(bench, Planted(store, "", []), READS["load"], times=1)


def case(name: str, title: str, *targets: Ratio, times: int = 1, rounds: int = 5) -> Case:
    """Return a read as a case."""

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        yield contenders(bench, await planted(bench, size), READS[name], times)

    return Case(
        name=f"read-{name}",
        title=title,
        unit="ms",
        about=ABOUT,
        prepare=prepare,
        quick={SIZE: rounds},
        full={SIZE: rounds + 2},
        targets=targets,
    )


def driver(
    least: float | None = None,
    aim: float | None = None,
    *,
    peer: str = "driver",
    over: str = "driver, one record a node",
) -> Ratio:
    return Ratio(
        over=f"{over}: times faster",
        ours="sapwood",
        peer=peer,
        inverse=True,
        least=least,
        aim=aim,
    )


def knowing(name: str) -> Ratio:
    return driver(peer=name, over=name)


def sql(over: str, most: float | None = None, aim: float | None = None) -> Ratio:
    return Ratio(over=f"{over}: its time", ours="sapwood", peer="PostgreSQL", most=most, aim=aim)


CTE: Final = "asyncpg, recursive CTE"
INDEX: Final = "asyncpg, index"
CASES = (
    case("load", "load a project as `Tree`", driver(6, 8), knowing(INTEGERS), rounds=2),
    Case(
        name="read-load-large",
        title=f"load a project, contents of {LARGE_BYTES:,} bytes",
        unit="ms",
        about=ABOUT.replace(TREE.rstrip(), ABOUT_LARGE.rstrip()),
        prepare=large,
        quick={1_000: 3},
        full={1_000: 5},
        targets=(driver(),),
    ),
    case("subtree", "subtree of 50,000, with contents", sql(CTE, 1.6, 1.3), times=3),
    case("alive-ids", "alive ids of a project (a tenth)", driver(8), sql(INDEX), times=3),
    case("alive-ids-under", "alive ids under a node, of 50,000", driver(8), sql(CTE), times=5),
    case("alive-under", "alive nodes under a node, of 50,000", driver(8), sql(CTE), times=5),
    case("best", "best 100 of a project", driver(8), knowing(BY_INDEX), sql(INDEX), times=5),
    case(
        "best-alive",
        "best 100 of the alive nodes",
        driver(8),
        knowing(BY_INDEX),
        sql(INDEX),
        times=5,
    ),
    case("ancestors-10", "ancestors at depth 10", sql(CTE), times=20),
    case("ancestors-1000", "ancestors at depth 1,000", sql(CTE, 1.0), times=10),
    case("ancestors-10000", "ancestors at depth 10,000", sql(CTE, 1.0), times=5),
    case("ancestor-ids-10", "ids of the ancestors at depth 10", sql(CTE), times=20),
    case("ancestor-ids-1000", "ids of the ancestors at depth 1,000", sql(CTE, 1.0), times=10),
    case("ancestor-ids-10000", "ids of the ancestors at depth 10,000", sql(CTE, 1.0), times=5),
)
