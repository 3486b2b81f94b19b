"""Copies of the package, each with one rule left out, and the cases that have to notice."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .mutants import MUTANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .mutants import Mutant

ROOT: Final = Path(__file__).parents[2]
AT_ONCE: Final = 3
"""Trials beside each other; each is a process, and most of it is waiting."""


def changed(mutant: Mutant) -> dict[str, str]:
    """Return the text of each file that a mutant changes, by the file's name.

    Raises:
        AssertionError: What is to be changed does not occur exactly once.
    """
    texts: dict[str, str] = {}
    for file, old, new in mutant.changes:
        text = texts.get(file) or (ROOT / file).read_text()
        count = text.count(old)
        assert count == 1, f"{mutant.name}: {file} has {count} times, not once: {old!r}"
        texts[file] = text.replace(old, new)
    return texts


def copy_package(folder: Path, mutant: Mutant | None = None) -> Path:
    """Copy the package into a folder, changed; return the copy, to be found as `sapwood` there."""
    copy = folder / "sapwood"
    shutil.copytree(ROOT / "src", copy)
    shutil.copytree(ROOT / "cypher", copy / "cypher")
    for file, text in (changed(mutant) if mutant else {}).items():
        path = copy / file.removeprefix("src/")
        path.write_text(text)
        # What was compiled may seem to be of the same file: as long, and of the same second.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
            compiled.unlink()
    return copy


async def try_copy(copy: Path, servers_file: Path, *cases: str) -> dict[str, str]:
    """Run cases, all if none is named, in a process that imports the copy; return what they found.

    Raises:
        AssertionError: The process ended by something that is no finding.
    """
    arguments = ("-m", "tests.faults.trial", str(servers_file), str(copy), *cases)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(copy.parent), "SAPWOOD_FAILPOINTS": ""},
    )
    out, said = await process.communicate()
    assert process.returncode == 0, said.decode()[-2_000:]
    found: dict[str, str] = json.loads(out)
    return found


async def control(folder: Path, servers_file: Path) -> dict[str, str]:
    """Run all cases on an unchanged copy: what they find is nobody's fault but their own."""
    return await try_copy(copy_package(folder / "unchanged"), servers_file)


async def hunt(
    folder: Path, servers_file: Path, mutants: Iterable[Mutant] = MUTANTS
) -> list[tuple[Mutant, str]]:
    """Run each mutant's case on its copy; return what it found, nothing for one not caught."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def catch(number: int, mutant: Mutant) -> tuple[Mutant, str]:
        async with turns:
            copy = copy_package(folder / f"mutant-{number}", mutant)
            found = await try_copy(copy, servers_file, mutant.case)
            shutil.rmtree(copy.parent)
        return mutant, found[mutant.case]

    return await asyncio.gather(*(catch(*each) for each in enumerate(mutants)))


def table() -> list[str]:
    """Return the lines of a table in Markdown: each mutant, what catches it, and as what."""
    return [
        "| hazard | left out | caught by | as |",
        "|---|---|---|---|",
        *(
            f"| {mutant.hazard} | {mutant.name} | {mutant.case.replace('_', ' ')} "
            f"| {mutant.seen_as} |"
            for mutant in MUTANTS
        ),
    ]


async def report(folder: Path, servers_file: Path) -> tuple[str, list[str]]:
    """Run everything; return a sentence in Markdown, and a line for each that is not caught."""
    unchanged, caught = await asyncio.gather(
        control(folder, servers_file), hunt(folder, servers_file)
    )
    wrong = [f"unchanged: {case}: {found}" for case, found in unchanged.items() if found]
    wrong += [
        f"mutant: {mutant.name}: {found or 'not caught'}"
        for mutant, found in caught
        if found != mutant.seen_as
    ]
    right = sum(found == mutant.seen_as for mutant, found in caught)
    said = (
        f"Of {len(caught)} [mutants of the protocol](mutants.md), each with one rule left out of "
        f"the source, {right} were caught; the unchanged protocol passed "
        f"{list(unchanged.values()).count('')} of their {len(unchanged)} cases."
    )
    return said, wrong
