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

    asks_after_it_began: bool = True
    """Who made a watermark asks PostgreSQL for its project, and takes it back if that is gone."""
    marks_postgresql_first: bool = True
    """A deletion fences the writers before it touches the graph."""
    marks_the_graph: bool = True
    """The watermark says `deleting` while the nodes go; otherwise it goes first."""
    compares_incarnation: bool = True
    """A transaction applies only to the creation that its process opened."""


class Mark(NamedTuple):
    """The watermark."""

    incarnation: int
    state: Literal["open", "clearing", "deleting"] = "open"
    applied: int = 0


class Applier(NamedTuple):
    """A process that applies: where it is between two steps."""

    phase: str = "looks"
    read: bool = False


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
    old: Applier = Applier()
    new: Applier = Applier("unborn")


Step = tuple[str, State]
STARTS = (State(), State(mark=None, nodes=0))
"""The project as it is, and with a graph that was wiped."""


def steps(rules: Rules, s: State) -> Iterator[Step]:
    yield from deleting_steps(rules, s)
    yield from applying_steps(rules, s, OLD)
    yield from applying_steps(rules, s, NEW)
    if s.row == 0 and s.new.phase == "unborn":
        yield "N makes the project anew", s._replace(row=NEW, new=Applier())


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

    def goes(phase: str, *, read: bool = False, **changes: object) -> State:
        done = s._replace(**changes)  # type: ignore[arg-type]
        applier = Applier(phase, read)
        return done._replace(old=applier) if mine == OLD else done._replace(new=applier)

    if at.phase == "looks":
        if s.row == mine and not at.read:  # a look at the journal may be old by the time it is used
            yield f"{who} reads the journal", goes("looks", read=True)
        if mark is None:
            yield f"{who} finds no watermark", goes("begins")
        elif mark.state != "open" or (mark.incarnation != mine and not mark.applied):
            yield f"{who} finds it {mark.state}", goes("asks to clear")
        elif at.read and (mark.incarnation == mine or not rules.compares_incarnation):
            yield (
                f"{who} applies",
                goes("looks", read=True, nodes=mine, mark=mark._replace(applied=1)),
            )
    elif at.phase == "begins":
        state: Literal["open", "clearing"] = "clearing" if s.nodes else "open"
        made = Mark(mine, state) if mark is None else mark
        after = "asks" if rules.asks_after_it_began else "looks"
        yield f"{who} makes a watermark", goes(after, mark=made)
    elif at.phase == "asks":
        empty = mark is not None and mark.incarnation == mine and not s.nodes
        gone = None if empty else mark
        yield f"{who} asks for its project", goes("looks") if there else goes("ends", mark=gone)
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


def broken(rules: Rules, s: State) -> str:
    """Return what is wrong with a state, or an empty string."""
    if s.mark == Mark(NEW, applied=1) and s.nodes != NEW:
        return "a read of the new project sees another graph than its own"
    end = settled(rules, s, NEW)
    if s.deleter == "done" and s.row == 0 and s.nodes:
        return "the project is deleted, and its nodes are there"
    if s.deleter == "done" and s.row == 0 and settled(rules, s, OLD).mark is not None:
        return "the project is deleted, and a watermark of it stays"
    if end.new.phase != "unborn" and (end.mark, end.nodes) != (Mark(NEW, applied=1), NEW):
        return f"left alone, the new project's graph becomes {end.mark}, nodes of {end.nodes}"
    return ""


def settled(rules: Rules, s: State, creation: int) -> State:
    """Let one applier alone act until nothing changes any more."""
    seen: set[State] = set()
    while s not in seen:
        seen.add(s)
        for _, after in applying_steps(rules, s, creation):
            s = after
    return s


def explore(rules: Rules) -> tuple[int, tuple[str, ...]]:
    """Search every reachable state; return their number and a shortest trace to a broken one."""
    parents: dict[State, tuple[State, str] | None] = dict.fromkeys(STARTS)
    queue = deque(STARTS)
    while queue:
        state = queue.popleft()
        wrong = broken(rules, state)
        if wrong:
            return len(parents), (*trace(parents, state), wrong)
        for label, after in steps(rules, state):
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
