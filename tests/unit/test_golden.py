"""Whatever was ever written into a journal is read as what it meant. Hazard: A12."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from sapwood.graph.rows import CHANGEABLE
from sapwood.journal import FORMAT, fold, run
from sapwood.model import NodeStatus
from sapwood.nodes import FIELDS
from sapwood.replica import Replica

from ..golden import make
from ..golden.files import FOLDER, Golden, path_of, read

if TYPE_CHECKING:
    from pathlib import Path

PATHS: Final = sorted(FOLDER.glob("journal-*.json"))


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def golden(request: pytest.FixtureRequest) -> Golden:
    return read(request.param)


def test_each_format_up_to_the_present_one_has_a_golden_file() -> None:
    assert sorted(path_of(version) for version in range(1, FORMAT + 1)) == PATHS


def test_a_golden_payload_is_read_as_what_was_written(golden: Golden) -> None:
    for row in golden.rows:
        found = row.entry(golden.version, golden.incarnation).operations
        assert found == row.expected(), f"position {row.seq}"
        assert found.rows == row.rows


def test_golden_entries_come_to_the_nodes_they_came_to_when_they_were_written(
    golden: Golden,
) -> None:
    replica = Replica()
    for entry in golden.entries():
        replica.apply(entry)
    found = {
        node_id: {name: value for name, value in values.items() if value is not None}
        for node_id, values in replica.nodes.items()
    }
    assert found == golden.nodes
    assert list(found) == list(golden.nodes), "in the order in which they were made"


def test_folded_golden_entries_come_to_the_same_nodes(golden: Golden) -> None:
    nodes: dict[str, dict[str, object]] = {}
    entries = golden.entries()
    while entries:
        todo = run(entries)
        entries = entries[len(todo) :]
        if todo[0].operations.prune is not None:
            continue  # whose extent only a tree knows; the statuses are left out below
        folded = fold(todo)
        nodes.update({node_id: dict(row) for node_id, row in folded.creates.items()})
        for node_id, row in folded.sets.items():
            nodes[node_id].update(row)
    for node_id, values in golden.nodes.items():
        for name in set(FIELDS) - {"status", "status_reason"}:
            assert nodes[node_id].get(name) == values.get(name), f"{node_id}: {name}"


def test_a_golden_journal_has_operations_of_every_kind(golden: Golden) -> None:
    every = [entry.operations for entry in golden.entries()]
    sets = [row for each in every for row in each.sets]
    assert {name for row in sets for name in row} - {"id"} == CHANGEABLE
    removable = CHANGEABLE - {"status"}
    assert {name for row in sets for name, value in row.items() if value is None} == removable
    made = {row["status"] for each in every for row in each.creates}
    assert made == {status.value for status in NodeStatus}
    reasons = {each.prune.reason is None for each in every if each.prune is not None}
    assert reasons == {True, False}
    assert any(each.rows == 0 for each in every)
    assert any(not text.isascii() for row in every[0].creates for text in [row["content"]])


def test_a_golden_file_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(version: int) -> Path:
        return tmp_path / path_of(version).name

    monkeypatch.setattr(make, "path_of", elsewhere)
    assert make.main() == 0
    (path,) = tmp_path.iterdir()
    path.write_text("another")
    assert make.main() == 1
    assert path.read_text() == "another"
