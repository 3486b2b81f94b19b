"""A filled database of an earlier revision is brought up to date with everything in it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import asyncpg
import pytest
from alembic import command
from sqlalchemy import text

from sapwood import ClassScale, Database, LabeledSample, NumberScale
from sapwood.batch import Resolution, resolve
from sapwood.journal import pack
from sapwood.relational import Journal, LabeledSampleRepository, schema
from sapwood.sample_drafts import draft_sample
from sapwood.values import digest_content

from .building import batch, node
from .test_database import own_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from sapwood.servers import Endpoints

LONG = "".join(random.Random(4).choices("äöüßéèçñøå", k=4000))
"""A name that no key can hold."""
UPGRADE_LOCK = 8318817281653172594
_PROJECT = text(
    "INSERT INTO sapwood.project (id, incarnation, head_seq, chain)"
    " VALUES (:p, 'mark', :head, repeat('c', 32))"
)
_NODE = text("INSERT INTO sapwood.node_ref VALUES (:p, :id, :depth, :digest)")
_ENTRY = text(
    "INSERT INTO sapwood.journal (project_id, seq, batch_id, chain, incarnation, epoch, format,"
    " payload, crc, receipt, rows)"
    " VALUES (:p, :seq, :batch_id, repeat('c', 32), 'mark', 1, 1, :payload, :crc, '{}', 1)"
)
_SAMPLE = text(
    "INSERT INTO sapwood.labelled_sample (project_id, id, content, labeler, label, created_at)"
    " VALUES (:p, :id, :content, :labeler, :label, to_timestamp(:at))"
)
_LABELS = text("SELECT id, label FROM sapwood.labelled_sample ORDER BY id")


@pytest.fixture
async def old(servers: Endpoints) -> AsyncIterator[Database]:
    """A database of the first revision."""
    async with own_database(servers) as url:
        database = Database(url)
        await database.create_tables()
        async with database.transaction() as connection:
            await _go_to(connection, "0001")
        yield database
        await database.close()


async def _go_to(connection: AsyncConnection, revision: str) -> None:
    await connection.run_sync(lambda sync: command.downgrade(schema.config(sync), revision))


async def _write(
    connection: AsyncConnection, project_id: str, entries: list[Resolution], damaged: set[int]
) -> None:
    await connection.execute(_PROJECT, {"p": project_id, "head": len(entries)})
    for seq, entry in enumerate(entries, start=1):
        for node_id, known in entry.registrations.items():
            values = {"p": project_id, "id": node_id, "depth": known.depth, "digest": known.digest}
            await connection.execute(_NODE, values)
        (operations,) = entry.operations()
        payload, crc = pack(operations)
        place = {"p": project_id, "seq": seq, "batch_id": f"b{seq}"}
        await connection.execute(
            _ENTRY, place | {"payload": payload, "crc": crc + (seq in damaged)}
        )


async def test_nodes_of_the_first_revision_are_found_by_their_contents(old: Database) -> None:
    drafts = [node(content=f"content {number} ✓") for number in range(500)]
    one_each = [resolve(batch(draft), {}) for draft in drafts]
    at_once = [resolve(batch(*drafts[:50]), {})]
    async with old.transaction() as connection:
        await _write(connection, "many", one_each, damaged=set())
        await _write(connection, "few", at_once, damaged=set())

    await old.create_tables()

    wanted = {draft.node_id: digest_content(draft.values["content"].encode()) for draft in drafts}
    many = await Journal(old).registered("many", wanted)
    assert {node_id: entry.content_digest for node_id, entry in many.items()} == wanted
    few = await Journal(old).registered("few", wanted)
    assert {node_id: entry.content_digest for node_id, entry in few.items()} == {
        draft.node_id: wanted[draft.node_id] for draft in drafts[:50]
    }


async def test_a_damaged_entry_stops_no_upgrade_and_its_nodes_stay_known(old: Database) -> None:
    lost, kept = node(content="lost"), node(content="kept")
    entries = [resolve(batch(lost), {}), resolve(batch(kept), {})]
    async with old.transaction() as connection:
        await _write(connection, "damaged", entries, damaged={1})

    await old.create_tables()

    known = await Journal(old).registered("damaged", [lost.node_id, kept.node_id])
    assert known[lost.node_id].content_digest == lost.digest
    assert known[kept.node_id].content_digest == kept.content_digest


async def test_an_upgrade_may_take_longer_than_any_other_transaction(servers: Endpoints) -> None:
    async with own_database(servers) as url:
        other = await asyncpg.connect(url)
        await other.execute("SELECT pg_advisory_lock($1)", UPGRADE_LOCK)
        database = Database(url, statement_timeout_s=0.05)
        upgrade = asyncio.create_task(database.create_tables())

        await other.execute("SELECT pg_sleep(0.3)")
        assert not upgrade.done()
        await other.close()

        await upgrade
        await database.check()
        await database.close()


async def test_labels_of_the_first_revision_become_classes_and_the_newest_of_each_stays(
    old: Database,
) -> None:
    rows = [
        ("1", "text ✓", "ann", "good", 1),
        ("2", "text ✓", "ann", r"a\b|c=d", 2),
        ("3", "text ✓", "bob", "good", 1),
        ("4", "", "ann", "", 1),
        ("5", "text ✓", LONG, "good", 1),
        ("6", "text ✓", LONG[:-1], "good", 1),
    ]
    async with old.transaction() as connection:
        await _write(connection, "labelled", [resolve(batch(node()), {})], damaged=set())
        for id_, content, labeler, label, at in rows:
            values = {"id": id_, "content": content, "labeler": labeler, "label": label, "at": at}
            await connection.execute(_SAMPLE, {"p": "labelled", **values})

    await old.create_tables()

    samples = {each.id: each for each in await LabeledSampleRepository(old).all("labelled")}
    assert {id_: each.label for id_, each in samples.items()} == {
        "2": r"a\b|c=d",
        "3": "good",
        "4": "",
        "5": "good",
        "6": "good",
    }
    assert samples["2"].scale == ClassScale({r"a\b|c=d": 0.0})
    assert samples["4"].scale == ClassScale({"": 0.0})
    drafts = [draft_sample(each) for each in samples.values()]
    assert await LabeledSampleRepository(old).add("labelled", "mark", drafts) == 5
    assert len(await LabeledSampleRepository(old).all("labelled")) == 5, "by equal digests"

    number = LabeledSample(content="n", labeler="ann", label=0.5, scale=NumberScale(0, 1))
    await LabeledSampleRepository(old).add("labelled", "mark", [draft_sample(number)])
    async with old.transaction() as connection:
        await _go_to(connection, "0001")
        back = {label for _, label in await connection.execute(_LABELS)}
    assert back == {r"a\b|c=d", "good", "", "0.5"}
