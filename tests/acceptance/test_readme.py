"""README's program runs as it stands there, typed by a newcomer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .programs import ROOT, program, run

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

README = (ROOT / "README.md").read_text()


def test_the_program_on_the_first_screen_runs_and_prints_the_path(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    text = program("README.md", "hello-tree", project_id)
    assert len(text.strip().splitlines()) <= 15
    receipt, *path = run(text, servers, tmp_path)
    assert "seq=1 nodes=2 statuses=1" in receipt
    assert "applied=True" in receipt
    assert path == ["4 9 10 13 complete", "  (10 - 4) 9 13 alive"]


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_first_screen_names_the_two_commands() -> None:
    first_screen = README[:1200]
    assert "make demo" in first_screen
    assert "make test" in first_screen
