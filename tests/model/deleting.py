"""A second, smaller model: a project is deleted and made again while an old process still applies.

Each step is one transaction, or one look. `D` deletes the first creation, may be cut anywhere and
is then called again; `P` is a process that opened the first creation and may be slow for ever; `N`
makes the project anew once the name is free. What the two appliers do is `src/applying.py`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD, NEW = 1, 2


@dataclass(frozen=True)
class Rules:
    """The defaults are the protocol; each other value leaves a rule out."""

    asks_at_0: bool = True
    """Who finds its watermark at 0, whether or not it asked before in vain, asks PostgreSQL
    for its project, and takes the watermark back if that is gone."""
    marks_postgresql_first: bool = True
    """A deletion fences the writers before it touches the graph."""
    marks_the_graph: bool = True
    """The watermark says `deleting` while the nodes go; otherwise it goes first."""
    compares_incarnation: bool = True
    """A transaction applies only to the creation that its process opened."""
    asks_under_the_lock: bool = True
    """Who begins to clear asks for its project while it holds the watermark, not before."""
    clears_what_is_deleting: bool = True
    """Who has a project and finds its graph `deleting` clears it and goes on."""


@dataclass(frozen=True)
class Bounds:
    """What else may happen, once in a run: one store is set back to a state that it was in."""

    restore: Literal["nothing", "neo4j", "postgres"] = "nothing"


class Mark(NamedTuple):
    """The watermark."""

    incarnation: int
    state: Literal["open", "clearing", "deleting"] = "open"
    applied: int = 0


class Applier(NamedTuple):
    """A process that applies: where it is between two steps."""

    phase: str = "looks"
    read: bool = False
    asked: bool = False


class State(NamedTuple):
    """Both stores and who is at work.

    Attributes:
        row: Creation of the project in PostgreSQL; 0 if there is none.
        deleting: It is marked.
        nodes: Creation whose nodes are in the graph; 0 for none.
        deleter: How far `D` is.
    """

    row: int = OLD
    deleting: bool = False
    mark: Mark | None = Mark(OLD, applied=1)
    nodes: int = OLD
    deleter: str = "idle"
    restored: bool = False
    old: Applier = Applier()
    new: Applier = Applier("unborn")


Step = tuple[str, State]
STARTS = (State(), State(mark=None, nodes=0), State(mark=Mark(OLD, "clearing")))
"""The project as it is, with a graph that was wiped, and with one that is made again."""


def steps(rules: Rules, bounds: Bounds, s: State) -> Iterator[Step]:
    yield from deleting_steps(rules, s)
    yield from applying_steps(rules, s, OLD)
    yield from applying_steps(rules, s, NEW)
    if s.row == 0 and s.new.phase == "unborn":
        yield "N makes the project anew", s._replace(row=NEW, new=Applier())
    if not s.restored:
        yield from restoring_steps(bounds, s)


def restoring_steps(bounds: Bounds, s: State) -> Iterator[Step]:
    """Yield each older state of one store; the graph's may be within the deletion."""
    if bounds.restore == "neo4j" and s.mark != Mark(OLD, applied=1):
        within = [(Mark(OLD, "deleting"), OLD), (Mark(OLD, "deleting"), 0)]
        for mark, nodes in ((Mark(OLD, applied=1), OLD), *within):
            label = f"Neo4j is restored to {mark.state}, nodes of {nodes}"
            yield label, s._replace(mark=mark, nodes=nodes, restored=True)
    if bounds.restore == "postgres" and (s.deleting or s.row != OLD):
        for deleting in (False, True):
            label = f"PostgreSQL is restored to the first creation, deleting: {deleting}"
            yield label, s._replace(row=OLD, deleting=deleting, restored=True)


def deleting_steps(rules: Rules, s: State) -> Iterator[Step]:
    """Yield what `D` does next, or that it is cut and called again."""
    if s.deleter not in ("idle", "done"):
        yield "D is cut", s._replace(deleter="idle")
    if s.deleter == "idle" and s.row == OLD:
        marked = s._replace(deleter="mark graph", deleting=rules.marks_postgresql_first)
        yield "D marks PostgreSQL", marked
    elif s.deleter == "idle" and s.mark == Mark(OLD, "deleting"):
        yield "D goes on by the watermark", s._replace(deleter="clear")
    elif s.deleter == "mark graph":
        mark = Mark(OLD, "deleting") if rules.marks_the_graph else None
        yield "D marks the graph", s._replace(deleter="clear", mark=mark)
    elif s.deleter == "clear":
        ours = not rules.marks_the_graph or s.mark == Mark(OLD, "deleting")
        yield "D clears", s._replace(deleter="delete rows", nodes=0 if ours else s.nodes)
    elif s.deleter == "delete rows" and s.row == OLD and not s.deleting and s.restored:
        yield "D is told that the project is not marked", s._replace(deleter="idle")
    elif s.deleter == "delete rows":
        row = 0 if s.row == OLD else s.row
        yield "D deletes the rows", s._replace(deleter="remove mark", row=row, deleting=False)
    elif s.deleter == "remove mark":
        ours = s.mark is not None and s.mark.incarnation == OLD and not s.nodes
        yield "D removes the mark", s._replace(deleter="done", mark=None if ours else s.mark)


