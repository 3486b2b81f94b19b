"""What every part of the suite starts from."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest

from ...model import Node, NodeStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Unpack

    from ...settings import Mode, Options
    from ..interface import Store


class MakeStore(Protocol):
    """Makes an adapter; nobody closes it."""

    def __call__(
        self, project_id: str, *, title: str = "", mode: Mode = "own", **options: Unpack[Options]
    ) -> Store: ...


class OpenStore(Protocol):
    """Makes an adapter that is closed at the end of the test, for its project if none is named."""

    def __call__(
        self,
        project_id: str | None = None,
        *,
        title: str = "",
        mode: Mode = "own",
        **options: Unpack[Options],
    ) -> Store: ...


class Conformance:
    """Fixtures of the suite."""

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """How to make an adapter: a subclass says it."""
        raise NotImplementedError

    @pytest.fixture
    def project_id(self, request: pytest.FixtureRequest) -> str:
        """A project of the test's own, named after it."""
        name = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name.removeprefix("test_"))
        return f"{name[:45]}.{uuid4().hex[:16]}"

    @pytest.fixture
    async def open_store(self, make_store: MakeStore, project_id: str) -> AsyncIterator[OpenStore]:
        """Adapters that are closed at the end."""
        stores: list[Store] = []
        own_id = project_id

        def make(
            project_id: str | None = None,
            *,
            title: str = "",
            mode: Mode = "own",
            **options: Unpack[Options],
        ) -> Store:
            store = make_store(project_id or own_id, title=title, mode=mode, **options)
            stores.append(store)
            return store

        yield make
        for store in stores:
            await store.close()


def chain(*names: str, under: str | None = None) -> list[Node]:
    """Return nodes of these ids, each the only child of the one before."""
    parents = [under, *names]
    return [Node(id=name, parent_id=parents[at], content="") for at, name in enumerate(names)]


async def first_of(store: Store, **options: Any) -> Node | None:
    """Return the first node that `iter_nodes` gives."""
    async for node in store.iter_nodes(**options):
        return node
    return None


async def grow(store: Store, size: int, seed: int = 1) -> dict[str, Node]:
    """Save nodes under random parents."""
    rng = random.Random(seed)
    made: list[Node] = []
    for at in range(size):
        parent = rng.choice(made).id if made else None
        score = rng.choice([None, rng.random()])
        status = rng.choice(list(NodeStatus))
        made.append(Node(parent_id=parent, content=f"{at}", score=score, status=status))
    await store.save_nodes_batch(made)
    return {node.id: node for node in made}
