"""What both stores can hold: one set of limits, checked before anything is queued.

PostgreSQL refuses NUL in text, Bolt refuses lone surrogates and wide integers, JSON has no NaN, and
a deeply nested value can end the process inside a driver; so each value is checked here, once.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import Any

import orjson

from .errors import ValidationError

ITEM_BYTES = 1 << 20
"""Most bytes of one item: a node's content and attributes, an orchestrator's state."""
SHORT_TEXT_BYTES = 64 << 10
"""Most bytes of a reason, a rationale, a principle's text."""
JUDGE_BYTES = 256
JSON_DEPTH = 64
INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def check_id(item: str, field: str, value: object) -> str:
    """Return `value` if it is 1 to 64 characters of `A-Z a-z 0-9 . _ -`."""
    if not isinstance(value, str) or not _ID.match(value):
        raise ValidationError(item, field, "must be 1 to 64 characters of A-Z a-z 0-9 . _ -")
    return value


def check_text(item: str, field: str, value: object, most_bytes: int = SHORT_TEXT_BYTES) -> bytes:
    """Return `value` as UTF-8, at most `most_bytes` long, without NUL and lone surrogates."""
    if not isinstance(value, str):
        raise ValidationError(item, field, f"must be text, not {type(value).__name__}")
    try:
        encoded = value.encode()
    except UnicodeEncodeError as exc:
        problem = f"holds a lone surrogate at character {exc.start}, which is no text"
        raise ValidationError(item, field, problem) from None
    if len(encoded) > most_bytes:
        problem = f"has {len(encoded):,} bytes; at most {most_bytes:,} are kept"
        raise ValidationError(item, field, problem)
    if b"\0" in encoded:
        at = value.index("\0")
        raise ValidationError(item, field, f"holds NUL at character {at}, which PostgreSQL refuses")
    return encoded


def digest_content(content: bytes) -> bytes:
    """Return what stands for a content where equal ones are sought: 16 bytes of its SHA-256.

    PostgreSQL can compute it too: `substring(sha256(convert_to(content, 'UTF8')), 1, 16)`.
    """
    return hashlib.sha256(content).digest()[:16]


def check_number(item: str, field: str, value: object) -> float:
    """Return `value` as a finite float."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValidationError(item, field, f"must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValidationError(item, field, "does not fit a 64-bit float") from None
    if not math.isfinite(number):
        raise ValidationError(item, field, f"must be finite, not {number}; use None for no score")
    return number


def check_integer(item: str, field: str, value: object) -> int:
    """Return `value` if it is an integer from -2^63 to 2^63 - 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(item, field, f"must be an integer, not {type(value).__name__}")
    if not INT_MIN <= value <= INT_MAX:
        raise ValidationError(item, field, "must be an integer from -2^63 to 2^63 - 1")
    return int(value)


def encode_json(item: str, field: str, value: object, most_bytes: int = ITEM_BYTES) -> bytes:
    """Return `value` as canonical JSON (sorted keys), checked without recursion.

    Tuples become lists. Refused: other types, keys that are not text, more than 64 levels, NUL,
    lone surrogates, NaN and infinities, integers beyond 64 bits, more than `most_bytes`.
    """
    _check_json(item, field, value, most_bytes)
    encoded = orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS)
    if len(encoded) > most_bytes:
        problem = f"has {len(encoded):,} bytes as JSON; at most {most_bytes:,} are kept"
        raise ValidationError(item, field, problem)
    return encoded


def _check_json(item: str, field: str, value: object, most_bytes: int) -> None:
    """Walk `value` level by level, so that no depth can exhaust the stack."""
    level: list[Any] = [value]
    size = 0
    for _ in range(JSON_DEPTH + 1):
        below: list[Any] = []
        for part in level:
            size += 1
            if isinstance(part, dict):
                for key in part:
                    size += _check_key(item, f"{field} (a key)", key, most_bytes)
                below.extend(part.values())
            elif isinstance(part, (list, tuple)):
                below.extend(part)
            else:
                size += _check_leaf(item, field, part, most_bytes)
            # At least so large: what is shared here would be written once for each mention, and
            # the encoder takes all memory for it before anyone could measure the result.
            if size + len(below) > most_bytes:
                raise ValidationError(item, field, f"has more than {most_bytes:,} bytes as JSON")
        if not below:
            return
        level = below
    raise ValidationError(item, field, f"is nested deeper than {JSON_DEPTH} levels")


def _check_key(item: str, field: str, key: object, most_bytes: int) -> int:
    """Return the bytes of a key."""
    size = len(check_text(item, field, key, most_bytes))
    if type(key) is not str:  # orjson takes no subclass of it, such as an enum's member
        raise ValidationError(item, field, f"must be plain text, not {type(key).__name__}")
    return size


def _check_leaf(item: str, field: str, part: object, most_bytes: int) -> int:
    """Return the bytes of a text; a number, a truth value and null count as none."""
    if isinstance(part, str):
        return len(check_text(item, field, part, most_bytes))
    if part is None or isinstance(part, bool):
        return 0
    if isinstance(part, int):
        check_integer(item, field, part)
    elif isinstance(part, float):
        check_number(item, field, part)
    else:
        raise ValidationError(item, field, f"holds a {type(part).__name__}, which JSON has not")
    return 0


def _plain(part: object) -> Any:
    """Give orjson the subclasses it does not know: tuples and floats such as numpy's."""
    return float(part) if isinstance(part, float) else list(part)  # type: ignore[call-overload]
