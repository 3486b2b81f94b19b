"""Each kind of violation, planted in a history that is right: the checker has to name it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .calls import FOUND
from .checker import check
from .oracle import ROOT, Oracle, see_rows
from .records import Commit, Held, History, Life, Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .records import Call

SETUP, ANN, BOB, EVE = (Life(f"c{number}", 1) for number in range(4))
AT_ONCE = ["statuses", ["left", "right"], "complete"]


def write(life: Life, number: int, at: int, *calls: Call) -> Operation:
    """A write that was accepted at once; its tag stands for `TAG` in its calls."""
    tag = f"{life.client}.{life.number}.{number}"
    said = [[tag if part == "TAG" else part for part in call] for call in calls]
    witness = ["nodes", [[f"n{tag}", ROOT, tag, {}]]]
    asked = {"calls": [*said, witness], "witness": f"n{tag}"}
    return Operation(life, number, "write", asked, at, at + 1)


def flush(life: Life, number: int, at: int, seq: int) -> Operation:
    return Operation(life, number, "flush", None, at, at + 1, result=seq)


def read(life: Life, number: int, at: int, *seen: dict[str, Any]) -> Operation:
    return Operation(life, number, "read", "some", at, at + 1, result=list(seen))


FIRST = write(SETUP, 0, 0, FOUND)
OF_ANN = write(ANN, 0, 10, [*AT_ONCE, "TAG"])
OF_BOB = write(BOB, 0, 20, ["statuses", ["left"], "failed", "TAG"], ["state", "TAG"])
LATE = write(BOB, 2, 40, [*AT_ONCE, "TAG"])
"""Stored, but nobody was told."""
COMMITS = (
    Commit("a", 1, 1, 1, ("root", "left", "right", "third", "nc0.1.0")),
    Commit("b", 1, 2, 2, ("nc1.1.0",), frozenset({"c1.1.0"})),
    Commit("c", 2, 3, 5, ("nc2.1.0",), frozenset({"c2.1.0"})),
    Commit("d", 2, 6, 6, ("nc2.1.2",), frozenset({"c2.1.2"})),
)


def after(*writes: Operation) -> Oracle:
    oracle = Oracle()
    for each in writes:
        oracle.apply(each.asked["calls"])
    return oracle


def nodes(oracle: Oracle, *ids: str) -> dict[str, Any]:
    return {f"node:{node_id}": oracle.rows[node_id] for node_id in ids}


BEFORE, MIDDLE, NEWEST = (
    after(FIRST, OF_ANN),
    after(FIRST, OF_ANN, OF_BOB),
    after(FIRST, OF_ANN, OF_BOB, LATE),
)
HELD = Held(
    registers=dict(NEWEST.registers()),
    ids=tuple(NEWEST.rows),
    rows=NEWEST.rows,
    state_seq=3,
    registered=frozenset(NEWEST.rows),
    verified=True,
)
OPERATIONS = (
    FIRST,
    flush(SETUP, 1, 5, 1),
    OF_ANN,
    flush(ANN, 1, 15, 2),
    OF_BOB,
    flush(BOB, 1, 25, 5),
    LATE,
    read(EVE, 0, 30, nodes(MIDDLE, "left", "right")),
    read(EVE, 1, 35, {"state": "c2.1.0"}, see_rows(MIDDLE.rows.values())),
)
RIGHT = History(OPERATIONS, COMMITS, HELD)


def found(
    *,
    operations: Iterable[Operation] = OPERATIONS,
    commits: tuple[Commit, ...] = COMMITS,
    held: Held = HELD,
) -> set[str]:
    """Return which sorts of violations the checker finds in these."""
    by_place = tuple(sorted(operations, key=lambda each: each.place))
    return {sort for sort, _ in check(History(by_place, commits, held)).violations}


def having(*more: Operation) -> list[Operation]:
    return [*OPERATIONS, *more]


def changed(number: int, change: Callable[[Commit], Commit]) -> tuple[Commit, ...]:
    return tuple(change(each) if at == number else each for at, each in enumerate(COMMITS))


def test_nothing_is_found_in_a_history_that_is_right() -> None:
    verdict = check(RIGHT)
    assert verdict.violations == []
    assert (verdict.acknowledged, verdict.reads) == (3, 2)


def test_what_was_not_acknowledged_may_be_there_or_not() -> None:
    killed = replace(write(ANN, 2, 50), ended=None)
    assert found(operations=having(killed, write(ANN, 3, 51))) == set()


def test_a_read_beside_a_write_may_see_it_or_not() -> None:
    beside = [read(EVE, 2, 41, nodes(MIDDLE, "left")), read(EVE, 3, 43, nodes(NEWEST, "left"))]
    assert found(operations=having(*beside)) == set()


def test_an_acknowledged_write_that_no_commit_holds_is_lost() -> None:
    missing = changed(1, lambda each: replace(each, made=(), reasons=frozenset()))
    assert "lost" in found(commits=missing)


def test_an_acknowledgement_before_the_commit_is_lost() -> None:
    early = [replace(each, result=2) if each.result == 5 else each for each in OPERATIONS]
    assert found(operations=early) == {"lost"}


def test_a_receipt_beyond_the_journal_is_lost() -> None:
    assert found(operations=having(flush(EVE, 2, 60, 7))) == {"lost"}


def test_a_gap_in_the_journal_is_lost() -> None:
    assert "lost" in found(commits=(*COMMITS[:1], *COMMITS[2:]))


def test_a_node_that_is_not_as_it_was_last_written_in_the_end_is_lost() -> None:
    rows = {**NEWEST.rows, "left": MIDDLE.rows["left"]}
    assert found(held=replace(HELD, rows=rows)) == {"lost"}


def test_a_register_without_a_node_of_the_journal_is_lost() -> None:
    assert found(held=replace(HELD, registered=HELD.registered - {"left"})) == {"lost"}


def test_a_score_that_is_not_there_in_the_end_is_lost() -> None:
    registers = {**HELD.registers, "score:left": 2.0}
    assert found(held=replace(HELD, registers=registers)) == {"lost"}


def test_a_state_of_another_position_is_lost() -> None:
    assert found(held=replace(HELD, state_seq=1)) == {"lost"}


def test_a_graph_that_is_not_the_fold_of_the_journal_is_lost() -> None:
    assert found(held=replace(HELD, verified=False)) == {"lost"}


def test_a_batch_that_is_in_the_journal_twice_is_doubled() -> None:
    again = replace(COMMITS[3], first=7, last=7, made=(), reasons=frozenset())
    assert found(commits=(*COMMITS, again)) == {"doubled"}


def test_a_write_that_is_in_two_commits_is_doubled() -> None:
    again = Commit("e", 2, 7, 7, ("nc2.1.2",), frozenset({"c2.1.2"}))
    assert found(commits=(*COMMITS, again)) == {"doubled"}


def test_a_status_that_is_set_at_two_positions_is_doubled() -> None:
    again = Commit("e", 2, 7, 7, (), frozenset({"c1.1.0"}))
    assert found(commits=(*COMMITS, again)) == {"doubled"}


def test_a_node_that_the_graph_holds_twice_is_doubled() -> None:
    assert found(held=replace(HELD, ids=(*HELD.ids, "left"))) == {"doubled"}


def test_half_of_a_write_in_a_commit_is_torn() -> None:
    half = replace(write(ANN, 2, 50, [*AT_ONCE, "TAG"]), ended=None)
    again = Commit("e", 2, 7, 7, (), frozenset({"c1.1.2"}))
    assert found(operations=having(half), commits=(*COMMITS, again)) == {"torn"}


def test_two_writes_of_a_client_the_wrong_way_round_are_reordered() -> None:
    more = [write(ANN, 2, 50), write(ANN, 3, 52)]
    swapped = [Commit("e", 2, 7, 7, ("nc1.1.3",)), Commit("f", 2, 8, 8, ("nc1.1.2",))]
    held = after(FIRST, OF_ANN, OF_BOB, LATE, *more)
    end = replace(
        HELD, rows=held.rows, registers={}, registered=frozenset(held.rows), ids=tuple(held.rows)
    )
    assert found(operations=having(*more), commits=(*COMMITS, *swapped), held=end) == {"reordered"}


def test_a_later_write_that_is_stored_without_the_one_before_is_reordered() -> None:
    more = [write(ANN, 2, 50), write(ANN, 3, 52)]
    held = after(FIRST, OF_ANN, OF_BOB, LATE, more[1])
    end = replace(
        HELD, rows=held.rows, registers={}, registered=frozenset(held.rows), ids=tuple(held.rows)
    )
    commits = (*COMMITS, Commit("e", 2, 7, 7, ("nc1.1.3",)))
    assert found(operations=having(*more), commits=commits, held=end) == {"reordered"}


def test_a_write_that_began_after_another_was_acknowledged_and_comes_before_it_is_reordered() -> (
    None
):
    swapped = (
        COMMITS[0],
        replace(COMMITS[2], first=2, last=4, epoch=1),
        replace(COMMITS[1], first=5, last=5),
        COMMITS[3],
    )
    assert "reordered" in found(commits=swapped)


def test_a_read_that_misses_what_was_acknowledged_before_it_began_is_stale() -> None:
    assert found(operations=having(read(EVE, 2, 60, nodes(BEFORE, "left")))) == {"stale"}


def test_a_read_that_goes_back_behind_the_one_before_is_stale() -> None:
    newer, older = nodes(NEWEST, "left"), nodes(MIDDLE, "left")
    assert found(operations=having(read(EVE, 2, 60, newer), read(EVE, 3, 62, older))) == {"stale"}


def test_a_read_that_goes_back_behind_another_clients_is_stale() -> None:
    newer, older = nodes(NEWEST, "left"), nodes(MIDDLE, "left")
    assert found(operations=having(read(EVE, 2, 60, newer), read(ANN, 2, 62, older))) == {"stale"}


def test_a_read_that_misses_what_its_own_client_had_saved_is_stale() -> None:
    assert found(operations=having(read(BOB, 3, 60, nodes(MIDDLE, "left")))) == {"stale"}


def test_a_tree_that_is_older_than_the_state_loaded_with_it_is_stale() -> None:
    state, tree = {"state": "c2.1.0"}, see_rows(BEFORE.rows.values())
    beside = replace(read(EVE, 2, 12, state, tree), ended=60)
    assert found(operations=having(beside)) == {"stale"}


def test_one_of_two_statuses_that_move_together_is_torn() -> None:
    half = nodes(NEWEST, "left") | nodes(MIDDLE, "right")
    assert found(operations=having(read(EVE, 2, 60, half))) == {"torn"}


def test_a_child_without_its_parent_is_torn() -> None:
    rows = [row for row in NEWEST.rows.values() if row[0] != ROOT]
    assert found(operations=having(read(EVE, 2, 60, see_rows(rows)))) == {"torn"}


def test_a_value_that_nobody_wrote_is_a_phantom() -> None:
    strange = ["left", "root", "left", "alive", "c9.1.1", None, None, None]
    assert found(operations=having(read(EVE, 2, 60, {"node:left": strange}))) == {"phantom"}


def test_a_node_that_nobody_saved_is_a_phantom() -> None:
    assert found(commits=(*COMMITS, Commit("e", 2, 7, 7, ("strange",)))) == {"phantom"}


def test_a_commit_of_a_writer_that_was_replaced_is_named() -> None:
    assert found(commits=changed(3, lambda each: replace(each, epoch=1))) == {"fenced"}


def test_an_error_that_no_fault_explains_is_named() -> None:
    for error, sorts in {"FencedError": set[str](), "DivergedError": {"unexpected"}}.items():
        failed = replace(read(EVE, 2, 60), error=error, result="why")
        assert found(operations=having(failed)) == sorts
