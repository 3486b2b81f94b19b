"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Data folder of the embedded servers.",
        show_default="SAPWOOD_DATA_DIR, else the user's own",
        file_okay=False,
    ),
]
ProjectId = Annotated[str, typer.Argument(metavar="PROJECT", help="Name of the project.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
