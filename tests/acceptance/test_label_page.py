"""The program of `docs/how-to/label-and-compare-judges.md` runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .test_readme import server_variables

if TYPE_CHECKING:
    from sapwood.servers import Endpoints

PAGE = Path(__file__).parents[2] / "docs/how-to/label-and-compare-judges.md"


def test_the_program_of_the_page_labels_and_compares(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program.replace("hello-labels", project_id)],
        cwd=tmp_path,
        env={**os.environ, **server_variables(servers)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    of_principle, whole, exported = done.stdout.splitlines()
    judge, key, count, spearman, kappa = of_principle.split()
    assert (judge, key, count) == ("llm@1", "closeness", "4")
    assert 0.9 < float(spearman) < 1
    assert 0.5 < float(kappa) < 1
    assert whole == "llm@1 the whole 0 None None"
    assert exported == "4 label(s) in labels.csv"
    assert (tmp_path / "labels.csv").read_text().count("closeness") == 0, "principles by id"
