"""How long the state machine tries, and what its choices follow from."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("sapwood.testing.conformance")

if TYPE_CHECKING:
    from collections.abc import Iterator


# Steps of servers take milliseconds; hypothesis takes seconds for a sign of something wrong.
_SLOW = settings(
    stateful_step_count=30,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("quick", _SLOW, max_examples=25)
settings.register_profile("long", _SLOW, max_examples=500, stateful_step_count=50)


@pytest.fixture(autouse=True)
def profile() -> Iterator[None]:
    """`SAPWOOD_MACHINE=long` tries for about ten minutes."""
    before = settings.get_current_profile_name()
    settings.load_profile(os.environ.get("SAPWOOD_MACHINE", "quick"))
    yield
    settings.load_profile(before)


@pytest.fixture
def machine_seed(pytestconfig: pytest.Config) -> int:
    """What the machine's choices follow from: `--hypothesis-seed`, else printed if it fails."""
    given = pytestconfig.getoption("hypothesis_seed")
    chosen = random.SystemRandom().getrandbits(32) if given is None else int(given)
    print(f"repeat it with --hypothesis-seed={chosen}")
    return chosen
