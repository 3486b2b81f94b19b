"""The programs of a documentation page, by the first words in them."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!http)([^)#]+)[^)]*\)")


class Page:
    """A page below `docs/`, whose code blocks begin with a comment: their name, a colon, why."""

    def __init__(self, path: str) -> None:
        self.path = DOCS / path
        text = self.path.read_text(encoding="utf-8")
        self.blocks = {_name(block): block for block in _BLOCK.findall(text)}
        self.links: list[str] = _LINK.findall(text)


def _name(block: str) -> str:
    return block.splitlines()[0].lstrip("/# ").partition(":")[0]
