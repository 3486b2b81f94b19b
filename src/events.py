"""What happened, for the log: an event a line, its fields in the text and beside it.

    INFO sapwood.session project opened project=game-of-24 head=17

The record carries the same as `record.event` and `record.fields`, for handlers that write JSON.
Fields are names, positions and counts: no contents, no statement's parameters, no secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def log(logger: logging.Logger, level: int, event: str, **fields: object) -> None:
    """Log an event. Cost: nothing worth mentioning while `level` is off."""
    if logger.isEnabledFor(level):
        shown = " ".join(f"{name}={value}" for name, value in fields.items())
        extra = {"event": event, "fields": fields}
        logger.log(level, "%s %s", event, shown, extra=extra, stacklevel=2)
