"""What programs in processes of their own need to find the tests' servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints


@pytest.fixture
def servers_file(servers: Endpoints, tmp_path: Path) -> Path:
    """The servers' addresses and passwords, where no list of processes shows them."""
    return write_servers(servers, tmp_path)


def write_servers(servers: Endpoints, folder: Path) -> Path:
    """Write the servers' addresses and passwords for this user's eyes."""
    path = folder / "servers.json"
    path.touch(mode=0o600)
    path.write_text(
        json.dumps(
            {
                "database_url": servers.database_url.get_secret_value(),
                "neo4j_uri": servers.neo4j_uri,
                "username": servers.neo4j_username,
                "password": servers.neo4j_password.get_secret_value(),
            }
        )
    )
    return path
