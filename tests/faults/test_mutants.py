"""The protocol with a rule left out of its source is caught by a fault, at one place each.

Hazards: those that each mutant names. A suite that no broken protocol fails says nothing of the
one that is not broken. `SAPWOOD_MUTANTS=all` tries all of them, as `make torture` does.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from .mutants import MUTANTS
from .mutating import ROOT, changed, control, hunt, table
from .trial import CASES

if TYPE_CHECKING:
    from pathlib import Path

    from .mutants import Mutant

pytestmark = pytest.mark.once

TRIED = MUTANTS if os.environ.get("SAPWOOD_MUTANTS") == "all" else MUTANTS[::3]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_what_a_mutant_changes_is_in_the_source_exactly_once(mutant: Mutant) -> None:
    for file, text in changed(mutant).items():
        if file.endswith(".py"):
            compile(text, file, "exec")


def test_each_case_is_needed_by_a_mutant() -> None:
    assert {mutant.case for mutant in MUTANTS} == set(CASES)


def test_the_page_lists_each_mutant() -> None:
    page = (ROOT / "docs/explanation/mutants.md").read_text()
    assert [line for line in page.splitlines() if line.startswith("|")] == table()


@pytest.mark.usefixtures("database", "graph")
async def test_each_mutant_is_caught_and_the_protocol_itself_passes(
    servers_file: Path, tmp_path: Path
) -> None:
    unchanged, caught = await asyncio.gather(
        control(tmp_path, servers_file), hunt(tmp_path, servers_file, TRIED)
    )
    assert unchanged == dict.fromkeys(CASES, "")
    assert {mutant.name: found for mutant, found in caught} == {
        mutant.name: mutant.seen_as for mutant in TRIED
    }
