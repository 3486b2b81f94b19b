"""Each rule is needed: without it the search finds a run that breaks an invariant.

Three switches turn out to be implied by others; their tests say so and hold.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from .check import Verdict, explore
from .rules import PROTOCOL, Bounds, Rules

pytestmark = pytest.mark.once

PLAIN = Bounds()
JOINED = Bounds(claims=1, joined=True)
OLDER_NEO4J = Bounds(restore="neo4j")
OLDER_POSTGRES = Bounds(restore="postgres", in_flight=1)
REBUILT = Bounds(batches=2, rebuilds=2)

POSITION_ONLY = replace(PROTOCOL, chain="none", checks_head=False)
MERGE_AND_MAX = replace(POSITION_ONLY, guard="none", watermark="max", create=False)


def breaks(name: str, bounds: Bounds, rules: Rules) -> Verdict:
    """Explore until an invariant breaks; fail if it is not the one named."""
    verdict = explore(rules, bounds)
    print(verdict)
    assert verdict.violation.startswith(name), f"expected {name}, found: {verdict}"
    return verdict


def holds(bounds: Bounds, rules: Rules) -> None:
    verdict = explore(rules, bounds)
    assert verdict.holds, str(verdict)


# Apply: lock, compare, write (rules 5 and 6)


def test_merge_with_a_max_watermark_lets_a_late_retry_overwrite_newer_values() -> None:
    breaks("I2", PLAIN, MERGE_AND_MAX)


def test_a_fence_in_neo4j_does_not_stop_the_late_retry_because_its_epoch_is_the_same() -> None:
    breaks("I2", PLAIN, replace(MERGE_AND_MAX, neo4j_fence=True))


def test_a_watermark_that_falls_back_with_a_late_retry_does_not_help_either() -> None:
    breaks("I2", PLAIN, replace(MERGE_AND_MAX, watermark="set"))


def test_comparing_before_locking_lets_a_late_transaction_overwrite_newer_values() -> None:
    bounds = Bounds(batches=4, claims=1, in_flight=3)
    breaks("I2", bounds, replace(PROTOCOL, lock_first=False))


def test_comparing_before_locking_needs_four_batches_to_show() -> None:
    """With three, the watermark falls back together with the data and the rest is re-applied."""
    holds(Bounds(claims=1, in_flight=3), replace(PROTOCOL, lock_first=False))


def test_accepting_any_greater_position_leaves_a_hole_after_an_older_neo4j() -> None:
    breaks("I5", OLDER_NEO4J, replace(POSITION_ONLY, guard="greater"))


def test_accepting_any_greater_position_is_harmless_under_the_chain() -> None:
    """A predecessor that equals the watermark's batch implies the next position."""
    rules = replace(PROTOCOL, guard="greater")
    holds(OLDER_NEO4J, rules)
    holds(Bounds(batches=2, restore="postgres"), rules)


def test_comparing_applied_with_head_is_implied_when_a_missing_row_counts_as_divergence() -> None:
    holds(Bounds(batches=2, restore="postgres"), replace(PROTOCOL, checks_head=False))


def test_moving_the_watermark_in_another_transaction_stalls_for_ever_after_a_crash() -> None:
    breaks("I3", PLAIN, replace(PROTOCOL, watermark_with_writes=False))


def test_moving_the_watermark_in_another_transaction_and_merging_lets_old_values_win() -> None:
    breaks("I2", PLAIN, replace(PROTOCOL, watermark_with_writes=False, create=False))


# Identity: the chain and who checks it when (rule 5)


def test_without_a_chain_an_older_postgresql_loses_a_batch_silently() -> None:
    breaks("I5", OLDER_POSTGRES, replace(PROTOCOL, chain="none"))


def test_a_chain_of_ids_misses_that_a_re_driven_batch_has_another_past() -> None:
    bounds = Bounds(claims=1, in_flight=1, restore="postgres", joined=True)
    breaks("I5", bounds, replace(PROTOCOL, chain="ids"))


def test_checking_only_at_open_misses_what_was_restored_while_neo4j_was_down() -> None:
    bounds = replace(OLDER_POSTGRES, neo4j_down_at_open=True)
    breaks("I5", bounds, replace(PROTOCOL, checks="open"))


def test_checking_only_at_open_misses_a_late_transaction_even_with_neo4j_up() -> None:
    breaks("I5", OLDER_POSTGRES, replace(PROTOCOL, checks="open"))


def test_dropping_applied_entries_before_comparing_identity_takes_a_new_batch_for_applied() -> None:
    breaks("I5", OLDER_POSTGRES, replace(PROTOCOL, identity_before_drop=False))


def test_reading_the_journal_before_the_watermark_raises_a_false_alarm() -> None:
    breaks("I5", PLAIN, replace(PROTOCOL, contact="journal first"))


# The journal is kept; rebuild and prune (rules 7 and 9)


def test_trimming_what_the_watermark_covers_deletes_a_batch_that_was_never_applied() -> None:
    breaks("I1: acknowledged", OLDER_POSTGRES, replace(PROTOCOL, journal="trimmed"))


def test_trimming_only_what_was_verified_survives_an_older_postgresql() -> None:
    bounds = Bounds(batches=2, in_flight=1, restore="postgres")
    holds(bounds, replace(PROTOCOL, journal="trimmed if verified"))


