"""What came of a case: every sample of every round, in a file that the report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from .targets import Target  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from pathlib import Path

    from .targets import Row


class Machine(BaseModel):
    """Where it was measured: nothing that tells one machine of a kind from another.

    Attributes:
        versions: By name: `python`, `neo4j`, `postgresql`, and the packages.
        commit: Of the working copy; ends in `+` if that was not clean.
    """

    cpus: int
    memory_gib: float
    system: str
    versions: dict[str, str]
    date: str
    commit: str


class Point(BaseModel):
    """The rounds of one size.

    Attributes:
        rounds: For each round the samples by contender.
        failed: Who cannot do it, and why.
    """

    size: int
    rounds: list[dict[str, list[float]]]
    failed: dict[str, str] = {}

    def contenders(self) -> list[str]:
        """Return the names, in the case's own order."""
        return list({name: None for samples in self.rounds for name in samples})

    def samples(self, name: str) -> list[float]:
        """Return all samples of a contender."""
        return [value for samples in self.rounds for value in samples.get(name, [])]


class Result(BaseModel):
    """A case as it was run."""

    name: str
    title: str
    unit: str
    about: str
    better: Literal["more", "less"]
    counts: str
    scale: Literal["quick", "full"]
    targets: list[Target]
    machine: Machine
    points: list[Point]

    def rows(self) -> list[Row]:
        """Return its rows of the table."""
        return [row for target in self.targets for row in target.rows(self)]

    def write(self, folder: Path) -> None:
        """Write the file of this case."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.json").write_text(self.model_dump_json() + "\n")


def read_results(folder: Path) -> list[Result]:
    """Return what the files hold, by name."""
    return [Result.model_validate_json(file.read_text()) for file in sorted(folder.glob("*.json"))]
