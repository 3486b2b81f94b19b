"""Where the daemon's data, the images' parts and the logs are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path


def cache_dir() -> Path:
    """Return the folder, made if need be."""
    given = os.environ.get("SAPWOOD_CONTAINERS_CACHE")
    folder = Path(given) if given else user_cache_path("sapwood") / "containers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
