"""SQLAlchemy's engine, made so that nothing it says holds a parameter or a row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine

_NAME: Final = "sapwood"


def make_engine(connect: Callable[[], Awaitable[Any]], **options: Any) -> AsyncEngine:
    """Return an engine over `connect`; its log has a name of its own below SQLAlchemy's."""
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        logging_name=_NAME,
        **options,
    )


def _without_rows(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


# At DEBUG the engine logs each row that it reads, whatever `hide_parameters` says; the statements
# stay. A filter, not a level: a level of its own would switch on what the program switched off.
logging.getLogger(f"sqlalchemy.engine.Engine.{_NAME}").addFilter(_without_rows)
