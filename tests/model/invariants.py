"""What has to be true in every reachable state, in the names of the reliability notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apply import drain, mismatch
from .reading import alarmed, promise
from .state import FIRST_PART, SEVERAL, Graph, State, fold

if TYPE_CHECKING:
    from .rules import Bounds, Rules


def broken(rules: Rules, bounds: Bounds, state: State) -> str:
    """Return the name of the first invariant that this state breaks, or an empty string."""
    return (
        acknowledged_is_kept(state)
        or stored_once(state)
        or writers_are_told_the_truth(state)
        or one_owner(bounds, state)
        or reads_are_right(rules, state)
        or contacts_are_right(rules, bounds, state)
        or drains(rules, bounds, state)
    )


def acknowledged_is_kept(state: State) -> str:
    """I1: what was acknowledged is in the journal, or at least in the graph."""
    pg = state.pg
    there = {row.batch for row in pg.rows if row.seq > pg.floor} | set(state.graph.data)
    missing = state.acked - state.lost - there
    if missing:
        return f"I1: acknowledged, and in neither store: {sorted(missing)}"
    for row in pg.rows:
        if row.after and not pg.holds(row.after):
            return f"I1: {row.batch} is stored, its writer's earlier batch {row.after} is gone"
        if row.batch == FIRST_PART and not pg.holds(SEVERAL):
            return f"I1: half of batch {SEVERAL} is stored"
    return ""


def stored_once(state: State) -> str:
    """Once: no batch is stored twice."""
    stored = [row.batch for row in state.pg.rows]
    return "" if len(stored) == len(set(stored)) else f"once: stored twice: {stored}"


def writers_are_told_the_truth(state: State) -> str:
    """Once: "stored" and "not stored" are both true, and a fenced writer stores nothing."""
    for batch in state.refused:
        if state.pg.holds(batch):
            return f"once: batch {batch} is stored, and its writer was told that it is not"
    epochs = [row.epoch for row in state.pg.rows]
    if epochs != sorted(epochs):
        return f"fence: a replaced writer stored a batch: epochs {epochs}"
    return ""


def one_owner(bounds: Bounds, state: State) -> str:
    """Fence: one writer at most has the current epoch."""
    owners = [w for w in state.writers if w.epoch == state.pg.epoch > 0]
    return "fence: two writers own one epoch" if len(owners) > 1 and not bounds.joined else ""


def reads_are_right(rules: Rules, state: State) -> str:
    """I2 and I5: a read that would be answered now sees exactly the committed batches."""
    promised = promise(rules, state)
    if promised is None:
        return ""
    graph, pg = state.graph, state.pg
    upto = fold(tuple(row for row in pg.rows if row.seq <= graph.applied))
    whole = rules.read != "head first" or not pg.halfway(graph.applied)
    if graph.applied >= promised and graph.data == upto and whole:
        return ""
    return (
        f"{'I5' if state.restored else 'I2'}: a read is answered with {show(graph)}, committed are "
        f"{[f'{row.seq}:b{row.batch}' for row in pg.rows]}"
    )


def contacts_are_right(rules: Rules, bounds: Bounds, state: State) -> str:
    """I5, the other way round: nobody reports a divergence that is none."""
    if bounds.restore != "postgres" and alarmed(rules, state):
        return "I5: DivergedError although nothing diverged"
    return ""


def drains(rules: Rules, bounds: Bounds, state: State) -> str:
    """I3: undisturbed, applied reaches head with the right graph, or the process is told."""
    if not state.opened or state.pg.open:
        return ""
    if state.graph.applied > state.pg.head and not mismatch(rules, state.pg, state.graph):
        return "I3: applied is greater than head, and nobody is told"
    end = drain(rules, state.pg, state.graph)
    if end == "diverged":
        return "" if bounds.restore == "postgres" else "I3: fails closed without need"
    if end == "stuck":
        return "I3: never drains"
    return right(end, state)


def right(end: Graph, state: State) -> str:
    pg = state.pg
    if (end.applied, end.data) == (pg.head, fold(pg.rows)):
        return ""
    name = "I5" if state.restored else "I2"
    rows = [f"{row.seq}:b{row.batch}" for row in pg.rows]
    return f"{name}: drained without an error to {show(end)}, committed are {rows}"


def show(graph: Graph) -> str:
    return f"applied {graph.applied}, data {graph.data}"
