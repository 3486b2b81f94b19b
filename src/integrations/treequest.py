"""Store searches of the PyPI package `treequest`, and go on with them after any crash.

    store = await sapwood.open("game-of-24")
    search = TreeQuestStore(store, "rank-901", content="4 9 10 13")
    state = await search.restore(algorithm)            # fresh, if nothing is stored
    while …:
        state, trials = algorithm.ask_batch(state, 4, actions)
        for trial in trials:
            state = algorithm.tell(state, trial.trial_id, make(trial))
        await search.save(state)                       # what is new since the last save
        await store.flush()

**Guarantee.** Whatever was saved and whenever the process ends, the stored nodes of a search are
its first n, each once, and `restore` gives the state that treequest had after it was told these n:
tree, finished trials, statistics, queue. It holds because each node carries all that treequest was
told of it, nodes are saved in the order they were told, and nothing else is kept beside them.

Trials that were asked and not told are not stored; they are asked again. treequest draws from
numpy's global generator, whose state is the caller's: seed it before asking, for instance by the
number of nodes, and a search that was killed goes on exactly as if it had not been.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import ValidationError
from ..model import Node
from ._treequest_kinds import name_of, settings_of
from ._treequest_records import RECORD, Codec, check_name, from_nodes, node_id, to_node, to_root
from ._treequest_replay import RestoreError, replay, tells_since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from treequest import Algorithm
    from treequest.algos.tree import Node as SearchNode

    from ..adapter import AsyncStorageAdapter
    from ._treequest_replay import Told

__all__ = ["RestoreError", "TreeQuestStore"]

StateT = TypeVar("StateT")
AlgoStateT = TypeVar("AlgoStateT")


class TreeQuestStore(Generic[StateT]):
    """One search of treequest in a project: a root of its own and the nodes under it.

    Can be restored exactly: StandardMCTS, ABMCTSA, ABMCTSM, BestFirstSearchAlgo,
    TreeOfThoughtsBFSAlgo and MultiArmedBanditUCBAlgo, and what inherits from them.

    Args:
        store: An open adapter; it may hold any number of searches.
        name: The search's own, 1 to 48 characters of `A-Z a-z 0-9 . _ -`; ids begin with it.
        content: What the root shows, such as the task.
        encode: A state as text, and `decode` its inverse. Without them a text is kept as it is and
            other states as JSON.
        describe: More fields of a state's node: `status`, `status_reason`, `attributes`.
    """

    def __init__(
        self,
        store: AsyncStorageAdapter,
        name: str,
        *,
        content: str = "",
        encode: Callable[[StateT], str] | None = None,
        decode: Callable[[str], StateT] | None = None,
        describe: Callable[[StateT], Mapping[str, Any]] | None = None,
    ) -> None:
        self._store = store
        self._name = check_name(name)
        self._content = content
        self._codec = Codec(encode, decode)
        self._describe = describe
        self._algorithm: Algorithm[StateT, Any] | None = None
        self._saved: list[str] = []  # trial ids, in treequest's order
        self._saving = asyncio.Lock()

    @property
    def root_id(self) -> str:
        """Id of the search's root."""
        return self.node_id(-1)

    def node_id(self, expand_idx: int) -> str:
        """Return the id under which treequest's node of that number is stored."""
        return node_id(self._name, expand_idx)

    async def restore(self, algorithm: Algorithm[StateT, AlgoStateT]) -> AlgoStateT:
        """Return the algorithm's state as far as it is stored, a fresh one if nothing is.

        The root is saved and flushed before anything is read. This takes the project over from
        any earlier process, so that what is read here is all there will be.

        Raises:
            ValidationError: This kind of algorithm cannot be restored.
            RestoreError: The stored search was made by another algorithm or other settings, or
                nodes of it are missing.
            ConflictError: The search was stored with another `content`.
        """
        root = to_root(self._name, self._content, name_of(algorithm), settings_of(algorithm))
        await self._take_over(root)
        tree = await self._store.subtree(self.root_id)
        tells = from_nodes(self._name, tree, self._codec)
        state = replay(algorithm, tells)
        self._algorithm = algorithm
        self._saved = [told.trial_id for told in tells]
        return state

    async def _take_over(self, root: Node) -> None:
        for known in await self._store.nodes([root.id]):
            _check_same_search(known, root)
            root = Node(id=root.id, content=root.content)  # changes nothing that is stored
        await self._store.save_nodes_batch([root])
        await self._store.flush()

    async def save(self, state: Any) -> list[Node]:
        """Save the nodes that are new since the last `save` or `restore`.

        Accepted is not yet durable: `store.flush()` makes it so. Saving again after a failure or
        a cancellation is safe.

        Returns:
            What was saved, in treequest's order.

        Raises:
            ValidationError: `restore` was not called, `state` is not a continuation of it, or a
                node cannot be stored, its codec included.
            ConflictError: Another process went on with this search; restore it again.
        """
        if self._algorithm is None:
            problem = "is not restored yet; call `restore`, which also starts a new search"
            raise ValidationError(f"search {self._name}", "state", problem)
        async with self._saving:
            tells = tells_since(self._algorithm, state, self._fresh_nodes(state))
            nodes = [self._node(told) for told in tells]
            for run in _runs(nodes):
                await self._store.save_nodes_batch(run)
                self._saved.extend(node.attributes[RECORD]["trial_id"] for node in run)
        return nodes

    def _node(self, told: Told[StateT]) -> Node:
        described = self._describe(told.state) if self._describe is not None else {}
        return to_node(self._name, told, self._codec, described)

    def _fresh_nodes(self, state: Any) -> list[SearchNode[StateT]]:
        nodes: list[SearchNode[StateT]] = state.tree.get_nodes()[1:]
        known = len(self._saved)
        if len(nodes) < known or (known and nodes[known - 1].trial_id != self._saved[-1]):
            problem = f"does not go on from the {known} nodes that were stored; restore it again"
            raise ValidationError(f"search {self._name}", "state", problem)
        return nodes[known:]


def _check_same_search(stored: Node, wanted: Node) -> None:
    """Refuse to go on with other rules than the stored nodes were made by."""
    was, now = stored.attributes.get(RECORD), wanted.attributes[RECORD]
    if was != now:
        raise RestoreError(
            f"search {wanted.attributes['search']!r} was made by {was}, not by {now}; use the "
            "same algorithm and settings, or another name"
        )


def _runs(nodes: list[Node]) -> Iterator[list[Node]]:
    """Cut `nodes` so that no run holds parent and child: then no save has a reason to reorder."""
    run: dict[str, Node] = {}
    for node in nodes:
        if node.parent_id in run:
            yield list(run.values())
            run = {}
        run[node.id] = node
    if run:
        yield list(run.values())