def test_any_trimming_leaves_nothing_to_heal_an_older_neo4j_with() -> None:
    breaks("I1: acknowledged", OLDER_NEO4J, replace(PROTOCOL, journal="trimmed if verified"))


def test_a_late_step_of_a_rebuild_that_does_not_check_spoils_the_rebuilt_graph() -> None:
    breaks("I2", REBUILT, replace(PROTOCOL, clearing_guarded=False))
    breaks("I3", REBUILT, replace(PROTOCOL, clearing_guarded=False, opens_if_empty=False))


def test_a_last_step_of_a_rebuild_that_does_not_look_opens_a_graph_that_is_not_empty() -> None:
    rules = replace(PROTOCOL, opens_if_empty=False)
    breaks("I3", REBUILT, rules)
    breaks("I3", Bounds(batches=2, restore="neo4j", rebuilds=1), rules)


def test_a_prune_that_trusts_what_was_done_before_misses_an_older_neo4j() -> None:
    rules = replace(PROTOCOL, prune="marked chunks", prune_rechecks=False)
    breaks("I5", Bounds(batches=2, restore="neo4j"), rules)


def test_a_prune_may_trust_what_was_done_before_until_neo4j_is_restored() -> None:
    holds(Bounds(batches=2), replace(PROTOCOL, prune="marked chunks", prune_rechecks=False))


def test_half_a_prune_outlives_the_entry_that_an_older_postgresql_lost() -> None:
    breaks("I5", OLDER_POSTGRES, replace(PROTOCOL, prune="chunks"))


# Flush: order, fence and unknown outcomes (rules 1 to 4)


def test_several_entries_in_several_transactions_may_be_stored_by_half() -> None:
    bounds = Bounds(batches=2, several=True)
    breaks("I1: half", bounds, replace(PROTOCOL, commits_whole=False))


def test_an_epoch_read_before_the_transaction_lets_a_replaced_writer_store_a_batch() -> None:
    breaks("fence: a replaced writer", PLAIN, replace(PROTOCOL, epoch_in_update=False))


def test_driving_again_without_a_look_up_stores_a_batch_twice() -> None:
    rules = replace(PROTOCOL, unknown="drive again", unique_batch_id=False)
    breaks("once: stored twice", Bounds(claims=1), rules)


def test_a_unique_batch_id_alone_reports_a_stored_batch_as_a_failure() -> None:
    breaks("once", Bounds(claims=1), replace(PROTOCOL, unknown="drive again"))


def test_a_unique_batch_id_is_implied_by_the_locked_look_up() -> None:
    holds(PLAIN, replace(PROTOCOL, unique_batch_id=False))


def test_a_look_up_without_the_lock_reports_a_late_commit_as_fenced() -> None:
    breaks("once", PLAIN, replace(PROTOCOL, look_up_locks=False))


def test_comparing_the_epoch_before_the_look_up_reports_a_stored_batch_as_fenced() -> None:
    breaks("once", PLAIN, replace(PROTOCOL, unknown="epoch, then look up"))


def test_a_sequence_lets_a_reader_pass_the_hole_of_a_late_commit() -> None:
    rules = replace(POSITION_ONLY, seq_under_lock=False, guard="greater")
    breaks("I2", JOINED, rules)


def test_a_sequence_with_contiguous_apply_never_drains_after_an_abort() -> None:
    breaks("I3", JOINED, replace(PROTOCOL, seq_under_lock=False, chain="none"))


def test_an_epoch_that_is_a_counter_gets_two_owners_after_an_older_postgresql() -> None:
    breaks("fence: two writers", OLDER_POSTGRES, replace(PROTOCOL, epoch_is_unique=False))


def test_a_writer_that_forgets_its_last_batch_writes_on_after_it_was_lost() -> None:
    breaks("I1", OLDER_POSTGRES, replace(PROTOCOL, writer_remembers=False))


# Reads (rule 10)


def test_a_barrier_of_what_was_applied_here_is_silent_about_an_older_neo4j() -> None:
    breaks("I5", OLDER_NEO4J, replace(PROTOCOL, barrier="head <= last apply"))


def test_a_barrier_of_the_own_position_misses_what_others_had_acknowledged() -> None:
    breaks("I2", PLAIN, replace(PROTOCOL, barrier="applied >= own"))


def test_a_barrier_in_an_earlier_transaction_than_the_data_misses_an_older_neo4j() -> None:
    breaks("I5", OLDER_NEO4J, replace(PROTOCOL, read="two transactions"))


def test_a_read_that_only_waits_is_answered_from_a_graph_that_diverged() -> None:
    breaks("I5", OLDER_POSTGRES, replace(PROTOCOL, read_verifies=False))


def test_a_watermark_read_before_the_data_in_one_transaction_misses_a_rebuild() -> None:
    breaks("I2", REBUILT, replace(PROTOCOL, read="two statements"))


def test_a_read_that_takes_any_position_from_its_head_on_sees_half_a_commit() -> None:
    rules = replace(PROTOCOL, read="head first", read_minds_commits=False)
    breaks("I2", Bounds(batches=2, several=True), rules)


def test_a_read_that_found_its_head_before_a_prune_sees_half_of_it() -> None:
    rules = replace(PROTOCOL, prune="marked chunks", read="head first", read_minds_parts=False)
    breaks("I2", Bounds(batches=2), rules)
