"""Labelled samples as files that people edit: JSON lines and CSV.

Both are UTF-8 and have the same fields; a sample that is written and read again is the same. In CSV
an empty field is a missing one, but for the content of a sample without a node and for a class.
"""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import orjson

from .errors import ValidationError
from .sample_drafts import draft_sample
from .samples import LabeledSample
from .scales import ClassScale, parse_scale, scale_text, shown
from .values import ITEM_BYTES
from .whole_file import write_whole

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Mapping

    from .sample_drafts import SampleDraft

FIELDS: Final = (
    "id",
    "content",
    "node_id",
    "labeler",
    "principle",
    "label",
    "scale",
    "rationale",
    "rubric_version",
    "created_at",
)
_NEEDED: Final = ("labeler", "label", "scale")
_NUMBER: Final = re.compile(r"\s*[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?\s*")
_FIELD_LIMIT: Final = Lock()
"""Whoever reads a CSV file has the csv module's limit to itself."""
_BOM: Final = b"\xef\xbb\xbf"


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file of labels.

    Raises:
        ValidationError: Its suffix is neither `.jsonl` nor `.csv`.
    """
    found = Path(path)
    if found.suffix not in {".jsonl", ".csv"}:
        raise ValidationError("labels", "path", f"must end in .jsonl or .csv: {found}")
    return found


def write_samples(path: Path, samples: Iterable[LabeledSample]) -> None:
    """Write a file of samples, whole or not at all."""
    rows = [_row(sample) for sample in samples]
    write_whole(path, _to_csv(rows) if path.suffix == ".csv" else _to_jsonl(rows))


def read_samples(path: Path, principles: Mapping[str, str]) -> list[SampleDraft]:
    """Return the samples of a file, checked; errors name the file and the line.

    Args:
        principles: Id of the principle by key, and by id, of those that a file may name by key.
    """
    data = path.read_bytes().removeprefix(_BOM)
    rows = _from_csv(path.name, data) if path.suffix == ".csv" else _from_jsonl(path.name, data)
    with closing(rows):  # a bad row must not leave the limit of CSV fields taken
        return [_draft(line, row, principles) for line, row in rows]


def _row(sample: LabeledSample) -> dict[str, Any]:
    row = sample.model_dump(exclude={"principle_id"})
    return {
        **row,
        "principle": sample.principle_id,
        "scale": scale_text(sample.scale),
        "created_at": sample.created_at.isoformat(),
    }


def _draft(line: str, row: Mapping[str, Any], principles: Mapping[str, str]) -> SampleDraft:
    """Return the sample of a row in which a missing field is `None` or absent."""
    given = {name: row[name] for name in FIELDS if row.get(name) is not None}
    for name in _NEEDED:
        if name not in given:
            raise ValidationError(line, name, "is missing")
    named = given.pop("principle", None)
    if named is not None:
        given["principle_id"] = principles.get(_text(line, "principle", named), named)
    given["scale"] = parse_scale(_text(line, "scale", given["scale"]), line)
    if "created_at" in given:
        given["created_at"] = _moment(line, given["created_at"])
    try:
        sample = LabeledSample(**given)
    except ValidationError as exc:  # the same, with the line for a name
        problem = str(exc).removeprefix(f"{exc.item}: {exc.field} ")
        raise ValidationError(line, exc.field, problem) from None
    return draft_sample(sample, line)


def _text(line: str, field: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValidationError(line, field, f"must be text, not {shown(value)}")
    return value


def _moment(line: str, value: object) -> datetime:
    try:
        return datetime.fromisoformat(_text(line, "created_at", value))
    except ValueError:
        problem = f"must look like 2026-01-31T12:00:00+00:00, not {shown(value)}"
        raise ValidationError(line, "created_at", problem) from None


# JSON lines.


def _to_jsonl(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(
        orjson.dumps({name: row[name] for name in FIELDS if row[name] is not None}) + b"\n"
        for row in rows
    )


def _from_jsonl(file: str, data: bytes) -> Generator[tuple[str, dict[str, Any]]]:
    for number, text in enumerate(data.split(b"\n"), start=1):
        if not text.strip():
            continue
        line = f"{file} line {number}"
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            raise ValidationError(line, "text", f"is no JSON object in UTF-8: {exc}") from None
        if not isinstance(row, dict):
            raise ValidationError(line, "text", "is no JSON object: write one sample a line")
        _check_names(line, row)
        yield line, row


def _check_names(line: str, names: Iterable[str]) -> None:
    for name in names:
        if name not in FIELDS:
            problem = f"{shown(name)} is not one of {', '.join(FIELDS)}"
            raise ValidationError(line, "field", problem)


# CSV.


def _to_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(FIELDS)
    for row in rows:
        label = row["label"]
        text = {"label": label if isinstance(label, str) else repr(label)}
        writer.writerow([{**row, **text}[name] for name in FIELDS])
    return out.getvalue().encode()


def _from_csv(file: str, data: bytes) -> Generator[tuple[str, dict[str, Any]]]:
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        lines_before = data.count(b"\n", 0, exc.start)
        line = f"{file} line {lines_before + 1}"
        raise ValidationError(line, "text", "is not UTF-8; save the file as UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    with _large_fields():
        names = _next(file, reader)
        if names is None:
            raise ValidationError(file, "header", f"is missing: begin with {','.join(FIELDS)}")
        _check_header(f"{file} line 1", names)
        at = reader.line_num
        while (values := _next(file, reader)) is not None:
            if values:
                yield f"{file} line {at + 1}", _of_csv(f"{file} line {at + 1}", names, values)
            at = reader.line_num


def _next(file: str, reader: Any) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as exc:
        raise ValidationError(
            f"{file} line {reader.line_num}", "text", f"is no CSV: {exc}"
        ) from None


def _check_header(line: str, names: list[str]) -> None:
    _check_names(line, names)
    for name in (*_NEEDED, *names):
        if names.count(name) != 1:
            raise ValidationError(line, "field", f"{name} must be named once")


def _of_csv(line: str, names: list[str], values: list[str]) -> dict[str, Any]:
    if len(values) != len(names):
        problem = f"has {len(values)} fields, the header {len(names)}; quote those with a comma"
        raise ValidationError(line, "row", problem)
    given = dict(zip(names, values, strict=True))
    row: dict[str, Any] = {name: value or None for name, value in given.items()}
    if row.get("node_id") is None and "content" in given:
        row["content"] = given["content"]
    if row["scale"] is not None:
        row["label"] = _label(line, given["label"], row["scale"])
    if row.get("rubric_version") is not None:
        row["rubric_version"] = _number(line, "rubric_version", int, row["rubric_version"])
    return row


def _label(line: str, label: str, scale: str) -> float | str | None:
    if isinstance(parse_scale(scale, line), ClassScale):
        return label
    return _number(line, "label", float, label) if label else None


def _number(line: str, field: str, kind: type[int] | type[float], value: str) -> Any:
    try:
        if _NUMBER.fullmatch(value):  # Python would take 1_0 and other alphabets' digits too
            return kind(value)
    except ValueError:
        pass
    raise ValidationError(line, field, f"must be a number, not {shown(value)}")


@contextmanager
def _large_fields() -> Generator[None]:
    """Let a field be as large as a content may be; the limit of the csv module is everybody's."""
    with _FIELD_LIMIT:
        before = csv.field_size_limit(max(csv.field_size_limit(), ITEM_BYTES + 1))
        try:
            yield
        finally:
            csv.field_size_limit(before)
