"""Which tests run: those that need containers do where there are any, and one line tells if not."""

from __future__ import annotations

import pytest

from .images import compose, daemon

_HOW = 'eval "$(.venv/bin/python -m tests.containers.images)" starts a daemon on Debian'
_LINE = pytest.StashKey[str]()


def add_option(parser: pytest.Parser) -> None:
    """Add `--containers`."""
    parser.addoption(
        "--containers",
        choices=("auto", "require", "none"),
        default="auto",
        help="tests that need containers: run them if there is a Docker daemon, always, or never",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: needs a Docker daemon and `docker compose`")
    config.addinivalue_line("markers", "compose: needs `docker compose`, but no daemon")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what cannot run.

    Raises:
        pytest.UsageError: `--containers=require`, and something is missing.
    """
    marked = [item for item in items if _marks(item)]
    if not marked:
        return
    wanted = str(config.getoption("--containers"))
    missing = _missing(wanted)
    gone = [item for item in marked if _marks(item) & missing.keys()]
    if not gone:
        return
    why = "; ".join(dict.fromkeys(missing.values()))
    if wanted == "require":
        raise pytest.UsageError(f"{len(gone)} tests need containers: {why}. {_HOW}.")
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]
    config.stash[_LINE] = f"{len(gone)} tests that need containers were left out: {why}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    line = config.stash.get(_LINE, None)
    if line is not None:
        terminalreporter.write_line(line, yellow=True)


def _marks(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()} & {"containers", "compose"}


def _missing(wanted: str) -> dict[str, str]:
    """Say, for each mark whose tests cannot run, why not."""
    if wanted == "none":
        return dict.fromkeys(("containers", "compose"), "--containers=none")
    if not compose.works():
        return dict.fromkeys(("containers", "compose"), "there is no `docker compose`")
    return {} if daemon.answers() else {"containers": "no Docker daemon answers"}
