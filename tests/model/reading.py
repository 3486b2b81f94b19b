"""The steps of those who look: reads (rule 10), and contacts that compare without a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apply import diverged, mismatch
from .state import Graph, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Rules
    from .state import Step


def reading_steps(rules: Rules, state: State) -> Iterator[Step]:
    """Yield the first halves of what is not done at one instant; `promise` has the rest."""
    if state.opened:
        yield from read_watermark(rules, state)
        yield from look(rules, state)


def read_watermark(rules: Rules, state: State) -> Iterator[Step]:
    """Start a read whose data follow in a later step."""
    graph = state.graph
    if rules.read == "snapshot" or state.reader is not None:
        return
    begun = state._replace(reader=(state.pg.head, graph.generation))
    if rules.read == "head first":
        yield f"a read finds head {state.pg.head}", begun
    elif not graph.clearing and graph.applied >= state.pg.head > 0:
        yield f"a read finds applied {graph.applied}", begun


def look(rules: Rules, state: State) -> Iterator[Step]:
    """Read one of watermark and journal; the other is read, and compared, later."""
    if state.looked is None and not state.graph.clearing:
        if rules.contact == "watermark first":
            yield "a contact reads the watermark", state._replace(looked=state.graph)
        if rules.contact == "journal first":
            yield "a contact reads the journal", state._replace(looked=state.pg)


def alarmed(rules: Rules, state: State) -> bool:
    """Tell whether a contact that has read one half finds that the other contradicts it."""
    if state.looked is None or state.graph.clearing:
        return False
    if isinstance(state.looked, Graph):
        return mismatch(rules, state.pg, state.looked)
    return mismatch(rules, state.looked, state.graph)


def promise(rules: Rules, state: State) -> int | None:
    """Return the position that a read answered now would promise; `None`: it waits or fails."""
    graph, pg = state.graph, state.pg
    if not state.opened:
        return None
    if rules.read != "snapshot":
        return promise_of_begun_read(rules, state)
    if rules.read_verifies and diverged(rules, pg, graph):
        return None
    if rules.barrier == "head <= last apply":
        return pg.head if pg.head <= state.remembered else None
    if graph.clearing or (rules.barrier == "applied >= head" and graph.applied < pg.head):
        return None
    return pg.head


def promise_of_begun_read(rules: Rules, state: State) -> int | None:
    if state.reader is None:
        return None
    head, generation = state.reader
    if rules.read == "head first":
        return head if answers(rules, state, head) else None
    if rules.read == "generation" and generation != state.graph.generation:
        return None
    return head


def answers(rules: Rules, state: State, head: int) -> bool:
    """Tell whether a read that found `head` earlier is answered from the graph as it is now."""
    graph, pg = state.graph, state.pg
    if graph.clearing or graph.applied < head or mismatch(rules, pg, graph):
        return False
    if rules.read_minds_parts and graph.under_way:
        return False
    return not (rules.read_minds_commits and pg.halfway(graph.applied))
