"""The forms that the pages made from the code are written in."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by script/docs from {source}; change that, then run it. -->"
_WIDTH = 118
_PLAIN = ("<", "#", "|", "`" * 3, "- ")


def page(*parts: str) -> str:
    """Parts below each other, paragraphs broken into lines."""
    return "\n\n".join(part if part.startswith(_PLAIN) else _filled(part) for part in parts) + "\n"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with these titles."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_on_hyphens=False)
