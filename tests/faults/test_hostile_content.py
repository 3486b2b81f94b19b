"""Hostile values are refused with nothing queued, or come back from both stores as they were.

Hazards: E1 (NUL), E2 (lone surrogates), E3 (integers beyond 64 bits), E4 (NaN and infinities), E5
(deep nesting, which ends a process inside the driver's extension), E6 (other types), E7 (huge
texts), E8 (long ids), E9 (ids equal after normalisation), F2 (injection), B16 (index keys).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOSTILE = Path(__file__).with_name("hostile.py")


@pytest.mark.usefixtures("database", "graph")
@pytest.mark.parametrize("packer", ["rust", "python"])
def test_a_hostile_value_is_refused_or_comes_back_whichever_code_packs_it(
    packer: str, servers_file: Path, project_id: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(HOSTILE), str(servers_file), project_id, packer],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    counted = re.search(r"kept (\d+) refused (\d+)", done.stdout)
    assert counted is not None
    assert int(counted[1]) > 200
    assert int(counted[2]) > 200
