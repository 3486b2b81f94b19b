"""Search the Game of 24 with treequest, every tree kept in sapwood. Kill it and start it again.

    python examples/game24.py --ranks 901-905 --iterations 250 --algorithm standard-mcts

Each puzzle is a search of its own in one project. Whatever is stored is found again at the start
and not searched again. With `--revise distance` one principle is defined otherwise; what is stored
is judged anew by that one and by nothing else. Servers are the environment's, else embedded ones.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import treequest
from puzzle24 import (
    ACTIONS,
    REVISED,
    Puzzle,
    State,
    decode,
    encode,
    is_dead,
    is_finished,
    is_solved,
    judge,
    next_state,
    puzzles,
)
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rubric24 import Judging, definitions

import sapwood
from sapwood import Node, NodeStatus
from sapwood.integrations.treequest import TreeQuestStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from treequest.algos.tree import Node as SearchNode

ALIVE, PRUNED, COMPLETE = NodeStatus.ALIVE, NodeStatus.PRUNED, NodeStatus.COMPLETE
AlgoStateT = TypeVar("AlgoStateT")
ALGORITHMS: dict[str, Callable[[], treequest.Algorithm[State, Any]]] = {
    "standard-mcts": partial(treequest.StandardMCTS, samples_per_action=3),
    "ab-mcts-a": treequest.ABMCTSA,
}


def describe(state: State) -> dict[str, Any]:
    """Say what is to become of a state's node."""
    if is_solved(state):
        return {"status": COMPLETE}
    if is_dead(state):
        return {"status": PRUNED, "status_reason": "24 is out of reach"}
    return {}


def expand(node: SearchNode[State], action: str, puzzle: State, seen: set[str]) -> State | None:
    """Return a new state from `node`; a finished line is continued by taking steps back."""
    place: SearchNode[State] | None = node
    while place is not None:
        base = puzzle if place.state is None else place.state
        found = None if is_finished(base) else next_state(base, action, seen)
        if found is not None:
            return found
        place = place.parent
    return None


def grow(
    algorithm: treequest.Algorithm[State, AlgoStateT],
    state: Any,
    puzzle: Puzzle,
    iterations: int,
) -> Iterator[AlgoStateT]:
    """Search on from `state` until the tree has `iterations` nodes; yield after each one.

    What comes next follows from the tree alone, so a search that was killed and restored makes
    the same nodes as one that was not.
    """
    seen = {encode(node.state) for node in state.tree.get_nodes() if node.state is not None}
    while len(seen) < iterations:
        np.random.seed(len(seen))
        state, (trial,) = algorithm.ask_batch(state, 1, list(ACTIONS))
        parent = state.tree.get_node(trial.node_to_expand)
        made = expand(parent, trial.action, puzzle.start, seen)
        if made is None:
            return
        seen.add(encode(made))
        state = algorithm.tell(state, trial.trial_id, (made, judge(made)))
        yield state


async def search(
    store: sapwood.AsyncStorageAdapter,
    judging: Judging,
    puzzle: Puzzle,
    algorithm: treequest.Algorithm[State, Any],
    iterations: int,
) -> AsyncIterator[list[Node]]:
    """Go on with a puzzle's search where it was left; yield what is stored, node by node."""
    kept = TreeQuestStore[State](
        store,
        puzzle.name,
        content=puzzle.numbers,
        encode=encode,
        decode=decode,
        describe=describe,
    )
    state = await kept.restore(algorithm)
    known = [node for node in await store.subtree(kept.root_id) if node.parent_id is not None]
    yield known
    for grown in grow(algorithm, state, puzzle, iterations):
        nodes = await kept.save(grown)
        await judging.judge(nodes)
        await store.flush()
        yield nodes


def report(chosen: list[Puzzle], tree: Iterable[Node]) -> Table:
    """Sum up what is stored of the chosen puzzles."""
    table = Table("puzzle", "people", "nodes", "alive", "pruned", "complete", "a solution")
    nodes = [node for node in tree if node.parent_id is not None]
    for puzzle in chosen:
        mine = [node for node in nodes if node.attributes["search"] == puzzle.name]
        counts = Counter(node.status for node in mine)
        solution = next((node.content for node in mine if node.status == "complete"), "-")
        numbers = (len(mine), *(counts[status] for status in (ALIVE, PRUNED, COMPLETE)))
        table.add_row(puzzle.numbers, puzzle.solved_by, *map(str, numbers), solution)
    return table


async def play(options: argparse.Namespace) -> None:
    """Search the chosen puzzles one after the other, with progress bars on stderr."""
    known = puzzles()
    chosen = [known[rank] for rank in options.ranks]
    bars = Progress(
        TextColumn("{task.description:>18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    # Durable is enough to go on; the graph follows by itself.
    async with sapwood.open(options.project, data_dir=options.data_dir, apply_wait_s=0) as store:
        judging = await Judging.begin(store, definitions(options.revise))
        with bars:
            for puzzle in chosen:
                bar = bars.add_task(f"{puzzle.rank}: {puzzle.numbers}", total=options.iterations)
                algorithm = ALGORITHMS[options.algorithm]()
                async for nodes in search(store, judging, puzzle, algorithm, options.iterations):
                    bars.advance(bar, len(nodes))
                    if options.log:
                        acknowledge(options.log, nodes)
                bars.update(bar, total=bars.tasks[bar].completed)  # less, if all was tried
        tree = (await store.load_project()).tree
    Console().print(report(chosen, tree), judging.report(), judging.summary(), sep="\n")


def acknowledge(log: Path, nodes: Iterable[Node]) -> None:
    """Note what is durable, for whoever wants to hold the store to it."""
    with log.open("a", encoding="utf-8") as lines:
        for node in nodes:
            line = {"id": node.id, "parent_id": node.parent_id, "content": node.content}
            print(json.dumps(line), file=lines)


def ranks(text: str) -> list[int]:
    """Read `901-905` or `7,901-903`."""
    parts = (part.partition("-") for part in text.split(","))
    chosen = [rank for a, _, b in parts for rank in range(int(a), int(b or a) + 1)]
    if not chosen or not set(chosen) <= puzzles().keys():
        raise argparse.ArgumentTypeError("ranks go from 1 to 1362")
    return chosen


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ranks", type=ranks, default="901-905", help="such as 901-905 or 7,950")
    parser.add_argument("--iterations", type=int, default=250, help="nodes for each puzzle")
    parser.add_argument("--algorithm", choices=ALGORITHMS, default="standard-mcts")
    parser.add_argument(
        "--revise",
        choices=REVISED,
        action="append",
        default=[],
        help="judge by the second definition of this principle",
    )
    parser.add_argument("--project", default="game-of-24")
    parser.add_argument("--data-dir", type=Path, help="folder of the embedded servers")
    parser.add_argument("--log", type=Path, help="append each node here once it is durable")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(play(options()))
