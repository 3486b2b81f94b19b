"""Rules 5 and 6 as pure functions: what is admitted, what it writes, what counts as divergence."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from .state import CREATING, PRUNING, Data, Entry, Graph, Postgres

if TYPE_CHECKING:
    from .rules import Rules


def write(rules: Rules, data: Data, entries: tuple[Entry, ...]) -> Data | None:
    """Write entries to the graph; `None` if Neo4j refuses to create a node a second time."""
    for entry in entries:
        if rules.create and entry.batch == CREATING and entry.batch in data:
            return None
        data = (*(batch for batch in data if batch != entry.batch), entry.batch)
    return data


def admitted(rules: Rules, graph: Graph, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Return the entries that the watermark lets through; none means: roll back."""
    if rules.guard == "none":
        return entries
    rest = tuple(entry for entry in entries if entry.seq > graph.applied)
    if rules.guard == "next" and not contiguous(graph.applied, rest):
        return ()
    return rest if chained(rules, graph, entries, rest) else ()


def chained(
    rules: Rules, graph: Graph, entries: tuple[Entry, ...], rest: tuple[Entry, ...]
) -> bool:
    """Tell whether the entries agree with the watermark on what stands at `applied`."""
    if rules.chain == "none" or rules.checks == "open":
        return True
    here = [entry.mark for entry in entries if entry.seq == graph.applied]
    return all(mark == graph.mark for mark in here + [entry.prev for entry in rest[:1]])


def contiguous(applied: int, entries: tuple[Entry, ...]) -> bool:
    return all(entry.seq == applied + n for n, entry in enumerate(entries, start=1))


def moved(rules: Rules, graph: Graph, entries: tuple[Entry, ...]) -> Graph:
    """Move the watermark to the last of the entries."""
    last = entries[-1]
    if rules.watermark == "max" and last.seq < graph.applied:
        return graph
    return graph._replace(applied=last.seq, mark=last.mark)


def mismatch(rules: Rules, pg: Postgres, graph: Graph) -> bool:
    """Tell whether watermark and journal contradict each other: the comparison of rule 5."""
    return (
        ahead(rules, pg, graph)
        or not identical(rules, pg, graph)
        or (bool(graph.under_way) and under_way_is_gone(pg, graph))
    )


def ahead(rules: Rules, pg: Postgres, graph: Graph) -> bool:
    return rules.checks_head and graph.applied > pg.head


def identical(rules: Rules, pg: Postgres, graph: Graph) -> bool:
    """Tell whether the journal has at `applied` what the watermark says was applied there."""
    if rules.chain == "none":
        return True
    following = pg.after(graph.applied)
    if not rules.identity_before_drop:
        return not following or following[0].prev == graph.mark
    here = following[0].prev if following else pg.mark
    return here == graph.mark


def under_way_is_gone(pg: Postgres, graph: Graph) -> bool:
    """Tell whether the half-done prune is not what the journal has next."""
    following = pg.after(graph.applied)
    return not following or following[0].mark != graph.under_way


def diverged(rules: Rules, pg: Postgres, graph: Graph) -> bool:
    """Tell whether a process that contacts both stores now raises DivergedError."""
    if graph.clearing:
        return False
    return (ahead if rules.checks == "open" else mismatch)(rules, pg, graph)


def land(rules: Rules, graph: Graph, entries: tuple[Entry, ...]) -> Graph | None:
    """Run the whole apply transaction, lock first, at one instant; `None` means rolled back."""
    rest = () if graph.clearing else admitted(rules, graph, entries)
    if rest and is_prune(rules, rest[0]):
        return land_chunk(rules, graph, rest[0])
    rest = tuple(takewhile(lambda entry: not is_prune(rules, entry), rest))
    data = write(rules, graph.data, rest) if rest else None
    return None if data is None else moved(rules, graph._replace(data=data), rest)


def is_prune(rules: Rules, entry: Entry) -> bool:
    return rules.prune != "none" and entry.batch == PRUNING


def land_chunk(rules: Rules, graph: Graph, prune: Entry) -> Graph:
    """Apply the first half of a prune, or the second, which moves the watermark."""
    half = -prune.batch
    if half not in graph.data:
        mark = prune.mark if rules.prune == "marked chunks" else ()
        return graph._replace(data=(*graph.data, half), under_way=mark)
    rest = tuple(batch for batch in graph.data if batch != half)
    whole = graph._replace(data=(*rest, prune.batch), under_way=())
    return moved(rules, whole, (prune,))


def drain(rules: Rules, pg: Postgres, graph: Graph) -> Graph | Literal["diverged", "stuck"]:
    """Apply until nothing is left, undisturbed; say if that ends loudly or never."""
    if graph.clearing:
        graph = Graph(generation=graph.generation)
    while not diverged(rules, pg, graph):
        rest = pg.after(graph.applied)
        if not rest:
            return graph
        landed = land(rules, graph, rest)
        if landed is None:
            return "stuck"
        graph = landed
    return "diverged"
