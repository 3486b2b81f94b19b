"""The steps of applying: transactions are sent to Neo4j, and land later or never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .apply import admitted, diverged, land, land_chunk, moved, write
from .rebuilding import clear
from .state import Entry, Flight, Graph, Postgres, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Bounds, Rules
    from .state import Step


def applying_steps(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Yield each next step of those who apply the journal: any process, at any time."""
    if state.opened:
        yield from send(rules, bounds, state)
    for flight in dict.fromkeys(state.flights):
        yield from arrive(rules, bounds, state, flight)


def send(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Let any process read the journal after the watermark and send a transaction."""
    pg, graph = state.pg, state.graph
    if len(state.flights) >= bounds.in_flight or diverged(rules, pg, graph):
        return
    if graph.clearing:
        flight = Flight("clear" if graph.data else "open")
        yield f"a process meets `clearing` and sends {flight.kind}", fly(state, flight)
        return
    for remembered in range(pg.head) if bounds.from_memory else (graph.applied,):
        for entries in portions(pg, remembered):
            flight = Flight("apply", entries, pg.epoch if rules.neo4j_fence else 0)
            yield f"a process sends {positions(entries)}", fly(state, flight)
    following = pg.after(graph.applied)
    if not rules.prune_rechecks and graph.under_way and following:
        rest = fly(state, Flight("rest", following[:1]))
        yield "who began the prune sends the rest of it", rest


def portions(pg: Postgres, after: int) -> Iterator[tuple[Entry, ...]]:
    """Yield what one transaction may take of the journal: all, or no more than half a commit."""
    entries = pg.after(after)
    if entries:
        yield entries
    for n, entry in enumerate(entries[:-1], start=1):
        if pg.halfway(entry.seq):
            yield entries[:n]


def arrive(rules: Rules, bounds: Bounds, state: State, flight: Flight) -> Iterator[Step]:
    """Land a transaction under way, or let it be lost."""
    gone = without(state, flight)
    what = f"{flight.kind} {positions(flight.entries)}".strip()
    yield f"{what} is lost", gone
    if flight.kind in ("clear", "open"):
        yield f"{what} lands", gone._replace(graph=clear(rules, state.graph, flight.kind))
    elif flight.kind == "rest":
        yield "the rest of the prune lands", land_rest(rules, bounds, gone, flight.entries[0])
    elif flight.kind == "compared":
        yield from write_compared(rules, gone, flight)
    elif flight.kind == "written":
        yield from move_watermark(rules, gone, flight)
    elif rules.neo4j_fence and flight.epoch < state.graph.fence:
        yield f"{what} is refused by the fence", gone
    elif not rules.lock_first:
        yield from compare(rules, gone, flight)
    elif not rules.watermark_with_writes:
        yield from write_only(rules, gone, flight)
    else:
        yield from land_whole(rules, bounds, gone, flight)


def land_rest(rules: Rules, bounds: Bounds, state: State, prune: Entry) -> State:
    """End a prune without a look at whether the part that was made before is there."""
    graph = state.graph
    if graph.clearing or not admitted(rules, graph, (prune,)):
        return state
    if -prune.batch in graph.data:
        return arrived(rules, bounds, state, land_chunk(rules, graph, prune))
    half = graph._replace(data=(*graph.data, -prune.batch), under_way=())
    return arrived(rules, bounds, state, moved(rules, half, (prune,)))


def arrived(rules: Rules, bounds: Bounds, state: State, graph: Graph) -> State:
    """Note a graph that has moved."""
    peak = max(state.peak, graph.applied) if bounds.rebuilds and keeps_peak(bounds, state) else 0
    return remember(rules, state._replace(graph=graph, peak=peak))


def keeps_peak(bounds: Bounds, state: State) -> bool:
    return bounds.restore == "neo4j" and not state.restored


def land_whole(rules: Rules, bounds: Bounds, state: State, flight: Flight) -> Iterator[Step]:
    """Lock, compare, write and move the watermark in one transaction, as designed."""
    graph = land(rules, state.graph, flight.entries)
    if graph is None:
        yield f"{positions(flight.entries)} lands and rolls back", state
        return
    graph = graph._replace(fence=flight.epoch)
    label = f"{positions(flight.entries)} lands: applied {graph.applied}, data {graph.data}"
    yield label, arrived(rules, bounds, state, graph)


def compare(rules: Rules, state: State, flight: Flight) -> Iterator[Step]:
    """Compare without a lock; the writes come later."""
    rest = admitted(rules, state.graph, flight.entries)
    if rest:
        label = f"{positions(rest)} compares with applied {state.graph.applied}"
        yield label, fly(state, Flight("compared", rest))


def write_compared(rules: Rules, state: State, flight: Flight) -> Iterator[Step]:
    data = write(rules, state.graph.data, flight.entries)
    if data is not None:
        graph = moved(rules, state.graph._replace(data=data), flight.entries)
        label = f"{positions(flight.entries)} writes: applied {graph.applied}, data {data}"
        yield label, state._replace(graph=graph)


def write_only(rules: Rules, state: State, flight: Flight) -> Iterator[Step]:
    """Write under the lock, and leave the watermark to a second transaction."""
    rest = admitted(rules, state.graph, flight.entries)
    data = write(rules, state.graph.data, rest) if rest else None
    if data is not None:
        wrote = state._replace(graph=state.graph._replace(data=data))
        label = f"{positions(rest)} lands: data {data}, watermark still behind"
        yield label, fly(wrote, Flight("written", rest))


def move_watermark(rules: Rules, state: State, flight: Flight) -> Iterator[Step]:
    rest = admitted(rules, state.graph, flight.entries)
    if rest:
        graph = moved(rules, state.graph, rest)
        yield f"the watermark moves to {graph.applied}", state._replace(graph=graph)


def remember(rules: Rules, state: State) -> State:
    if rules.barrier != "head <= last apply":
        return state
    return state._replace(remembered=state.graph.applied)


def fly(state: State, flight: Flight) -> State:
    return state._replace(flights=tuple(sorted((*state.flights, flight))))


def without(state: State, flight: Flight) -> State:
    rest = list(state.flights)
    rest.remove(flight)
    return state._replace(flights=tuple(rest))


def positions(entries: tuple[Entry, ...]) -> str:
    return " ".join(f"{entry.seq}:b{entry.batch}" for entry in entries)
