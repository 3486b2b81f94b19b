"""Trees to store: even ones, searches of treequest, more of their shape, and the NCBI Taxonomy.

All give parents before their children, as positions in the same list, so that ids can be new in
each round.
"""

from __future__ import annotations

import random
from collections import deque
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from harness import peer

from sapwood import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

ROOT: Final = -1
WORDS: Final = [
    "".join(random.Random(number).choices("etaoinshrdlucmfw", k=2 + number % 8))
    for number in range(2_000)
]


class Edge(NamedTuple):
    """A node to be: its id, its parent's, how deep it is, what it says."""

    id: str
    parent_id: str | None
    depth: int
    content: str


class Source(NamedTuple):
    """A tree, or several, parents first.

    Attributes:
        parents: For each node the position of its parent, or `ROOT`.
        contents: What the nodes say; ASCII, except in the Taxonomy.
    """

    parents: list[int]
    contents: list[str]

    def first(self, count: int) -> Source:
        """Return the first nodes, which are a tree too."""
        return Source(self.parents[:count], self.contents[:count])

    def repeated(self, count: int) -> Source:
        """Return so many nodes: these again and again, each time with roots of their own."""
        size = len(self.parents)
        parents = [
            parent if parent == ROOT else parent + at - at % size
            for at, parent in zip(range(count), cycle(self.parents), strict=False)
        ]
        return Source(parents, list(islice(cycle(self.contents), count)))

    def edges(self) -> list[Edge]:
        """Return the nodes under new ids."""
        made: list[Edge] = []
        for parent, content in zip(self.parents, self.contents, strict=True):
            above = made[parent] if parent >= 0 else None
            depth = above.depth + 1 if above else 0
            made.append(Edge(new_id(), above.id if above else None, depth, content))
        return made

    def sizes(self) -> list[int]:
        """Return how many nodes are in the subtree of each."""
        sizes = [1] * len(self.parents)
        for at in range(len(sizes) - 1, -1, -1):
            if self.parents[at] >= 0:
                sizes[self.parents[at]] += sizes[at]
        return sizes

    def nearest(self, size: int) -> int:
        """Return the position of the node whose subtree is nearest to a size."""
        return int(np.argmin(np.abs(np.array(self.sizes()) - size)))

    def fan_outs(self) -> list[int]:
        """Return how many children each node has."""
        found = [0] * len(self.parents)
        for parent in self.parents:
            if parent >= 0:
                found[parent] += 1
        return found

    def describe(self) -> str:
        """Say what shape it has."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        fan_outs = [count for count in self.fan_outs() if count]
        mean = sum(fan_outs) / max(1, len(fan_outs))
        length = sum(map(len, self.contents)) / len(self.contents)
        return (
            f"{len(self.parents):,} nodes, depth {max(depths)}, {mean:.1f} children of a node that"
            f" has any, at most {max(fan_outs, default=0):,}, contents of {length:,.0f} characters"
        )


def prose(count: int, size: int, seed: int = 0) -> Iterator[str]:
    """Yield texts of invented words, which pack about as well as English does."""
    numbers = random.Random(seed)
    pool = " ".join(numbers.choices(WORDS, k=20_000))
    for _ in range(count):
        start = numbers.randrange(len(pool) - size)
        yield pool[start : start + size]


def even(nodes: int, *, fan_out: int = 8, content: int = 200) -> Source:
    """Return a tree in which all have the same number of children, level by level."""
    parents = [(at - 1) // fan_out if at else ROOT for at in range(nodes)]
    return Source(parents, list(prose(nodes, content)))


def treequest(searches: int = 6, nodes: int = 150) -> Source:
    """Return searches of treequest: MCTS, AB-MCTS and breadth first, by turns, with random scores.

    Cost: seconds; treequest goes through the whole tree at each step.
    """
    library = peer("treequest")
    kinds = [library.StandardMCTS, library.ABMCTSA, library.TreeOfThoughtsBFSAlgo]
    np.random.seed(1)  # treequest draws from this one
    numbers = random.Random(1)
    texts = prose(searches * nodes * 4, 200)

    def answer(_parent: str | None) -> tuple[str, float]:
        return next(texts)[: numbers.randint(20, 200)], numbers.random()

    found = Source([], [])
    for number in range(searches):
        _add(found, _search(kinds[number % len(kinds)](), nodes, answer))
    return found


def _search(algorithm: Any, nodes: int, answer: Callable[[str | None], tuple[str, float]]) -> Any:
    state = algorithm.init_tree()
    while len(state.tree) < nodes:
        state = algorithm.step(state, {"think": answer, "mend": answer})
    return state.tree


def _add(found: Source, tree: Any) -> None:
    at: dict[int, int] = {}
    for node in tree.get_nodes():
        at[node.expand_idx] = len(found.parents)
        found.parents.append(ROOT if node.parent is None else at[node.parent.expand_idx])
        found.contents.append(node.state or "task")


def like(model: Source, nodes: int, seed: int = 0) -> Source:
    """Return one tree with as many children a node and as long contents as a model's.

    Nodes get their children in the order in which they were made.
    """
    numbers = random.Random(seed)
    fan_outs = model.fan_outs()
    lengths = [len(content) for content in model.contents]
    parents, waiting = [ROOT], deque([0])
    while len(parents) < nodes:
        at = waiting.popleft() if waiting else numbers.randrange(len(parents))
        for _ in range(min(numbers.choice(fan_outs), nodes - len(parents))):
            waiting.append(len(parents))
            parents.append(at)
    texts = prose(nodes, max(lengths), seed)
    return Source(parents, [text[: numbers.choice(lengths)] for text in texts])


def taxonomy() -> Source:
    """Return the NCBI Taxonomy, level by level: one root, 2.6 million nodes, names as contents.

    Cost: about half a minute and 1 GiB.
    """
    taxon = peer("taxoniq").Taxon(1)
    above = {int(key): value[0] for key, value in taxon._get_db("taxa").items()}  # noqa: SLF001
    children: dict[int, list[int]] = {}
    for tax_id in sorted(above):
        if tax_id != taxon.tax_id:
            children.setdefault(above[tax_id], []).append(tax_id)
    names = _names(taxon)
    order, at, parents = [taxon.tax_id], {taxon.tax_id: 0}, [ROOT]
    for tax_id in order:
        for child in children.get(tax_id, ()):
            at[child] = len(order)
            order.append(child)
            parents.append(at[tax_id])
    return Source(parents, [names.get(tax_id, str(tax_id)) for tax_id in order])


def _names(taxon: Any) -> dict[int, str]:
    """Read all names at once: one look-up a name would take minutes."""
    text: bytes = taxon._get_db("scientific_name")  # noqa: SLF001
    places = taxon._get_db("scientific_name_pos").items()  # noqa: SLF001
    return {int(key): text[start : text.index(b"\n", start)].decode() for key, ((start,)) in places}
