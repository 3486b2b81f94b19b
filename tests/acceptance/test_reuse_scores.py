"""The program of `docs/how-to/reuse-scores.md` runs as it stands there, and pays once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from .test_readme import ROOT, server_variables

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

PAGE = (ROOT / "docs/how-to/reuse-scores.md").read_text()


def run(program: str, servers: Endpoints, folder: Path) -> list[str]:
    """Return the lines it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        env={**os.environ, **server_variables(servers)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_loop_pays_for_each_score_once_and_prices_a_new_rubric(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    program = str(text).replace('"reuse-scores"', repr(project_id))
    first, *preview = run(program, servers, tmp_path)
    assert first == "4 calls for 6 scores; best: '1 24'"
    assert preview == ["close: 3 kept, 0 to compute", "open: 0 kept, 3 to compute"]
    again, *_ = run(program, servers, tmp_path)
    assert again.startswith("0 calls"), "another process finds the scores by content"
