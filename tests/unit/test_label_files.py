"""Files of labels: what is written is read again, and what is wrong is named by file and line."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sapwood import ClassScale, LabeledSample, NumberScale, ValidationError
from sapwood.label_files import check_path, read_samples, write_samples
from sapwood.sample_drafts import draft_sample

if TYPE_CHECKING:
    from pathlib import Path

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
hazards = st.sampled_from(
    ['"', ",", "\r", "\n", "\r\n", "\ufeff", "\u2028", "=1+1", " ", "\x1c", ""]
)
hard = st.lists(texts | hazards, max_size=4).map("".join)
ids = st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
valued = st.sampled_from(
    [
        (NumberScale(0, 1), 0.1 + 0.2),
        (NumberScale(-3, 5, step=1), -3.0),
        (ClassScale({"": -1, "1": 0, 'a"|=\\,\r\n': 1}), ""),
        (ClassScale({"": -1, "1": 0, 'a"|=\\,\r\n': 1}), 'a"|=\\,\r\n'),
        (ClassScale({"1": 0}), "1"),
    ]
)


def _sample(content: str, value: tuple[NumberScale, float], **fields: object) -> LabeledSample:
    scale, label = value
    made = {"content": content, "scale": scale, "label": label, **fields}
    return draft_sample(LabeledSample.model_validate(made)).sample


samples = st.lists(
    st.builds(
        _sample,
        hard,
        valued,
        labeler=(texts | hazards).filter(bool),
        node_id=st.none(),
        principle_id=st.none() | ids,
        rationale=st.none() | hard,
        rubric_version=st.none() | st.integers(1, 9),
        created_at=st.datetimes(timezones=st.just(UTC)).filter(lambda at: 1 < at.year < 9999),
        id=ids,
    ),
    max_size=4,
)


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(samples)
def test_a_file_is_read_as_it_was_written(
    tmp_path: Path, suffix: str, given_: list[LabeledSample]
) -> None:
    file = tmp_path / f"labels.{suffix}"
    write_samples(file, given_)
    assert [draft.sample for draft in read_samples(file, {})] == given_
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert [draft.sample for draft in read_samples(file, {})] == given_
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def read(tmp_path: Path, name: str, text: str | bytes) -> list[LabeledSample]:
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return [draft.sample for draft in read_samples(file, {"key": "its-id"})]


def test_a_csv_as_a_spreadsheet_saves_it_is_read(tmp_path: Path) -> None:
    rows = ("labeler,scale,label,content,principle", "ann,1..5/1,3,x,key", "", "ann,a=0|b=1,b,,")
    text = "\ufeff" + "".join(f"{row}\r\n" for row in rows)
    first, second = read(tmp_path, "l.csv", text)
    assert (first.label, first.principle_id, first.content) == (3.0, "its-id", "x")
    assert (second.label, second.principle_id, second.content) == ("b", None, "")


def test_jsonl_may_leave_out_what_is_not_needed_and_have_blank_lines(tmp_path: Path) -> None:
    text = (
        '\n{"labeler": "ann", "scale": "0..1", "label": 1, "node_id": "n", "rationale": null}\n\n'
    )
    (sample,) = read(tmp_path, "l.jsonl", text)
    assert (sample.content, sample.node_id, sample.label) == (None, "n", 1.0)


def test_a_content_may_be_as_large_in_a_file_as_anywhere(tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl"):
        file = tmp_path / f"large.{suffix}"
        write_samples(file, [_sample("x" * (1 << 20), (NumberScale(0, 1), 0.5), labeler="ann")])
        assert len(read_samples(file, {})) == 1


OK = "labeler,scale,label,content\n"
JSON = '{"labeler":"ann","scale":"0..1","content":"x"'


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("l.csv", "", "l.csv: header is missing: begin with id,content"),
        ("l.csv", "labeler,scale,label,wrong\n", "line 1: field 'wrong' is not one of id, content"),
        ("l.csv", "labeler,scale\n", "line 1: field label must be named once"),
        ("l.csv", OK + "ann,0..1,2,x\n", "l.csv line 2: label 2.0 is outside of its scale '0..1'"),
        ("l.csv", OK + 'ann,0..1,1,"a\nb"\nann,0..1,2,x\n', "l.csv line 4: label 2.0"),
        ("l.csv", OK + "ann,0..1,high,x\n", "line 2: label must be a number, not 'high'"),
        ("l.csv", OK + "ann,0..1,0_1,x\n", "line 2: label must be a number, not '0_1'"),
        ("l.csv", OK + "ann,0..1,\uff11,x\n", "line 2: label must be a number"),
        ("l.csv", OK + "ann,0..1,,x\n", "line 2: label is missing"),
        ("l.csv", OK + "ann,,1,x\n", "line 2: scale is missing"),
        ("l.csv", OK + ",0..1,1,x\n", "line 2: labeler is missing"),
        ("l.csv", OK + "ann,0..1,1,x,y\n", "line 2: row has 5 fields, the header 4; quote"),
        ("l.csv", OK + "ann,0..1,1\n", "line 2: row has 3 fields"),
        ("l.csv", OK + 'ann,0..1,1,"x\n', "line 2: text is no CSV: unexpected end"),
        ("l.csv", OK + "ann,0..1,1,a\0b\n", "line 2: content holds NUL"),
        ("l.csv", OK.encode() + b"ann,0..1,1,\xff\n", "line 2: text is not UTF-8; save the file"),
        ("l.csv", "created_at," + OK + "then,ann,0..1,1,x\n", "line 2: created_at must look like"),
        (
            "l.csv",
            "created_at," + OK + "2026-01-01,ann,0..1,1,x\n",
            "created_at must have a time z",
        ),
        (
            "l.csv",
            "rubric_version," + OK + "x,ann,0..1,1,x\n",
            "line 2: rubric_version must be a n",
        ),
        ("l.jsonl", "\n[]\n", "l.jsonl line 2: text is no JSON object: write one sample a line"),
        ("l.jsonl", "{\n}\n", "line 1: text is no JSON object in UTF-8"),
        ("l.jsonl", b'{"labeler":"\xff"}', "line 1: text is no JSON object in UTF-8"),
        ("l.jsonl", JSON + ',"label":"\\ud800"}', "line 1: text is no JSON object"),
        ("l.jsonl", JSON + ',"label":1,"rationale":"\\u0000"}', "line 1: rationale holds NUL"),
        ("l.jsonl", JSON + ',"label":1,"Label":1}', "line 1: field 'Label' is not one of"),
        ("l.jsonl", JSON + ',"label":true}', "line 1: label"),
        ("l.jsonl", JSON + ',"label":1,"created_at":5}', "line 1: created_at must look like"),
        ("l.jsonl", JSON + ',"label":1,"principle":5}', "line 1: principle must be text"),
        ("l.jsonl", JSON + "}", "line 1: label is missing"),
        ("l.jsonl", "[" * 100_000, "line 1: text is no JSON object"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(
    tmp_path: Path, name: str, text: str | bytes, problem: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        read(tmp_path, name, text)
    assert problem in str(raised.value)
    assert str(raised.value).startswith(name)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"must end in \.jsonl or \.csv"):
        check_path(tmp_path / "labels.xlsx")


def test_a_file_that_cannot_be_written_leaves_the_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    write_samples(file, [])
    before = file.read_bytes()
    lone = LabeledSample(content="\ud800", labeler="a", label=1, scale=NumberScale(0, 1))
    with pytest.raises(UnicodeEncodeError):
        write_samples(file, [lone])
    assert (file.read_bytes(), len(list(tmp_path.iterdir()))) == (before, 1)


def test_files_that_are_read_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    rows = "".join(f"{'x' * 300_000},ann,0.5,0..1\n" for _ in range(5))
    path = tmp_path / "labels.csv"
    path.write_text(f"content,labeler,label,scale\n{rows}")
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(read_samples, [path] * 12, [{}] * 12))
    assert [len(samples) for samples in found] == [5] * 12
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    "moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_a_moment_that_postgresql_takes_for_infinity_is_refused(moment: datetime) -> None:
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        _sample("a", (NumberScale(0, 1), 0.5), labeler="ann", created_at=moment)
