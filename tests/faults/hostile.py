"""Puts hostile values through every field of every call, in a process that they may not end.

    python hostile.py SERVERS_FILE PROJECT rust|python

Each value is refused with nothing queued, or comes back from both stores as it was. `python` blocks
the driver's extension, so that the driver packs with its own code.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if sys.argv[3:] == ["python"]:
    vars(sys)["modules"]["neo4j._rust"] = None  # before anything imports the driver

import neo4j._codec.packstream.v1 as packing

from sapwood import (
    AsyncStorageAdapter,
    Database,
    Graph,
    Node,
    NodeStatus,
    Principle,
    PrincipleScore,
    Rubric,
    RubricChanges,
    ValidationError,
)
from sapwood.relational import PrincipleScoreRepository, ProjectRepository

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def nested(levels: int, make: Callable[[Any], Any]) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = make(value)
    return value


HUGE: Final = 1 << 20
TEXTS: Final[tuple[Any, ...]] = (
    "", "\0", "a\0b", "\ud800", "a\udfffb", "\u202eright to left\u202c", "zero\u200bwidth\ufeff",
    "'; DROP TABLE sapwood.journal; --", '"}) DETACH DELETE n //', "`}) RETURN 1 //", "$project_id",
    ":project_id %(x)s {x} $1", "back\\slash \\u0000 \\x00 \\", "line\r\nfeed\rreturn\ttab",
    "line\u2028and\u2029paragraph", "👩‍👩‍👧‍👦 👍🏽", "e\u0301 and \u00e9",
    "\u0001\x1b[31m\x7f\u0085",
    " blanks ", "\ufffe\uffff", "a" * 256,
    "🌳" * 64, "🌳" * 65, "a" * 65_536, "🌳" * 16_384, "🌳" * 16_385,
    "a" * (HUGE - 2), "a" * HUGE, "🌳" * (HUGE // 4 + 1),
)  # fmt: skip
"""Around every limit: 256 bytes of a judge, 64 KiB of a reason, 1 MiB of a content."""
NUMBERS: Final[tuple[Any, ...]] = (
    0.0, -0.0, 5e-324, 1.7976931348623157e308, 0.1, math.nan, math.inf, -math.inf, 10**400,
    2**53 + 1,    2**63 - 1, 2**63, -(2**63), -(2**63) - 1, True,
)  # fmt: skip
OTHERS: Final[tuple[Any, ...]] = (
    nested(64, lambda inner: [inner]), nested(65, lambda inner: {"k": inner}),
    nested(1_000_000, lambda inner: [inner]), nested(1_000_000, lambda inner: {"k": inner}),
    {1, 2}, b"bytes", {1: 2}, object(), 1j, [()],
)  # fmt: skip
VALUES: Final = TEXTS + NUMBERS + OTHERS


class Bench:
    """A store, and where the stores beneath it are asked."""

    def __init__(self, store: AsyncStorageAdapter, db: Database, principle_id: str) -> None:
        self.store = store
        self.projects = ProjectRepository(db)
        self.scores = PrincipleScoreRepository(db)
        self.principle_id = principle_id

    async def node(self, **fields: Any) -> None:
        given: dict[str, Any] = {"id": "n", "content": ""} | fields
        await self.store.save_nodes_batch([Node(**given)])

    async def score(self, **fields: Any) -> None:
        given: dict[str, Any] = {"node_id": "root", "principle_id": self.principle_id, "judge": "j"}
        await self.store.update_scores_batch([PrincipleScore(**(given | fields))])

    async def stored(self, name: str) -> Any:
        found = await self.scores.for_nodes(self.store.project_id, ["root"])
        return [getattr(each, name) for each in found]

    async def read(self, name: str) -> Any:
        return getattr(await self.store.node("root"), name)


async def node_id(bench: Bench, value: Any) -> Any:
    fresh = Node(id=value, content="")
    await bench.store.save_nodes_batch([fresh])
    return (await bench.store.node(fresh.id)).id


async def parent(bench: Bench, value: Any) -> Any:
    fresh = Node(parent_id=value, content="")
    await bench.store.save_nodes_batch([fresh])
    return (await bench.store.node(fresh.id)).parent_id


async def content(bench: Bench, value: Any) -> Any:
    fresh = Node(content=value)
    await bench.store.save_nodes_batch([fresh])
    return (await bench.store.node(fresh.id)).content


async def attribute(bench: Bench, value: Any) -> Any:
    await bench.node(id="root", attributes={"k": value})
    return (await bench.read("attributes"))["k"]


async def attribute_key(bench: Bench, value: Any) -> Any:
    await bench.node(id="root", attributes={value: 1})
    return next(iter(await bench.read("attributes")))


async def status_reason(bench: Bench, value: Any) -> Any:
    await bench.node(id="root", status_reason=value)
    return await bench.read("status_reason")


async def reason(bench: Bench, value: Any) -> Any:
    await bench.store.update_status_batch({"root": NodeStatus.ALIVE}, reason=value)
    return await bench.read("status_reason")


async def prune(bench: Bench, value: Any) -> Any:
    await bench.store.prune("root", reason=value)
    pruned = await bench.read("status_reason")
    await bench.store.update_status_batch({"root": NodeStatus.ALIVE})
    return pruned


async def number(bench: Bench, value: Any) -> Any:
    await bench.node(id="root", score=value)
    return await bench.read("score")


async def iteration(bench: Bench, value: Any) -> Any:
    fresh = Node(content="", iteration=value)
    await bench.store.save_nodes_batch([fresh])
    return (await bench.store.node(fresh.id)).iteration


async def principle_score(bench: Bench, value: Any) -> Any:
    await bench.score(score=value)
    await bench.store.flush()
    return (await bench.stored("score"))[0]


async def rationale(bench: Bench, value: Any) -> Any:
    await bench.score(score=1.0, rationale=value)
    await bench.store.flush()
    return (await bench.stored("rationale"))[0]


async def failure(bench: Bench, value: Any) -> Any:
    await bench.score(judge="fails", failure=value)
    await bench.store.flush()
    return (await bench.stored("failure"))[0]


async def judge(bench: Bench, value: Any) -> Any:
    await bench.score(judge=value, score=1.0)
    await bench.store.flush()
    text = value.decode() if isinstance(value, bytes) else value
    return text if text in await bench.stored("judge") else None


async def state(bench: Bench, value: Any) -> Any:
    await bench.store.save_state(value)
    return await bench.store.load_state()


async def state_key(bench: Bench, value: Any) -> Any:
    await bench.store.save_state({value: 1})
    return next(iter(await bench.store.load_state()))


async def principle_text(bench: Bench, value: Any) -> Any:
    changed = await bench.store.rubrics.new_version(RubricChanges(texts={"text": value}))
    return (await bench.store.rubrics.get(changed.version or 0))["text"].text


async def principle_key(bench: Bench, value: Any) -> Any:
    saved = await bench.store.rubrics.save(Rubric(principles=(Principle(key=value),)))
    return saved.principles[0].key


FIELDS: Final[tuple[Callable[[Bench, Any], Awaitable[Any]], ...]] = (
    node_id, parent, content, attribute, attribute_key, status_reason, reason, prune, number,
    iteration, principle_score, rationale, failure, judge, state, state_key, principle_text,
    principle_key,
)  # fmt: skip


def same(found: Any, given: Any) -> bool:
    """Whether a value came back as it was, or as the record made of it: bytes text, True 1.0."""
    if isinstance(given, bytes):
        given = given.decode()
    if isinstance(found, float):
        return repr(found) == repr(float(given))
    if isinstance(given, (float, bool)) and type(found) is int:
        return found == given
    return json.dumps(found) == json.dumps(given)


async def try_all(bench: Bench) -> tuple[int, int]:
    kept = refused = 0
    for field in FIELDS:
        for at, value in enumerate(VALUES):
            if field in (attribute_key, state_key) and not isinstance(value, Hashable):
                continue  # Python has no such dictionary
            try:
                found = await field(bench, value)
            except ValidationError as refusal:
                refused += 1
                assert len(str(refusal)) < 500, (field.__name__, at)  # noqa: PT017
                assert repr(bench.store).endswith(", 0 pending>"), (field.__name__, at)
                continue
            except Exception as exc:
                raise AssertionError(f"{field.__name__} of value {at}: {exc!r:.300}") from None
            kept += 1
            assert same(found, value), (field.__name__, at)
            await bench.store.flush()
    return kept, refused


async def main(given: dict[str, str], project_id: str, packer: str) -> None:
    assert (vars(packing)["_rust_pack"] is not None) == (packer == "rust")
    db = Database(given["database_url"])
    graph = Graph(given["neo4j_uri"], auth=(given["username"], given["password"]))
    async with AsyncStorageAdapter(db, graph, project_id=project_id) as store:
        saved = await store.rubrics.save(Rubric(principles=(Principle(key="k"),)))
        await store.save_nodes_batch([Node(id="root", content="")])
        await store.flush()
        kept, refused = await try_all(Bench(store, db, saved["k"].id))
        assert (await store.verify()).ok, "the journal has them otherwise than the graph"
        await store.rebuild_graph()
        assert (await store.verify()).ok, "the journal does not give them back"
    await graph.close()
    await db.close()
    print("kept", kept, "refused", refused)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3]))
