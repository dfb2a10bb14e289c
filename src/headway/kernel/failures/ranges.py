"""Versions of Python and Node that fit a range, as package managers write it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from typing import Final

PYTHON: Final = "3.12"
NODE: Final = "22"

_OTHERS = re.compile(r"\|\||\bor\b")
_NOT = re.compile(r"!=[ v]?(?:3\.(\d{1,2})\.\*|[\d.]{1,20})")
_PYTHON_BELOW = re.compile(r"<(=?) ?v?3\.(\d{1,2})")
_PYTHON_EXACT = re.compile(r"(?:==|~=|~|(?<![<>=^])=|^) ?(?:Python )?v?3\.(\d{1,2})")
_PYTHON_FROM = re.compile(r"(?:>(=?)|\^) ?v?3\.(\d{1,2})(\.\d)?")
_NODE_BELOW = re.compile(r"<(=?) ?v?(\d{1,2})(?:\.(\d{1,2}))?")
_NODE_ABOVE = re.compile(r"> ?v?(\d{1,2})(?![\d.])")
_NODE_FROM = re.compile(r"(?<![.\d])(\d{1,2})(?![\d])")


def python_of(wants: str) -> str:
    """A Python that fits: the newest below a bound, and none that is newer than packages mostly have wheels for."""
    excluded = {int(each[1]) for each in _NOT.finditer(wants) if each[1]}
    return f"3.{_fitting(_NOT.sub('', wants), excluded)}"


def node_of(wants: str) -> str:
    """A Node that fits: of several ranges one of the last, the newest below a bound, else the one that it begins with."""
    last = _NOT.sub("", _OTHERS.split(wants)[-1])
    if below := _NODE_BELOW.search(last):
        return below[2] if below[1] or int(below[3] or 0) else str(max(int(below[2]) - 1, 0))
    if above := _NODE_ABOVE.search(last):
        return str(int(above[1]) // 2 * 2 + 2)  # those of even numbers are kept up for years
    least = _NODE_FROM.search(last)
    return least[1] if least else NODE


def _fitting(wants: str, excluded: Collection[int]) -> int:
    if below := _PYTHON_BELOW.search(wants):
        newest = int(below[2]) if below[1] else int(below[2]) - 1
        return next((minor for minor in range(newest, 0, -1) if minor not in excluded), 0)
    if exact := _PYTHON_EXACT.search(wants):
        return int(exact[1])
    least = int(PYTHON.partition(".")[2])
    if begins := _PYTHON_FROM.search(wants):
        is_above = begins[1] == "" and begins[0].startswith(">") and not begins[3]
        least = max(least, int(begins[2]) + is_above)
    return next(minor for minor in itertools.count(least) if minor not in excluded)
