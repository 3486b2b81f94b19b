"""What comes next in the journal is read while Neo4j is busy, and is never taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood.coming import ReadAhead
from sapwood.graph import rows_of
from sapwood.journal import fold

from .building import node, prune

if TYPE_CHECKING:
    from sapwood.relational import Journal

    from .building import Writer


@pytest.fixture
async def ahead(writer: Writer, journal: Journal) -> ReadAhead:
    """Entries 1 to 6, of four nodes each."""
    for _ in range(6):
        await writer.commit(*(node() for _ in range(4)))
    return ReadAhead(writer.project_id, journal)


async def test_what_follows_a_full_transaction_is_there_with_its_rows_made(
    ahead: ReadAhead,
) -> None:
    first = await ahead.next(1, 8)
    assert [entry.seq for entry in first.entries] == [1, 2]
    assert first.rows is None
    ahead.begin(first, 8)
    await ahead.keep()
    await ahead.end()
    second = await ahead.next(3, 8)
    assert [entry.seq for entry in second.entries] == [3, 4]
    assert second.rows == rows_of(fold(second.entries))
    assert second.rows_of(second.entries) is second.rows


async def test_another_position_is_read_anew(ahead: ReadAhead) -> None:
    """Others may have applied more meanwhile."""
    ahead.begin(await ahead.next(1, 8), 8)
    await ahead.keep()
    assert [entry.seq for entry in (await ahead.next(4, 8)).entries] == [4, 5]


async def test_of_what_is_half_applied_the_rest_is_written(ahead: ReadAhead) -> None:
    """Others may have applied some of it meanwhile."""
    ahead.begin(await ahead.next(1, 8), 8)
    await ahead.keep()
    coming = await ahead.next(3, 8)
    rest = coming.entries[1:]
    assert coming.rows_of(rest) == rows_of(fold(rest)) != coming.rows


async def test_what_is_too_much_by_now_is_read_again_unless_it_is_one_entry(
    ahead: ReadAhead,
) -> None:
    """A transaction that Neo4j finds too big is halved, down to one entry."""
    ahead.begin(await ahead.next(1, 8), 8)
    await ahead.keep()
    assert [entry.seq for entry in (await ahead.next(3, 4)).entries] == [3]
    ahead.begin(await ahead.next(3, 4), 4)
    await ahead.keep()
    again = await ahead.next(4, 2)
    assert [entry.seq for entry in again.entries] == [4]
    assert again.rows is not None, "it was read twice"


async def test_what_was_forgotten_or_ended_is_read_anew(ahead: ReadAhead) -> None:
    ahead.begin(await ahead.next(1, 8), 8)
    await ahead.keep()
    ahead.forget()
    assert (await ahead.next(3, 8)).rows is None
    ahead.begin(await ahead.next(1, 8), 8)
    await ahead.end()
    await ahead.keep()  # there is nothing to wait for any more
    assert (await ahead.next(3, 8)).rows is None


async def test_after_little_nothing_is_read_ahead(ahead: ReadAhead) -> None:
    """A trickle would else cost a statement more each time."""
    ahead.begin(await ahead.next(1, 4), 20)
    await ahead.keep()
    assert (await ahead.next(2, 20)).rows is None


async def test_rows_are_made_up_to_a_prune(writer: Writer, journal: Journal) -> None:
    root = node()
    for items in ([root, node(root)], [node(root), node(root)], [prune(root)], [node(root)]):
        await writer.commit(*items)
    ahead = ReadAhead(writer.project_id, journal)
    ahead.begin(await ahead.next(1, 2), 4)
    await ahead.keep()
    coming = await ahead.next(2, 4)
    assert [entry.seq for entry in coming.entries] == [2, 3, 4]
    assert coming.rows == rows_of(fold(coming.entries[:1]))
