"""The only room that knows Neo4j: connection and schema, statements, reads, guarded writes."""

from __future__ import annotations

from .clearing import GraphClearing
from .columns import Guard
from .connection import Graph
from .overview import GraphOverview, GraphServer
from .reads import KEYS, Key, NodeRepository
from .rows import Rows, rows_of
from .writes import ApplyTransaction, GraphWriter, Watermark

__all__ = [
    "KEYS",
    "ApplyTransaction",
    "Graph",
    "GraphClearing",
    "GraphOverview",
    "GraphServer",
    "GraphWriter",
    "Guard",
    "Key",
    "NodeRepository",
    "Rows",
    "Watermark",
    "rows_of",
]
