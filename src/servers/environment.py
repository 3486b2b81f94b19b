"""The environment that the servers get: only what they need, so nothing of the user's leaks in."""

from __future__ import annotations

import os

_KEPT = ("PATH", "TZ", "TMPDIR")


def server_environment(home: str) -> dict[str, str]:
    """Build a server's environment.

    A server lives longer than the shell that started it, and variables such as `PGPORT` or
    `JAVA_TOOL_OPTIONS` would change it; API keys and passwords have no business there at all.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {"PATH": os.defpath, **kept, "HOME": home, "LANG": "C.UTF-8"}