def applying_steps(rules: Rules, s: State, mine: int) -> Iterator[Step]:
    """Yield what an applier of creation `mine` does next. It may also never do anything again."""
    at = s.old if mine == OLD else s.new
    who = "P" if mine == OLD else "N"
    mark, there = s.mark, s.row == mine and not s.deleting

    def goes(phase: str, *, read: bool = False, asked: bool = False, **changes: object) -> State:
        done = s._replace(**changes)  # type: ignore[arg-type]
        applier = Applier(phase, read, asked)
        return done._replace(old=applier) if mine == OLD else done._replace(new=applier)

    if at.phase == "looks":
        if s.row == mine and not at.read:  # a look at the journal may be old by the time it is used
            yield f"{who} reads the journal", goes("looks", read=True, asked=at.asked)
        if mark is None:
            yield f"{who} finds no watermark", goes("begins")
        elif mark.state == "deleting" and not rules.clears_what_is_deleting:
            return
        elif mark.state != "open" or (mark.incarnation != mine and not mark.applied):
            yield f"{who} finds it {mark.state}", goes("asks to clear")
        elif mark == Mark(mine) and not at.asked and rules.asks_at_0:
            yield f"{who} finds it at 0", goes("asks", read=at.read)
        elif at.read and (mark.incarnation == mine or not rules.compares_incarnation):
            yield (
                f"{who} applies",
                goes("looks", read=True, nodes=mine, mark=mark._replace(applied=1)),
            )
    elif at.phase == "begins":
        state: Literal["open", "clearing"] = "clearing" if s.nodes else "open"
        made = Mark(mine, state) if mark is None else mark
        yield f"{who} makes a watermark", goes("looks", mark=made)
    elif at.phase == "asks":
        empty = mark is not None and mark.incarnation == mine and not s.nodes
        gone = None if empty else mark
        yield f"{who} asks for its project, and gets no answer", goes("looks", read=at.read)
        answered = goes("looks", read=at.read, asked=True) if there else goes("ends", mark=gone)
        yield f"{who} asks for its project", answered
    elif at.phase == "asks to clear" and rules.asks_under_the_lock and mark is not None:
        label = f"{who} holds the watermark, asks for its project, and begins to clear"
        yield (
            label,
            goes("clears", mark=Mark(mine, "clearing")) if there else goes("ends"),
        )
    elif at.phase == "asks to clear":
        yield f"{who} asks for its project", goes("begins to clear" if there else "ends")
    elif at.phase == "begins to clear" and mark is not None:
        yield f"{who} begins to clear", goes("clears", mark=Mark(mine, "clearing"))
    elif at.phase == "begins to clear":
        yield f"{who} finds no watermark", goes("looks")
    elif at.phase == "clears":
        ours = mark == Mark(mine, "clearing")
        yield f"{who} clears", goes("opens", nodes=0 if ours else s.nodes)
    elif at.phase == "opens":
        ours = mark == Mark(mine, "clearing") and not s.nodes
        yield f"{who} opens", goes("looks", mark=Mark(mine) if ours else mark)


def broken(rules: Rules, bounds: Bounds, s: State) -> str:
    """Return what is wrong with a state, or an empty string.

    A graph that is restored to before a deletion has what was deleted; nobody looks for it there.
    Nor for that of a creation which an older PostgreSQL never had.
    """
    if any(s.mark == Mark(each, applied=1) and s.nodes != each for each in (OLD, NEW)):
        return "a read of a project sees another graph than its own"
    gone = s.deleter == "done" and s.row == 0 and bounds.restore != "neo4j"
    if gone and s.nodes == OLD:
        return "the project is deleted, and its nodes are there"
    left = settled(rules, settled(rules, s, OLD), NEW).mark
    if gone and left is not None and left.incarnation == OLD:
        return "the project is deleted, and a watermark of it stays"
    if s.row == NEW:
        return wrong_end(bounds, settled(rules, s, NEW), NEW)
    if s.restored and s.row == OLD and not s.deleting and s.deleter in ("idle", "done"):
        return wrong_end(bounds, settled(rules, s._replace(old=Applier()), OLD), OLD)
    return ""


def wrong_end(bounds: Bounds, end: State, creation: int) -> str:
    """Say what is wrong with where a project came to: its graph is right, or it is told."""
    if (end.mark, end.nodes) == (Mark(creation, applied=1), creation):
        return ""
    told = end.mark is not None and end.mark.state == "open" and end.mark.applied > 0
    if bounds.restore != "nothing" and told:  # a graph that is not its own: DivergedError
        return ""
    return f"left alone, the graph of {creation} becomes {end.mark}, nodes of {end.nodes}"


def settled(rules: Rules, s: State, creation: int) -> State:
    """Let one applier alone act until nothing changes any more."""
    seen: set[State] = set()
    while s not in seen:
        seen.add(s)
        for _, after in applying_steps(rules, s, creation):
            s = after
    return s


def explore(rules: Rules, bounds: Bounds | None = None) -> tuple[int, tuple[str, ...]]:
    """Search every reachable state; return their number and a shortest trace to a broken one."""
    parents: dict[State, tuple[State, str] | None] = dict.fromkeys(STARTS)
    queue = deque(STARTS)
    within = bounds or Bounds()
    while queue:
        state = queue.popleft()
        wrong = broken(rules, within, state)
        if wrong:
            return len(parents), (*trace(parents, state), wrong)
        for label, after in steps(rules, within, state):
            if after not in parents:
                parents[after] = (state, label)
                queue.append(after)
    return len(parents), ()


def trace(parents: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    labels: list[str] = []
    while (step := parents[state]) is not None:
        state, label = step
        labels.append(label)
    return tuple(reversed(labels))
