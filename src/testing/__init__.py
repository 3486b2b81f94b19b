"""For tests of programs that store search trees: an adapter in memory, trees, and the suite.

    stores = MemoryStores()
    async with MemoryAdapter(stores, project_id="game-of-24") as store: ...

`MemoryAdapter` keeps what `AsyncStorageAdapter` promises, and needs no server; adapters over the
same `MemoryStores` see each other as processes do that share PostgreSQL and Neo4j. The suite that
holds both to the same promises is `sapwood.testing.conformance` (needs pytest); a state machine
that compares them, `sapwood.testing.machine` (needs hypothesis).
"""

from __future__ import annotations

from .factories import make_tree
from .interface import Store
from .memory import MemoryAdapter
from .stores import MemoryStores

__all__ = ["MemoryAdapter", "MemoryStores", "Store", "make_tree"]
