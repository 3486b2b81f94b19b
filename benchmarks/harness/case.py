"""A case: what is measured, between whom, at which sizes, and what must be reached."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .bench import Bench
    from .targets import Target

Contender = Callable[[], Awaitable[float | Sequence[float]]]
"""Does its work once; returns the figure, or several, such as one latency a flush."""
Contenders = Mapping[str, Contender]
"""By name, ours first. Each must do the same to the same data."""
Prepare = Callable[["Bench", int], AbstractAsyncContextManager[Contenders]]
"""Lends the contenders of one size; makes their data before and drops it afterwards."""
Rounds = Mapping[int, int]
"""Sizes, and how many rounds are measured at each."""


class CannotDoError(Exception):
    """A contender cannot do this at this size; the report says why."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: Short, of `a-z0-9-`; names its files.
        title: The row's name in the table.
        unit: Of all figures, such as `nodes/s`, `ms`, `MiB`.
        about: What is inside the clock, on both sides; Markdown.
        prepare: Lends the contenders.
        quick: Sizes of `make bench`; none leaves the case out.
        full: Sizes of `make bench-full`.
        targets: What must be reached, in the order of the table's rows.
        better: Whether a good figure is a large one or a small one.
        counts: What a size counts.
        packages: Whose versions the report names, besides the drivers'.
    """

    name: str
    title: str
    unit: str
    about: str
    prepare: Prepare
    quick: Rounds
    full: Rounds
    targets: tuple[Target, ...] = ()
    better: Literal["more", "less"] = "less"
    counts: str = "nodes"
    packages: tuple[str, ...] = ()


def peer(module: str) -> Any:
    """Import a module of another library, which only the extra `bench` brings.

    Raises:
        CannotDoError: It is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as exc:
        raise CannotDoError(f"{exc.name} is not installed; `make bench` does it") from exc


async def seconds(call: Awaitable[object]) -> float:
    """Return how long something took."""
    began = time.perf_counter()
    await call
    return time.perf_counter() - began
