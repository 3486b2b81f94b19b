"""The command `sapwood`."""

from __future__ import annotations

import sys
from importlib import import_module


def main() -> None:
    """Run the command line; ends the process with its exit code.

    Exit codes: 0 done, 1 an error that was explained, 2 wrong usage, 3 not healthy, 130 Ctrl-C.
    """
    try:
        for name in ("rich", "typer"):
            import_module(name)
    except ImportError as exc:
        sys.stderr.write(
            f"The command line needs {exc.name}, which is not installed. Run:\n"
            '  pip install "sapwood[cli]"\n'
        )
        raise SystemExit(1) from None
    from .app import app

    app()
