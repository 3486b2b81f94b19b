"""Measures Sapwood beside its peers in one run, round by round, and judges the ratios.

A module of `cases/` has a tuple `CASES`; a `Case` says what is measured, at which sizes, and what
must be reached; its `prepare` lends the contenders, each a call that gives one figure or several:

    @asynccontextmanager
    async def prepare(bench: Bench, size: int) -> AsyncGenerator[Contenders]:
        project = await bench.once(f"planted {size}", partial(plant, bench, size))

        async def ours() -> float:
            return await seconds(project.store.load_project())

        yield {"sapwood": ours, "driver": driver}

What `bench.once` made is shared by all cases of a run.

`python benchmarks/run.py --only NAME --sizes 1000 --rounds 2` tries one.
"""

from .bench import Bench, open_bench
from .case import CannotDoError, Case, Contender, Contenders, peer, seconds
from .targets import Flat, Ratio

__all__ = [
    "Bench",
    "CannotDoError",
    "Case",
    "Contender",
    "Contenders",
    "Flat",
    "Ratio",
    "open_bench",
    "peer",
    "seconds",
]
