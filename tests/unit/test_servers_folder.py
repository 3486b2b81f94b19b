"""The data folder: only one that is ours is touched, and one folder is one folder."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from sapwood.servers import EmbeddedServers
from sapwood.servers.errors import DataFolderError
from sapwood.servers.folder import DataFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Somebody's folder, which only looks a little like a data folder."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in ("lock", "passwords", "thesis.txt"):
        (folder / name).write_text("precious")
    folder.chmod(0o755)
    return folder


def _look(folder: Path) -> tuple[int, dict[str, str]]:
    content = {path.name: path.read_text() for path in folder.iterdir()}
    return stat.S_IMODE(folder.stat().st_mode), content


def test_up_refuses_a_folder_of_somebodys_own_and_leaves_it_as_it_is(foreign: Path) -> None:
    before = _look(foreign)
    with pytest.raises(DataFolderError, match="not empty and is no data folder"):
        EmbeddedServers(foreign).up()
    assert _look(foreign) == before


def test_down_of_a_folder_of_somebodys_own_finds_nothing_and_leaves_it_as_it_is(
    foreign: Path,
) -> None:
    before = _look(foreign)
    assert EmbeddedServers(foreign).down() is False
    assert _look(foreign) == before


def test_down_and_status_create_nothing(tmp_path: Path) -> None:
    servers = EmbeddedServers(tmp_path)
    assert servers.down() is False
    assert not servers.status().healthy
    DataFolder(tmp_path).create()
    before = sorted(tmp_path.rglob("*"))
    assert servers.down() is False
    assert not servers.status().healthy
    assert sorted(tmp_path.rglob("*")) == before


def test_servers_that_run_on_another_host_are_neither_joined_nor_started_nor_stopped(
    tmp_path: Path,
) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    folder.lock.touch()
    (folder.postgres / "data").mkdir()
    (folder.postgres / "data" / "postmaster.pid").write_text("1\n")
    place = {"host": "far", "boot": "another", "pids": ""}
    note = json.dumps({"pid": 1, "create_time": 0, "place": place})
    folder.record("postgres").write_text(note)
    servers = EmbeddedServers(folder.root)
    for call in (servers.up, servers.down):
        with pytest.raises(DataFolderError, match=r"run on host 'far'.*sapwood down.*delete"):
            call()
    assert not servers.status().healthy
    assert folder.record("postgres").read_text() == note


def test_a_new_an_empty_and_a_known_folder_are_made_private(tmp_path: Path) -> None:
    (tmp_path / "empty" / "lost+found").mkdir(parents=True)
    for name in ("new", "empty", "new"):
        DataFolder(tmp_path / name).create()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) & 0o066 == 0


def test_a_data_folder_that_was_made_before_it_was_marked_is_known(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    folder.marker.unlink()
    folder.create()
    assert folder.is_ours()


def test_two_spellings_of_a_folder_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    (tmp_path / "link").symlink_to(data)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for spelling in ("data", "link", "~/data", "other/../data"):
        assert EmbeddedServers(type(data)(spelling)).data_dir == data, spelling
