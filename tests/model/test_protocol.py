"""The protocol holds: every reachable state within the bounds was looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .check import Verdict, explore
from .rules import AS_FIRST_WRITTEN, PROTOCOL, Bounds, Rules

pytestmark = pytest.mark.once


def holds(bounds: Bounds, rules: Rules = PROTOCOL) -> Verdict:
    """Explore everything within the bounds; fail with the shortest trace to what breaks."""
    verdict = explore(rules, bounds)
    print(f"{bounds}\n{verdict}")
    assert verdict.holds, str(verdict)
    return verdict


def test_without_a_restore_the_protocol_holds_and_nothing_ever_fails_closed() -> None:
    assert holds(Bounds()).diverged == 0


def test_it_holds_for_four_batches_with_three_transactions_in_flight() -> None:
    assert holds(Bounds(batches=4, claims=1, in_flight=3)).diverged == 0


def test_any_process_may_apply_at_any_time_without_a_lease() -> None:
    """Whoever applies is nobody in particular: a reader, a replaced writer, several at once."""
    assert holds(Bounds(batches=2, claims=2, in_flight=4)).diverged == 0


def test_it_holds_for_three_take_overs() -> None:
    assert holds(Bounds(batches=2, claims=3)).diverged == 0


def test_an_older_neo4j_heals_itself_and_never_fails_closed() -> None:
    assert holds(Bounds(restore="neo4j")).diverged == 0


def test_an_older_postgresql_fails_closed_and_is_never_silent() -> None:
    assert holds(Bounds(restore="postgres", in_flight=1)).diverged > 0


def test_an_older_postgresql_fails_closed_with_late_transactions_too() -> None:
    assert holds(Bounds(batches=2, restore="postgres")).diverged > 0


def test_joined_writers_are_as_safe_when_postgresql_is_older() -> None:
    bounds = Bounds(claims=1, in_flight=1, restore="postgres", joined=True)
    assert holds(bounds).diverged > 0


def test_any_number_of_rebuilds_may_overlap_with_applies_and_reads() -> None:
    rules = replace(PROTOCOL, read="generation")
    assert holds(Bounds(batches=2, rebuilds=2), rules).diverged == 0


def test_a_rebuild_is_safe_when_postgresql_is_older() -> None:
    holds(Bounds(batches=2, in_flight=1, restore="postgres", rebuilds=1))


def test_a_prune_in_chunks_is_safe_when_the_watermark_says_that_it_is_under_way() -> None:
    rules = replace(PROTOCOL, prune="marked chunks")
    assert holds(Bounds(), rules).diverged == 0
    assert holds(Bounds(restore="postgres", in_flight=1), rules).diverged > 0


def test_an_older_neo4j_may_be_within_a_prune_or_a_rebuild() -> None:
    rules = replace(PROTOCOL, prune="marked chunks")
    assert holds(Bounds(restore="neo4j"), rules).diverged == 0
    assert holds(Bounds(batches=2, restore="neo4j", rebuilds=1)).diverged == 0


def test_reads_may_find_their_head_first_while_a_prune_a_rebuild_and_a_restore_take_place() -> None:
    rules = replace(PROTOCOL, prune="marked chunks", read="head first")
    bounds = Bounds(batches=2, in_flight=1, restore="neo4j", rebuilds=1)
    assert holds(bounds, rules).diverged == 0


def test_a_commit_of_several_entries_is_stored_applied_and_read_whole() -> None:
    rules = replace(PROTOCOL, read="head first")
    assert holds(Bounds(batches=2, several=True), rules).diverged == 0
    assert holds(Bounds(several=True)).diverged == 0
    assert holds(Bounds(several=True, restore="postgres", in_flight=1)).diverged > 0


def test_a_prune_among_several_entries_is_safe_when_neo4j_is_older() -> None:
    rules = replace(PROTOCOL, prune="marked chunks", read="head first")
    assert holds(Bounds(batches=2, several=True, restore="neo4j"), rules).diverged == 0


def test_who_applies_may_begin_at_any_position_that_it_remembers() -> None:
    """After a commit without an answer, or from before a restore; the lock tells."""
    assert holds(Bounds(from_memory=True)).diverged == 0
    assert holds(Bounds(batches=2, from_memory=True, restore="neo4j")).diverged == 0


def test_the_design_as_first_written_holds_until_postgresql_is_restored() -> None:
    assert holds(Bounds(), AS_FIRST_WRITTEN).diverged == 0
    assert holds(Bounds(batches=2, restore="neo4j"), AS_FIRST_WRITTEN).diverged == 0


def test_a_contact_without_a_lock_may_read_the_watermark_first_and_the_journal_second() -> None:
    rules = replace(PROTOCOL, contact="watermark first")
    assert holds(Bounds(batches=2, restore="neo4j"), rules).diverged == 0


def test_a_loss_that_neither_the_graph_nor_a_living_writer_saw_cannot_be_noticed() -> None:
    """A limit, not a promise: PostgreSQL is the authority, and here nothing else remembers."""
    assert holds(Bounds(batches=1, restore="postgres")).unnoticed > 0
