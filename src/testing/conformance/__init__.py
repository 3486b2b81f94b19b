"""The promises of an adapter as tests: one suite for every implementation.

    class TestMine(StoreConformance):
        @pytest.fixture
        def make_store(self) -> MakeStore:
            stores = MyStores()
            return lambda project_id, **options: MyAdapter(stores, project_id=project_id, **options)

The tests are coroutines: run them with pytest-asyncio in its mode `auto`. Stores may be shared by
all tests, since each takes a project of its own.
"""

from __future__ import annotations

from .arguments import ArgumentsConformance
from .base import MakeStore, OpenStore
from .branches import BranchesConformance
from .caching import CachingConformance
from .deleting import DeletingConformance
from .flushing import FlushingConformance
from .judging import JudgingConformance
from .labelling import LabellingConformance
from .lifecycle import LifecycleConformance
from .paging import PagingConformance
from .pruning import PruningConformance
from .reading import ReadingConformance
from .rubrics import RubricsConformance
from .saving import SavingConformance
from .scoring import ScoringConformance
from .writers import WritersConformance


class StoreConformance(
    SavingConformance,
    PruningConformance,
    ScoringConformance,
    RubricsConformance,
    LabellingConformance,
    JudgingConformance,
    CachingConformance,
    FlushingConformance,
    ReadingConformance,
    BranchesConformance,
    ArgumentsConformance,
    PagingConformance,
    WritersConformance,
    DeletingConformance,
    LifecycleConformance,
):
    """All of it; a subclass supplies the fixture `make_store`."""


__all__ = ["MakeStore", "OpenStore", "StoreConformance"]
