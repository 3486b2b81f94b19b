"""Holds a recorded history against the oracle. Pure functions: a history in, violations out.

**What is checked, and why it is enough.** The claim is strict serializability of whole commits:
there is one order of all commits and reads, that order agrees with real time (what ended before
something else began comes before it), and each read sees exactly what the commits before it have
written. Linearizability of each register (Herlihy and Wing 1990) follows, since a register is a
part of that.

To find such an order is hard in general: Wing and Gong (1993), and Knossos after them, search. Elle
(Kingsbury and Alvaro 2020) does without where the order of the versions can be told from what is
observed. Here it is told: the journal numbers the commits. So it is enough to verify that *this*
order is one:

1. Each write is in one commit at most (its witness, a new node, says in which), with all it asked
   for; those of one life are in the order in which they were accepted, without a hole.
2. What was acknowledged is in a commit, and in one that the receipt covers.
3. The oracle is folded over the commits in order. Each read is equal to the fold after some commit,
   in all that it saw at once: so it saw no half of a commit, no child without its parent, and
   nothing that nobody wrote. (`load_project` has two moments: the graph's is not before
   PostgreSQL's.)
4. Reads and writes go through in the order of time. Whatever ends raises a floor: a flush to its
   receipt, a read to the commit after which it stands. A read has to stand at its floor or later,
   as of when it began, and a commit has to come after the floor as of when its write began. Each
   read is put after the earliest commit that is allowed. Whoever puts it later only raises floors;
   so if any order agrees with time, this one does, and no search is needed.
5. The epochs never go down along the journal: nothing of a writer that was replaced comes after.
6. In the end both stores hold what the fold says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Final

from .timeline import Timeline, fold
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .oracle import Oracle
    from .records import Commit, History, Operation
    from .timeline import Placed

EXPECTED: Final = frozenset({"FencedError", "UnavailableError", "StaleReadError", "TimeoutError"})
"""What faults and take-overs may let a call raise."""
DRAINS: Final = frozenset({"flush", "read", "close"})
"""What first stores everything that its life had accepted."""


def check(history: History) -> Verdict:
    """Return everything that is wrong with a history."""
    verdict = Verdict()
    _check_journal(history.commits, verdict)
    placed = _place(history, verdict)
    for _, life in groupby(history.operations, key=lambda each: each.life):
        of_life = list(life)
        _check_errors(of_life, verdict)
        _check_acknowledged(of_life, placed, history.commits, verdict)
        _check_order(of_life, placed, verdict)
    versions, oracle = fold(history, placed)
    Timeline(history, placed, versions, verdict).check()
    _check_held(history, placed, oracle, verdict)
    return verdict


def _check_journal(commits: Iterable[Commit], verdict: Verdict) -> None:
    """Look at the commits alone: numbered without a gap, each once, epochs in order."""
    last, epoch = 0, 0
    seen: set[str] = set()
    for commit in commits:
        if commit.first != last + 1:
            verdict.add("lost", f"the journal has position {commit.first} after {last}")
        if commit.epoch < epoch:
            verdict.add("fenced", f"position {commit.first}: epoch {commit.epoch} after {epoch}")
        if commit.batch_id in seen:
            verdict.add("doubled", f"batch {commit.batch_id} is in the journal again")
        last, epoch = commit.last, max(epoch, commit.epoch)
        seen.add(commit.batch_id)


def _place(history: History, verdict: Verdict) -> Placed:
    """Find the commit of each write that is stored."""
    made, said = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for number, commit in enumerate(history.commits, start=1):
        for node_id in commit.made:
            made[node_id].append(number)
        for reason in commit.reasons:
            said[reason].append(number)
    placed: Placed = {}
    saved: set[str] = set()
    for each in history.operations:
        if each.kind == "write":
            saved |= _saved(each)
            found = made.get(each.asked["witness"], [])
            if found:
                placed[each.place] = found[0]
            elsewhere = [number for number in said[each.tag] if number not in found[:1]]
            if len(found) > 1 or (found and elsewhere):
                verdict.add("doubled", f"{each} is in commits {sorted({*found, *elsewhere})}")
            elif elsewhere:
                verdict.add("torn", f"{each} is in commit {elsewhere}, and its node is not")
    for node_id in made.keys() - saved:
        verdict.add("phantom", f"node {node_id} is in a commit, and nobody saved it")
    return placed


def _saved(write: Operation) -> set[str]:
    calls = write.asked["calls"]
    return {row[0] for name, *given in calls if name == "nodes" for row in given[0]}


def _check_errors(life: list[Operation], verdict: Verdict) -> None:
    for each in life:
        out_of_time = each.kind == "close" and each.error == "SapwoodError"
        if each.error is not None and each.error not in EXPECTED and not out_of_time:
            verdict.add("unexpected", f"{each}: {each.error}: {each.result}")


def _check_acknowledged(
    life: list[Operation], placed: Placed, commits: tuple[Commit, ...], verdict: Verdict
) -> None:
    """Look whether all that was acknowledged is stored, and was when it was acknowledged."""
    accepted: list[Operation] = []
    for each in life:
        if each.kind == "write" and each.ok:
            accepted.append(each)
        elif each.kind in DRAINS and each.ok:
            for write in accepted:
                at = placed.get(write.place)
                if at is None:
                    verdict.add("lost", f"{each} acknowledged {write}, which is not stored")
                elif each.kind == "flush" and commits[at - 1].last > each.result:
                    what = f"{each} was told of position {each.result}, and {write} came later"
                    verdict.add("lost", what)
            verdict.acknowledged += len(accepted)
            accepted.clear()


def _check_order(life: list[Operation], placed: Placed, verdict: Verdict) -> None:
    """Look whether what is stored is a prefix of what was accepted, and in that order."""
    missing: Operation | None = None
    newest = 0
    for each in life:
        if each.kind != "write" or not each.ok:
            continue
        at = placed.get(each.place)
        if at is None:
            missing = missing or each
        elif missing is not None:
            verdict.add("reordered", f"{each} is stored, and {missing} before it is not")
        elif at < newest:
            verdict.add("reordered", f"{each} is in commit {at}, what came before it in {newest}")
        newest = max(newest, at or 0)


def _check_held(history: History, placed: Placed, oracle: Oracle, verdict: Verdict) -> None:
    """Look at what is there in the end."""
    held = history.held
    for node_id, row in oracle.rows.items():
        if held.rows.get(node_id) != row:
            verdict.add("lost", f"the graph holds {held.rows.get(node_id)}, not {row}")
    for node_id in held.rows.keys() - oracle.rows.keys():
        verdict.add("doubled", f"the graph holds {held.rows[node_id]}, which is in no commit")
    for node_id in held.registered ^ oracle.rows.keys():
        verdict.add("lost", f"register and journal differ in node {node_id}")
    wanted = dict(oracle.registers())
    for name, value in held.registers.items():
        if wanted.get(name) != value:
            verdict.add("lost", f"{name} is {value}, not {wanted.get(name)}")
    for node_id, times in Counter(held.ids).items():
        if times > 1:
            verdict.add("doubled", f"the graph holds node {node_id} {times} times")
    by_tag = {each.tag: placed.get(each.place) for each in history.operations}
    number = by_tag.get(wanted["state"])
    if held.state_seq != (None if number is None else history.commits[number - 1].first):
        verdict.add("lost", f"the state is said to be of position {held.state_seq}")
    if not held.verified:
        verdict.add("lost", "verify() says that the graph is not the fold of the journal")
