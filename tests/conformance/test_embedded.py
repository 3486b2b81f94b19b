"""The real adapter over embedded servers keeps its promises."""

from __future__ import annotations

from .servers import ServersConformance


class TestEmbedded(ServersConformance):
    pass
