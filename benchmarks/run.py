"""Run the cases, write their results, make the page of them.

    python benchmarks/run.py [--full] [--only NAME,NAME] [--rounds N] [--sizes N,N]
                             [--servers bench] [--to docs/benchmarks]
    python benchmarks/run.py --list
    python benchmarks/run.py --report

`--only` takes names of cases or beginnings of them. `--rounds` and `--sizes` are for trials. The
servers are the embedded ones of a data folder of this name, started if they do not run, and then
stopped at the end. `--report` runs nothing: it makes the page of the results that are there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from cases import all_cases
from harness import CannotDoError, open_bench
from harness.measuring import measure
from harness.report import write_report

if TYPE_CHECKING:
    from harness import Case

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks"


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="large sizes too")
    parser.add_argument("--only", type=lambda text: tuple(text.split(",")), default=("",))
    parser.add_argument("--rounds", type=int, help="instead of each case's own number")
    parser.add_argument("--sizes", type=lambda text: [int(size) for size in text.split(",")])
    parser.add_argument("--servers", default="bench", help="data folder of the embedded servers")
    parser.add_argument("--to", type=Path, default=DOCS, help="where the page goes")
    parser.add_argument("--list", action="store_true", help="print the cases")
    parser.add_argument("--report", action="store_true", help="only make the page")
    return parser.parse_args()


def rounds_of(case: Case, options: argparse.Namespace) -> dict[int, int]:
    """Return sizes and rounds, as the case or the command line has them."""
    rounds = dict(case.full if options.full else case.quick)
    if options.sizes:
        rounds = dict.fromkeys(options.sizes, 3)
    return {size: options.rounds or count for size, count in rounds.items()}


async def run(cases: list[Case], options: argparse.Namespace) -> list[str]:
    """Run the cases one after the other; a failure of one is printed, and the next goes on.

    Returns:
        The names of those that failed.
    """
    failed: list[str] = []
    async with open_bench(options.servers, full=options.full) as bench:
        for case in cases:
            try:
                result = await measure(bench, case, rounds_of(case, options))
            except CannotDoError as exc:
                print(f"{case.name}: left out, {exc}", flush=True)
                failed.append(case.name)
            except Exception:
                traceback.print_exc()
                failed.append(case.name)
            else:
                result.write(options.to / "results")
                for row in result.rows():
                    print("  =>", *(str(cell) for cell in row if cell not in ("", None)), sep="  ")
    return failed


def main() -> None:
    options = read_options()
    order = [case.name for case in all_cases()]
    cases = [case for case in all_cases() if case.name.startswith(options.only)]
    if options.list:
        for case in cases:
            print(f"{case.name:24} {case.title}")
        return
    wanted = [] if options.report else [case for case in cases if rounds_of(case, options)]
    failed = asyncio.run(run(wanted, options)) if wanted else []
    write_report(options.to, order)
    print(f"\nwritten: {options.to / 'README.md'}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
