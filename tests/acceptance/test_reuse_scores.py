"""The program of `docs/how-to/reuse-scores.md` runs as it stands there, and pays once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .programs import program, run

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

PAGE = "docs/how-to/reuse-scores.md"


def test_the_loop_pays_for_each_score_once_and_prices_a_new_rubric(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    text = program(PAGE, "reuse-scores", project_id)
    first, *preview = run(text, servers, tmp_path)
    assert first == "4 calls for 6 scores; best: '1 24'"
    assert preview == ["close: 3 kept, 0 to compute", "open: 0 kept, 3 to compute"]
    again, *_ = run(text, servers, tmp_path)
    assert again.startswith("0 calls"), "another process finds the scores by content"
