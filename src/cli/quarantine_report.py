"""What `sapwood quarantine` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ..quarantine import LeftOut  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from collections.abc import Sequence


class QuarantineReport(BaseModel):
    """The document of `sapwood quarantine --json`. Keys are only ever added.

    Attributes:
        left_out: What is left out by it, by position and node id.
    """

    model_config = ConfigDict(frozen=True)

    project_id: str
    left_out: list[LeftOut]


def named(left_out: Sequence[LeftOut], most: int) -> str:
    """Name the first of them in a line; empty if there is none."""
    words = [f"{each.node_id} at {each.seq}" for each in left_out[:most]]
    return ", ".join([*words, "…"] if len(left_out) > most else words)
