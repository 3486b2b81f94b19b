"""What `sapwood quarantine` says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ..quarantine import LeftOut  # noqa: TC001 - pydantic reads the annotations


class QuarantineReport(BaseModel):
    """The document of `sapwood quarantine --json`. Keys are only ever added.

    Attributes:
        left_out: What is left out by it, by position and node id.
    """

    model_config = ConfigDict(frozen=True)

    project_id: str
    left_out: list[LeftOut]
