"""Folders that the sources of a Python application make of the place of a file of theirs (``__file__``)."""

from __future__ import annotations

import re
from typing import Final

_UP = re.compile(r"dirname\(|\.parents\[(\d)\]|\.parent\b|pardir|[\"']\.\.[\"']")
_WORD = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w{1,40}\b(?!\()")
_LONGEST: Final = 1200
_MOST_STEPS: Final = 3


def assigned(text: str, start: int) -> str:
    """What is assigned there: to the end of its line, or of the lines that its brackets go over."""
    depth, taken = 0, list[str]()
    for line in text[start : start + _LONGEST].split("\n"):
        taken.append(line)
        depth += sum((each in "([{") - (each in ")]}") for each in line)
        if depth <= 0:
            break
    return "\n".join(taken)


def folder_above(name: str, text: str) -> str | None:
    """The folder as many levels above a file as an expression of its ``__file__`` says, None where that is none."""
    parts = name.split("/")
    levels = _levels(text)
    return None if not 1 <= levels <= len(parts) else "/".join(parts[: len(parts) - levels]) or "."


def folder_of(name: str, text: str, variable: str) -> str | None:
    """The folder that a variable of a file holds, also by way of another one; None where the text does not tell."""
    levels, seen = 0, set[str]()
    for _ in range(_MOST_STEPS):
        seen.add(variable)
        made = definition(text, variable)
        if made is None:
            return None
        levels += _levels(made)
        if "__file__" in made:
            parts = name.split("/")
            return None if not 1 <= levels <= len(parts) else "/".join(parts[: len(parts) - levels]) or "."
        further = (word for word in _WORD.findall(made) if word not in seen and definition(text, word) is not None)
        variable = next(further, "")
    return None


def definition(text: str, variable: str) -> str | None:
    """What a variable is made of, None where it is not."""
    pattern = rf"^[ \t]*{re.escape(variable)}[ \t]*(?::[^=\n]{{0,40}})?=(?!=)"
    match = re.search(pattern, text, re.MULTILINE) if variable else None
    return None if match is None else assigned(text, match.end())


def _levels(text: str) -> int:
    return sum(1 + int(match[1] or 0) for match in _UP.finditer(text))
