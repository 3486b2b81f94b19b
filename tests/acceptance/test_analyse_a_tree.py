"""The program of `docs/how-to/analyse-a-tree.md` runs as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .programs import program, run

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

PAGE = "docs/how-to/analyse-a-tree.md"


def test_a_tree_becomes_a_data_frame_a_graph_and_a_table(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    text = program(PAGE, "analysed-tree", project_id)
    assert run(text, servers, tmp_path) == [
        "[(0, 1, 0.5), (1, 2, 0.5)]",
        "1 4 9 10 13",
        "timestamp[us, tz=UTC]",
    ]
