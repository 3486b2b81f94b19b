"""Durable storage for search trees: nodes in Neo4j, everything else in PostgreSQL.

    async with sapwood.open("game-of-24") as store:
        await store.save_nodes_batch([Node(content="4 9 10 13")])
        receipt = await store.flush()

Names are imported when they are first used, so that `import sapwood` is quick.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .adapter import AsyncStorageAdapter
    from .cached import CachedScores, ScoreKey
    from .errors import (
        ClosedError,
        ConflictError,
        DivergedError,
        FencedError,
        JournalError,
        MissingExtraError,
        NotFoundError,
        ReadOnlyError,
        RejectedItemsError,
        SapwoodError,
        SchemaError,
        ServerError,
        SettingsError,
        StaleReadError,
        StalledError,
        StoreError,
        UnavailableError,
        ValidationError,
    )
    from .graph import Graph
    from .judges import judge_name
    from .loading import LoadedProject
    from .model import (
        BranchStats,
        Difference,
        InvalidationPreview,
        Node,
        NodeStatus,
        Principle,
        PrinciplePreview,
        PrincipleScore,
        Project,
        Receipt,
        RejectedItem,
        Rubric,
        Verification,
        new_id,
    )
    from .nodes import Nodes
    from .opening import open  # noqa: A004
    from .relational import Database
    from .rubric_model import RubricChanges, RubricDiff
    from .samples import Agreement, LabelCandidate, LabeledSample
    from .scales import ClassScale, NumberScale
    from .settings import Settings
    from .streaming import NodeStream
    from .tree import Tree

    __version__: str

logging.getLogger(__name__).addHandler(logging.NullHandler())  # who wants to read it, says where

_HOMES = {
    "adapter": ("AsyncStorageAdapter",),
    "cached": ("CachedScores", "ScoreKey"),
    "errors": (
        "ClosedError",
        "ConflictError",
        "DivergedError",
        "FencedError",
        "JournalError",
        "MissingExtraError",
        "NotFoundError",
        "ReadOnlyError",
        "RejectedItemsError",
        "SapwoodError",
        "SchemaError",
        "ServerError",
        "SettingsError",
        "StaleReadError",
        "StalledError",
        "StoreError",
        "UnavailableError",
        "ValidationError",
    ),
    "graph": ("Graph",),
    "judges": ("judge_name",),
    "loading": ("LoadedProject",),
    "model": (
        "BranchStats",
        "Difference",
        "InvalidationPreview",
        "Node",
        "NodeStatus",
        "Principle",
        "PrinciplePreview",
        "PrincipleScore",
        "Project",
        "Receipt",
        "RejectedItem",
        "Rubric",
        "Verification",
        "new_id",
    ),
    "nodes": ("Nodes",),
    "opening": ("open",),
    "relational": ("Database",),
    "rubric_model": ("RubricChanges", "RubricDiff"),
    "samples": ("Agreement", "LabelCandidate", "LabeledSample"),
    "scales": ("ClassScale", "NumberScale"),
    "settings": ("Settings",),
    "streaming": ("NodeStream",),
    "tree": ("Tree",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Agreement",
    "AsyncStorageAdapter",
    "BranchStats",
    "CachedScores",
    "ClassScale",
    "ClosedError",
    "ConflictError",
    "Database",
    "Difference",
    "DivergedError",
    "FencedError",
    "Graph",
    "InvalidationPreview",
    "JournalError",
    "LabelCandidate",
    "LabeledSample",
    "LoadedProject",
    "MissingExtraError",
    "Node",
    "NodeStatus",
    "NodeStream",
    "Nodes",
    "NotFoundError",
    "NumberScale",
    "Principle",
    "PrinciplePreview",
    "PrincipleScore",
    "Project",
    "ReadOnlyError",
    "Receipt",
    "RejectedItem",
    "RejectedItemsError",
    "Rubric",
    "RubricChanges",
    "RubricDiff",
    "SapwoodError",
    "SchemaError",
    "ScoreKey",
    "ServerError",
    "Settings",
    "SettingsError",
    "StaleReadError",
    "StalledError",
    "StoreError",
    "Tree",
    "UnavailableError",
    "ValidationError",
    "Verification",
    "__version__",
    "judge_name",
    "new_id",
    "open",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        value = import_module("importlib.metadata").version(__name__)
    elif name in _HOME_OF:
        value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
