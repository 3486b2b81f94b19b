"""A program is stopped at each failpoint, by an error, for ever, or by a kill; then it lives again.

Hazards: A3, A4, A16, D6; I1 to I6. `make torture` goes through each visit of each; here it is one.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sapwood import failpoints

from .breaking import ACTIONS, Action, names_its_cause, run
from .life import SMALL
from .scenario import expected

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood import Database, Graph

PASSED = [name for name in failpoints.NAMES if not name.startswith("quarantine.")]
"""What a life passes; in a quarantine, which needs a stalled project, programs are killed by tests
of their own."""
TWICE = (
    failpoints.CLAIM_AFTER_COMMIT,
    failpoints.PRUNE_AFTER_PART,
    failpoints.CLEAR_BEFORE_BEGIN,
    failpoints.CLEAR_AFTER_BEGIN,
)
"""What a life passes only so often; what is of a deletion once, the rest oftener."""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in SMALL.items():
        monkeypatch.setattr(constant, value)


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("failpoint", PASSED)
async def test_a_life_that_was_stopped_at_a_failpoint_is_lived_to_its_end(
    failpoint: str,
    action: Action,
    database: Database,
    graph: Graph,
    servers_file: Path,
    project_id: str,
) -> None:
    most = 1 if failpoint.startswith("delete") else 2 if failpoint in TWICE else 4
    visit = random.Random(f"{failpoint} {action}").randint(1, most)
    found = await run((database, graph), servers_file, project_id, (failpoint, action, visit))
    assert found.happened, f"no visit {visit}"
    assert found.held == await expected()
    if action == "raise":
        assert names_its_cause(failpoint, found.error), repr(found.error)
