"""What a program waits for before it uses anything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from harness import Case, Ratio

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from harness import Bench, Contender, Contenders

TIMES: Final = 10
PYTHON, PACKAGE, NODE, OPEN = "Python alone", "import sapwood", "a node", "sapwood.open"
DRIVER, MODELS = "import neo4j", "import pydantic"
STATEMENTS: Final = {
    PACKAGE: "import sapwood",
    NODE: "from sapwood import Node",
    OPEN: "import sapwood; sapwood.open",
    PYTHON: "pass",
    MODELS: "from pydantic import BaseModel",
    DRIVER: "import neo4j",
}
ABOUT = f"""
A process of Python that imports something and ends, {TIMES} times a round, each by itself; the
bytecode is there already. *a node* imports `Node`; *sapwood.open* all that opening a project needs:
both drivers, SQLAlchemy, numpy. `import sapwood` was meant to take less than 300 ms.
"""


@asynccontextmanager
async def prepare(_bench: Bench, size: int) -> AsyncGenerator[Contenders]:
    def starts(statement: str) -> list[float]:
        found: list[float] = []
        for _ in range(size):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True)
            found.append((time.perf_counter() - began) * 1_000)
        return found

    def contender(statement: str) -> Contender:
        async def run() -> list[float]:
            return await asyncio.to_thread(starts, statement)

        return run

    yield {name: contender(statement) for name, statement in STATEMENTS.items()}


CASES = (
    Case(
        name="starting",
        title="starting",
        unit="ms",
        about=ABOUT,
        prepare=prepare,
        quick={TIMES: 3},
        full={TIMES: 9},
        counts="processes",
        packages=("pydantic",),
        targets=(
            Ratio(over="Python alone: `import sapwood`", ours=PACKAGE, peer=PYTHON),
            Ratio(over="`import pydantic`: `from sapwood import Node`", ours=NODE, peer=MODELS),
            Ratio(over="`import neo4j`: `sapwood.open`", ours=OPEN, peer=DRIVER),
        ),
    ),
)
