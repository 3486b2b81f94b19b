"""The steps that shorten what is kept: trimming the journal, clearing the graph to rebuild it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apply import mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Bounds, Rules
    from .state import Graph, State, Step


def rebuilding_steps(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Yield trims, where the journal is not kept, and starts of a rebuild."""
    if state.opened:
        yield from trim(rules, state)
        yield from rebuild(bounds, state)


def trim(rules: Rules, state: State) -> Iterator[Step]:
    """Delete what the watermark says is applied."""
    pg, graph = state.pg, state.graph
    floor = min(graph.applied, pg.head)
    if rules.journal == "kept" or graph.clearing or floor <= pg.floor:
        return
    if rules.journal == "trimmed" or not mismatch(rules, pg, graph):
        trimmed = state._replace(pg=pg._replace(floor=floor))
        yield f"a process deletes the journal up to position {floor}", trimmed


def rebuild(bounds: Bounds, state: State) -> Iterator[Step]:
    graph = state.graph
    if not graph.clearing and graph.generation < bounds.rebuilds:
        cleared = graph._replace(clearing=True, generation=graph.generation + 1)
        yield "a process starts a rebuild: `clearing`", state._replace(graph=cleared)


def clear(rules: Rules, graph: Graph, kind: str) -> Graph:
    """Delete the data, or open at position 0 once nothing is left."""
    if rules.clearing_guarded and not graph.clearing:
        return graph
    if kind == "clear":
        return graph._replace(data=())
    if rules.opens_if_empty and graph.data:
        return graph
    return graph._replace(applied=0, mark=(), clearing=False, under_way=())
