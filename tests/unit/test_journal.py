"""Entries are written down exactly, damage is noticed, and folding equals applying one by one."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sapwood import JournalError
from sapwood.journal import FORMAT, Entry, Operations, fold, pack, plain_size, unpack


def entry(seq: int, operations: Operations) -> Entry:
    return Entry(seq, f"b{seq}", f"chain {seq}", "i", operations)


def applied_singly(entries: list[Entry]) -> dict[str, dict[str, Any]]:
    graph: dict[str, dict[str, Any]] = {}
    for each in entries:
        for row in each.operations.creates:
            graph[row["id"]] = {**row, "seq": each.seq}
        for row in each.operations.sets:
            graph[row["id"]].update(row)
    return graph


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    known: list[str] = []
    entries = []
    for seq in range(1, draw(st.integers(1, 6)) + 1):
        new = [f"n{seq}.{i}" for i in range(draw(st.integers(0, 3)))]
        creates = [{"id": name, "score": None, "status": "alive"} for name in new]
        known += new
        sets = (
            [
                {"id": name, draw(st.sampled_from(["score", "status"])): draw(st.integers())}
                for name in draw(st.lists(st.sampled_from(known), max_size=4, unique=True))
                if known
            ]
            if known
            else []
        )
        entries.append(entry(seq, Operations(creates, sets)))
    return entries


@given(histories())
def test_folding_entries_equals_applying_them_one_by_one(entries: list[Entry]) -> None:
    half = len(entries) // 2
    graph: dict[str, dict[str, Any]] = {}
    for part in (entries[:half], entries[half:]):
        folded = fold(part)
        graph.update(folded.creates)
        for node_id, row in folded.sets.items():
            graph[node_id].update(row)
    assert graph == applied_singly(entries)


def test_a_fold_leaves_the_entries_as_they_were() -> None:
    create = Operations([{"id": "a", "status": "alive"}], [])
    change = Operations([], [{"id": "a", "status": "pruned"}])
    fold([entry(1, create), entry(2, change)])
    assert create.creates == [{"id": "a", "status": "alive"}]


def test_what_is_packed_comes_back() -> None:
    operations = Operations([{"id": "a", "content": "é\n", "score": 0.1}], [{"id": "b", "x": None}])
    payload, crc = pack(operations)
    assert unpack(1, FORMAT, payload, crc) == operations


def test_a_damaged_payload_is_refused_by_its_position() -> None:
    payload, crc = pack(Operations())
    with pytest.raises(JournalError, match="position 7 is damaged"):
        unpack(7, FORMAT, payload[:-1] + b"\0", crc)


def test_a_payload_of_a_newer_release_is_refused_with_what_to_do() -> None:
    payload, crc = pack(Operations())
    with pytest.raises(JournalError, match="Upgrade sapwood"):
        unpack(7, FORMAT + 1, payload, crc)


@pytest.mark.parametrize(
    "plain",
    [
        b"no JSON",
        b"[]",
        b"7",
        b"{}",
        b'{"creates": [], "sets": 1}',
        b'{"creates": [{"content": "no id"}], "sets": []}',
        b'{"creates": [{"id": 7}], "sets": []}',
        b'{"creates": [], "sets": ["a"]}',
        b'{"creates": [], "sets": [], "prune": ["a"]}',
        b'{"creates": [], "sets": [], "prune": 1}',
    ],
)
def test_a_forged_payload_with_a_right_checksum_is_refused_by_its_position(plain: bytes) -> None:
    payload = zstandard.ZstdCompressor().compress(plain)
    with pytest.raises(JournalError, match="position 7 is no entry"):
        unpack(7, FORMAT, payload, zlib.crc32(payload))


@pytest.mark.parametrize("payload", [b"", b"no zstandard", pack(Operations())[0][:-3]])
def test_bytes_that_do_not_unpack_are_refused_by_their_position(payload: bytes) -> None:
    with pytest.raises(JournalError, match="position 7 is no entry"):
        unpack(7, FORMAT, payload, zlib.crc32(payload))


def test_a_payload_that_would_fill_the_memory_is_refused_before_it_is_unpacked() -> None:
    claims = b"\x28\xb5\x2f\xfd\xe0" + (1 << 60).to_bytes(8, "little")  # a frame of an exbibyte
    assert plain_size(claims) == 1 << 60
    with pytest.raises(JournalError, match="position 7 is no entry"):
        unpack(7, FORMAT, claims, zlib.crc32(claims))
