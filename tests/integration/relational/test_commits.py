"""What one commit stores: the register, the graph's half, the receipt, the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood import ConflictError, FencedError, NodeStatus, NotFoundError
from sapwood.batch import Registered
from sapwood.journal import NO_CHAIN, fold, link
from sapwood.relational import Epoch, Link

from .building import Writer, batch, node, prune, score, state, status

if TYPE_CHECKING:
    from sapwood.relational import Journal, ProjectRepository

    from ...conftest import RunSql

EVERYTHING = {"most_rows": 1_000_000, "most_bytes": 1 << 30}


async def test_depths_are_computed_within_a_batch_and_from_the_register(
    writer: Writer, journal: Journal
) -> None:
    root = node()
    child = node(root)
    await writer.commit(root, child)
    grandchild = node(child)
    leaf = node(grandchild)

    receipt = await writer.commit(grandchild, leaf)

    assert (receipt.seq, receipt.nodes, receipt.rejected) == (2, 2, ())
    entries = await journal.entries(writer.project_id, 2, **EVERYTHING)
    assert [row["depth"] for row in entries[0].operations.creates] == [2, 3]
    known = await journal.registered(writer.project_id, [leaf.node_id, root.node_id, "unknown"])
    assert known == {
        leaf.node_id: Registered(3, leaf.digest, leaf.content_digest),
        root.node_id: Registered(0, root.digest, root.content_digest),
    }


async def test_the_journal_is_a_contiguous_chain_that_unpacks_to_what_was_committed(
    writer: Writer, journal: Journal, projects: ProjectRepository
) -> None:
    nodes = [node(content=f"node {number} ünïcode ✓") for number in range(7)]
    for each in nodes:
        await writer.commit(each)
    await writer.commit(status(nodes[0], NodeStatus.PRUNED, "too long"))

    entries = await journal.entries(writer.project_id, 1, **EVERYTHING)

    head = await projects.head(writer.project_id)
    assert [entry.seq for entry in entries] == list(range(1, 9))
    chain = NO_CHAIN
    for entry in entries:
        chain = link(chain, entry.batch_id)
        assert entry.chain == chain
    assert {entry.incarnation for entry in entries} == {head.incarnation}
    assert (head.seq, head.chain) == (8, chain)
    assert await journal.link(writer.project_id, 8) == Link(
        chain, head.incarnation, goes_on=False, quarantine=NO_CHAIN
    )
    assert await journal.link(writer.project_id, 9) is None
    creates = fold(entries).creates
    assert [row["content"] for row in creates.values()] == [n.values["content"] for n in nodes]
    assert creates[nodes[0].node_id]["status"] == "pruned"


async def test_a_position_says_whether_its_commit_goes_on(writer: Writer, journal: Journal) -> None:
    """Who read the head before must not take what is between two entries of it for a moment."""
    root = node()
    await writer.commit(root)
    await writer.commit(status(root, NodeStatus.FAILED), prune(root), node(root))
    await writer.commit(node(root))
    links = [await journal.link(writer.project_id, seq) for seq in range(1, 6)]
    assert [each is not None and each.goes_on for each in links] == [
        False,
        True,
        True,
        False,
        False,
    ]


async def test_a_batch_of_nothing_still_is_an_entry(writer: Writer, journal: Journal) -> None:
    receipt = await writer.commit()

    entries = await journal.entries(writer.project_id, 1, **EVERYTHING)
    assert receipt.seq == 1
    assert [entry.operations.rows for entry in entries] == [0]


async def test_an_orphan_is_refused_with_its_descendants_and_what_refers_to_them(
    writer: Writer, journal: Journal
) -> None:
    ghost = node()
    orphan = node(ghost)
    below = node(orphan)
    fine = node()

    receipt = await writer.commit(orphan, below, fine, status(below, NodeStatus.FAILED))

    assert [(item.kind, item.node_id) for item in receipt.rejected] == [
        ("node", orphan.node_id),
        ("node", below.node_id),
        ("status", below.node_id),
    ]
    assert receipt.nodes == 1
    named = [ghost.node_id, orphan.node_id, below.node_id, fine.node_id]
    assert list(await journal.registered(writer.project_id, named)) == [fine.node_id]


async def test_a_racing_writers_node_wins_and_only_what_hangs_on_ours_is_left_out(
    writer: Writer, journal: Journal
) -> None:
    root = node()
    theirs = node(root, "their content")
    await writer.commit(root, theirs)
    ours = node(root, "our content", id=theirs.node_id)
    below = node(ours)
    fine = node(root)

    receipt = await writer.commit(ours, below, fine)

    assert [item.node_id for item in receipt.rejected] == [ours.node_id, below.node_id]
    known = await journal.registered(writer.project_id, [theirs.node_id, fine.node_id])
    assert known[theirs.node_id].digest == theirs.digest
    assert fine.node_id in known
    assert await journal.outcome(writer.project_id, "unknown") is None


async def test_a_batch_rejected_whole_still_writes_its_entry_and_says_so_again(
    writer: Writer, journal: Journal
) -> None:
    orphan = node(node())
    again = batch(orphan)

    receipt = await journal.commit(writer.project_id, writer.epoch, again)

    assert (receipt.seq, receipt.nodes, len(receipt.rejected)) == (1, 0, 1)
    assert await journal.outcome(writer.project_id, again.id) == receipt


async def test_a_driven_again_batch_is_stored_once(
    writer: Writer, journal: Journal, projects: ProjectRepository
) -> None:
    once = batch(node(), state({"round": 1}))
    first = await journal.commit(writer.project_id, writer.epoch, once)
    await writer.commit(node())

    second = await journal.commit(writer.project_id, writer.epoch, once)

    assert second == first
    assert await journal.outcome(writer.project_id, once.id) == first
    assert (await projects.head(writer.project_id)).seq == 2


async def test_an_old_epoch_is_fenced_and_stores_nothing(
    writer: Writer, journal: Journal, projects: ProjectRepository, run_sql: RunSql
) -> None:
    """Hazard A5."""
    stored = batch(node())
    receipt = await journal.commit(writer.project_id, writer.epoch, stored)
    await projects.claim_epoch(writer.project_id)
    late = node()

    with pytest.raises(FencedError) as fenced:
        await writer.commit(late, state({"late": True}))

    assert fenced.value.pending == (late.node_id, "state")
    assert await journal.registered(writer.project_id, [late.node_id]) == {}
    assert await projects.load_state(writer.project_id) is None
    assert (await projects.head(writer.project_id)).seq == 1
    rows = await run_sql(
        "SELECT count(*) FROM sapwood.journal WHERE project_id = $1", writer.project_id
    )
    assert rows == [(1,)]
    # What the old writer stored before is still its own: the look-up comes before the fence.
    assert await journal.commit(writer.project_id, writer.epoch, stored) == receipt


async def test_a_project_that_is_not_there_is_not_called_fenced(
    journal: Journal, project_id: str
) -> None:
    with pytest.raises(NotFoundError):
        await journal.commit(project_id, Epoch(1, "nobody"), batch(node()))
    with pytest.raises(NotFoundError):
        await journal.outcome(project_id, "b")
    assert await journal.entries(project_id, 1, **EVERYTHING) == []
    assert await journal.registered(project_id, ["n"]) == {}


async def test_the_orchestrators_state_is_the_newest(
    writer: Writer, projects: ProjectRepository
) -> None:
    await writer.commit(state({"round": 1}), state({"round": 2}))
    assert await projects.load_state(writer.project_id) == b'{"round":2}'

    await writer.commit(state([3]))
    await writer.commit(node())
    assert await projects.load_state(writer.project_id) == b"[3]"


async def test_a_known_node_saved_again_changes_only_what_was_said(
    writer: Writer, journal: Journal
) -> None:
    known = node(content="same", score=1.0)
    await writer.commit(known)
    again = node(content="same", id=known.node_id, score=2.0)

    receipt = await writer.commit(again)

    assert receipt.nodes == 1
    entries = await journal.entries(writer.project_id, 2, **EVERYTHING)
    assert entries[0].operations.creates == []
    assert entries[0].operations.sets == [{"id": known.node_id, "score": 2.0}]


async def test_the_largest_contents_pass(writer: Writer, journal: Journal) -> None:
    """Hazard A13: four items of 1 MiB are one batch."""
    big = [node(content=chr(0x4E00 + number) * 349_000) for number in range(4)]

    await writer.commit(*big)

    entries = await journal.entries(writer.project_id, 1, most_rows=1, most_bytes=1)
    assert [row["content"] for row in entries[0].operations.creates] == [
        item.values["content"] for item in big
    ]


async def test_scores_of_unknown_principles_are_stopped_by_the_last_guard(
    writer: Writer, projects: ProjectRepository
) -> None:
    target = node()

    with pytest.raises(Exception, match="fk_principle_score_principle") as refused:
        await writer.commit(target, score(target, "nobody", 1.0))

    assert not isinstance(refused.value, ConflictError)
    assert (await projects.head(writer.project_id)).seq == 0
