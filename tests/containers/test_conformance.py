"""The suite that every adapter has to pass, on servers in containers."""

from __future__ import annotations

import pytest

from ..conformance.servers import ServersConformance

pytestmark = pytest.mark.containers


class TestContainers(ServersConformance):
    """`database` and `graph` are those of the containers in this folder."""
