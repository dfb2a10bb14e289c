"""Versions of Python and Node that fit a range, as package managers write it."""

from __future__ import annotations

import re
from typing import Final

PYTHON: Final = "3.12"
NODE: Final = "22"

_OTHERS = re.compile(r"\|\||\bor\b")
_PYTHON_BELOW = re.compile(r"<(=?) ?v?3\.(\d{1,2})")
_PYTHON_EXACT = re.compile(r"(?:==|~=|~|(?<![<>=^])=|^) ?(?:Python )?v?3\.(\d{1,2})")
_PYTHON_FROM = re.compile(r"(?:>=?|\^) ?v?3\.(\d{1,2})")
_NODE_BELOW = re.compile(r"<(=?) ?v?(\d{1,2})(?:\.(\d{1,2}))?")
_NODE_FROM = re.compile(r"(?<![.\d])(\d{1,2})(?![\d])")


def python_of(wants: str) -> str:
    """A Python that fits: the newest below a bound, and none that is newer than packages mostly have wheels for."""
    if below := _PYTHON_BELOW.search(wants):
        return f"3.{int(below[2]) if below[1] else max(int(below[2]) - 1, 0)}"
    if exact := _PYTHON_EXACT.search(wants):
        return f"3.{int(exact[1])}"
    if least := _PYTHON_FROM.search(wants):
        return max((PYTHON, f"3.{int(least[1])}"), key=lambda version: int(version.partition(".")[2]))
    return PYTHON


def node_of(wants: str) -> str:
    """A Node that fits: of several ranges one of the last, the newest below a bound, else the one that it begins with."""
    last = _OTHERS.split(wants)[-1]
    if below := _NODE_BELOW.search(last):
        return below[2] if below[1] or int(below[3] or 0) else str(max(int(below[2]) - 1, 0))
    least = _NODE_FROM.search(last)
    return least[1] if least else NODE
