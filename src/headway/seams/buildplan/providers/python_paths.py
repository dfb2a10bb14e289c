"""Folders that the sources of a Python application make of the place of a file of theirs (``__file__``)."""

from __future__ import annotations

import re
from typing import Final

_UP = re.compile(r"dirname\(|\.parents\[(\d)\]|\.parent\b|pardir|[\"']\.\.[\"']")
_WORD = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w{1,40}\b(?!\()")
ENVIRONMENT = re.compile(r"environ|getenv|\benv\b|\bconfig\(")
_QUOTED = re.compile(r"[\"']([^\"'\n]{0,100})[\"']")
_PLAIN = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*){0,4}")
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


def folder_of(name: str, text: str, variable: str, steps: int = _MOST_STEPS) -> str | None:
    """The folder that a variable of a file holds, also by way of another one; None where the text does not tell, or a
    variable of the environment decides it.
    """
    made = definition(text, variable)
    if made is None or not steps or ENVIRONMENT.search(made):
        return None
    if "__file__" in made:
        parts, least = name.split("/"), 1
    else:
        further = (word for word in _WORD.findall(made) if word != variable and definition(text, word) is not None)
        above = folder_of(name, text, next(further, ""), steps - 1)
        if above is None:
            return None
        parts, least = [each for each in above.split("/") if each != "."], 0
    levels, below = _levels(made), [each for each in _QUOTED.findall(made) if each != ".."]
    if not least <= levels <= len(parts) or not all(_PLAIN.fullmatch(each) for each in below):
        return None
    return "/".join((*parts[: len(parts) - levels], *below)) or "."


def definition(text: str, variable: str) -> str | None:
    """What a variable is made of, None where it is not."""
    pattern = rf"^[ \t]*{re.escape(variable)}[ \t]*(?::[^=\n]{{0,40}})?=(?!=)"
    match = re.search(pattern, text, re.MULTILINE) if variable else None
    return None if match is None else assigned(text, match.end())


def _levels(text: str) -> int:
    return sum(1 + int(match[1] or 0) for match in _UP.finditer(text))
