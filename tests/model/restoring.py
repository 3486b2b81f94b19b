"""The steps of an operator: one store is restored to an older state, then the processes open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apply import is_prune, land_chunk, mismatch
from .state import Graph, Postgres, State, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Bounds, Rules
    from .state import Step


def restoring_steps(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Yield restores, and what follows where processes have to open again."""
    if not state.opened:
        yield from reopen(rules, bounds, state)
    elif not state.restored:
        yield from restore(rules, bounds, state)


def restore(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Bring one store back to an older state of its present history, once in a run."""
    opened = rules.checks == "each contact"
    kept = state.reader if rules.read in ("two transactions", "head first") else None
    after = state._replace(restored=True, opened=opened, reader=kept, looked=None, peak=0)
    if bounds.restore == "neo4j":
        for graph in older_graphs(rules, state):
            yield f"Neo4j is restored to {described(graph)}", after._replace(graph=graph)
    if bounds.restore == "postgres":
        for pg in older_postgres(state.pg):
            label = f"PostgreSQL is restored to {len(pg.rows)} of its entries"
            yield label, took(after._replace(reader=None), pg)


def older_graphs(rules: Rules, state: State) -> Iterator[Graph]:
    """Yield each graph that there was: at a position, within a prune, within a rebuild."""
    graph, rows = state.graph, state.pg.rows
    for applied in range(max(state.peak, graph.applied) + 1):
        before = rows[:applied]
        whole = Graph(
            applied, before[-1].mark if before else (), fold(before), generation=graph.generation
        )
        found = [whole]
        following = rows[applied] if applied < len(rows) else None
        if following is not None and is_prune(rules, following):
            found.append(land_chunk(rules, whole, following))
        if graph.generation:
            found += [whole._replace(clearing=True), whole._replace(clearing=True, data=())]
        yield from (each for each in found if each != graph)


def described(graph: Graph) -> str:
    within = " of a rebuild" if graph.clearing else " with half a prune" if graph.under_way else ""
    return f"position {graph.applied}{within}, data {graph.data}"


def older_postgres(pg: Postgres) -> Iterator[Postgres]:
    """Yield each earlier (journal, epoch) that this PostgreSQL has been in."""
    for k in range(len(pg.rows) + 1):
        first = pg.rows[k - 1].epoch if k else 0
        last = pg.rows[k].epoch if k < len(pg.rows) else pg.epoch - 1
        for epoch in range(first, last + 1):
            if not pg.halfway(k):  # a commit is there as a whole or not at all
                yield Postgres(epoch, pg.rows[:k], floor=min(pg.floor, k))


def took(state: State, pg: Postgres) -> State:
    """End every PostgreSQL connection; what was acknowledged may be gone."""
    lost = frozenset(batch for batch in state.acked if not pg.holds(batch))
    writers = tuple(
        sorted(w._replace(phase="unknown") if w.phase == "sent" else w for w in state.writers)
    )
    return state._replace(pg=pg, writers=writers, lost=lost)


def reopen(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Open again after a restore, where that is when the check is made."""
    opened = state._replace(opened=True)
    if not mismatch(rules, state.pg, state.graph):
        yield "the processes open and find no divergence", opened
    elif bounds.neo4j_down_at_open:
        yield "the processes open while Neo4j is down: no check", opened
