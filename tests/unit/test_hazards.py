"""Promises and hazards in docs/explanation/guarantees.md, held against the tests that they name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "explanation" / "guarantees.md").read_text()
PROMISES: Final = dict(re.findall(r"^\| (\d+) \| [^|]+ \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE))
TABLE: Final = dict(re.findall(r"^\| ([A-G]\d+) \| [^|]+ \| (.+) \|$", PAGE, re.MULTILINE))
KNOWN: Final = {"A": 19, "B": 17, "C": 12, "D": 12, "E": 10, "F": 7, "G": 3}
"""How many hazards each letter has."""
TESTS: Final = {
    name
    for folder in ("tests", "src/testing")
    for path in (ROOT / folder).rglob("*.py")
    for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}


def test_promises_are_numbered_in_order() -> None:
    assert [*map(int, PROMISES)] == [*range(1, len(PROMISES) + 1)] != []


@pytest.mark.parametrize("promise", PROMISES)
def test_a_promise_is_shown_by_tests_that_exist(promise: str) -> None:
    named = _named(PROMISES[promise])
    assert named
    assert named <= TESTS, f"no such test: {', '.join(sorted(named - TESTS))}"


def test_every_hazard_has_its_line() -> None:
    every = [f"{letter}{at}" for letter, count in KNOWN.items() for at in range(1, count + 1)]
    assert list(TABLE) == every


@pytest.mark.parametrize("hazard", TABLE)
def test_a_hazard_is_answered_by_a_test_that_exists_or_by_a_reason(hazard: str) -> None:
    answer = TABLE[hazard]
    named = _named(answer)
    assert named <= TESTS, f"no such test: {', '.join(sorted(named - TESTS))}"
    assert named or answer.startswith(("Cannot arise", "Not promised"))


def _named(cell: str) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", cell))
