"""Clients under faults, on servers of their own that are killed too; and what came of it.

python -m tests.histories [--seconds 240] [--seed 1] [--servers histories] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from sapwood.servers import EmbeddedServers, default_data_dir
from tests.faults.conftest import prepare
from tests.faults.torture import NOISY

from .runner import run


async def main(options: argparse.Namespace, folder: Path) -> int:
    """Run once, and print what it came to; 1 if anything was wrong."""
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    embedded = EmbeddedServers(default_data_dir(options.servers), class_cache=False)
    servers = embedded.up()
    try:
        for store in await prepare(servers):
            await store.close()
        summary = await run(
            servers, folder, seconds=options.seconds, seed=options.seed, to_kill=embedded
        )
    finally:
        embedded.down()
    print(summary.text())
    return 1 if summary.wrong else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", default="histories", help="data folder of its own servers")
    parser.add_argument("--keep", type=Path, help="leave the history in this folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(asyncio.run(main(given, given.keep or Path(temporary))))
