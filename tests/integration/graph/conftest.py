"""Fixtures of the graph room: a project of the test's own, written as the delivery does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood.graph import GraphWriter, NodeRepository

from .trees import Grove

if TYPE_CHECKING:
    from sapwood import Graph


@pytest.fixture
def writer(graph: Graph) -> GraphWriter:
    return GraphWriter(graph)


@pytest.fixture
def nodes(graph: Graph) -> NodeRepository:
    return NodeRepository(graph)


@pytest.fixture
async def grove(writer: GraphWriter, project_id: str) -> Grove:
    """The test's project, begun in the graph, without nodes."""
    await writer.create_watermark(project_id, "first")
    return Grove(writer, project_id)
