"""Who judged: a name and a version, or a digest of everything that makes the judge another one."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from .errors import ValidationError
from .values import JUDGE_BYTES, check_number, check_text, encode_json

_DIGITS: Final = 16
"""Hexadecimal digits of a digest: 64 bits."""


def judge_name(name: str, /, **parameters: Any) -> str:
    """Return the name under which a judge's scores are kept: another judge has another name.

        judge_name("closeness", version=1)  # closeness@1
        judge_name("gpt-4o", temperature=0, prompt=PROMPT)  # gpt-4o@sha256-3f9c…

    Name whatever changes what the judge says: model, prompt, temperature, seed. The same
    parameters make the same name, in any order, process and release; 0 and 0.0 are the same.

    Args:
        name: What people call it.
        **parameters: A `version` alone, text or a number, stands in the name as it is; anything
            else is digested: JSON values, together at most 1 MiB.

    Raises:
        ValidationError: There is no parameter, or one that JSON does not know.
    """
    if not name:
        raise ValidationError("judge_name", "name", "must not be empty")
    if not parameters:
        problem = f"are missing: say what tells it from another {name!r}, such as version=1"
        raise ValidationError("judge_name", "parameters", problem)
    alone = parameters.keys() == {"version"}
    version = _plain(parameters["version"]) if alone else f"sha256-{_digest(parameters)}"
    return check_judge("judge_name", f"{name}@{version}")


def check_judge(item: str, judge: object) -> str:
    """Return `judge` if it is a name and a version, such as `closeness@1`.

    Without a version, the scores of an earlier model or prompt would be served for a later one.

    Raises:
        ValidationError: It is no such text; says how to make one.
    """
    check_text(item, "judge", judge, JUDGE_BYTES)
    name, _, version = str(judge).rpartition("@")
    if not (name and version):
        raise ValidationError(
            item,
            "judge",
            "must say who judged in which version, such as 'closeness@1'; "
            "sapwood.judge_name(name, version=1) makes it, or judge_name(name, **parameters) of a "
            "model, its prompt and its settings",
        )
    return str(judge)


def _digest(parameters: dict[str, Any]) -> str:
    encoded = encode_json("judge_name", "parameters", parameters)
    # Written by the standard library, whose text of a number is the shortest one for good.
    plain = json.loads(encoded, parse_float=_whole)
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _whole(text: str) -> float | int:
    """Return the number, as an integer if it is one."""
    number = float(text)
    return int(number) if number.is_integer() else number


def _plain(version: object) -> str:
    if isinstance(version, bool) or not isinstance(version, (str, int, float)) or version == "":
        raise ValidationError("judge_name", "version", "must be text or a number")
    if isinstance(version, float):
        return str(_whole(repr(check_number("judge_name", "version", version))))
    return str(version)
