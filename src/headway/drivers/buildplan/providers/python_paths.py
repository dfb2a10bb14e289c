"""Folders that the sources of a Python application make of the place of a file of theirs (``__file__``)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Final

from headway.kernel.dataclass import dataclass

_UP = re.compile(
    r"dirname\(|\.parents\[(\d)\]|\.parent\b|pardir|path\.split\(|\.ancestor\((\d)\)|__file__\)[ \t]*-[ \t]*(\d)"
)
_WORD = re.compile(r"(?<![\w.\"'])[A-Za-z_]\w{1,40}\b(?!\()")
ENVIRONMENT = re.compile(r"environ(?!\.Path\()|getenv|\benv\b|\bconfig\(|_env(?:_\w{1,20})?\(|\benv_\w{1,20}\(")
_QUOTED = re.compile(r"(\+[ \t]*)?[\"']([^\"'\n]{0,100})[\"']")
_PLAIN = re.compile(r"(?:\.{1,2}|[\w-][\w.-]*)(?:/(?:\.{1,2}|[\w-][\w.-]*)){0,4}/?")
# A string that is handed to what does not add it to a path: .replace("\\", "/"), .decode("utf-8").
_ASIDE = re.compile(r"\.(?!(?:joinpath|child|path)\()\w{1,30}\([ \t]*[\"']")
# A string that is cut: what is left is known where that takes whole folders off its end.
_CUT = re.compile(r"[\])][ \t]*+\[[ \t]*+:[ \t]*+-(\d{1,3})[ \t]*+\][ \t]*+\)*+[ \t]*+$")
_PIECE = re.compile(r"[\])\w][ \t]*\[[^\]\n]{0,40}:")
_COMMENT = re.compile(r"(\"[^\"\n]*\"|'[^'\n]*')|#.*")
_DEFINED = re.compile(r"^[ \t]*([A-Za-z_]\w*)[ \t]*(?::[^=\n]{0,40})?=(?!=)", re.MULTILINE)
_LONGEST: Final = 1200
_MOST_STEPS: Final = 3
_MOST_VARIABLES: Final = 20


@dataclass(frozen=True, slots=True)
class Variables:
    """What the variables of a source file are made of, the first of each name. The text is gone through once: what
    somebody writes who wants to hold the panel up may ask for thousands of them.
    """

    name: str
    text: str
    _begins: Mapping[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        begins: dict[str, int] = {}
        for match in _DEFINED.finditer(self.text):
            begins.setdefault(match[1], match.end())
        object.__setattr__(self, "_begins", begins)

    def definition(self, variable: str) -> str | None:
        """What a variable is made of, None where it is not."""
        begin = self._begins.get(variable)
        return None if begin is None else assigned(self.text, begin)

    def is_taken_apart(self, variable: str) -> bool:
        """Whether it is a piece of a text, so that no folder can be guessed for it."""
        return _PIECE.search(self.definition(variable) or "") is not None

    def folder(self, variable: str, steps: int = _MOST_STEPS) -> str | None:
        """The folder that a variable holds, also by way of another one, and be it outside the tree; None where the
        text does not tell, or a variable of the environment decides it.
        """
        made = self.definition(variable)
        if made is None or not steps or ENVIRONMENT.search(made):
            return None
        if "__file__" in made:
            return _reached(self.name, made)
        further = (word for word in words(made) if word != variable and word in self._begins)
        above = self.folder(next(further, ""), steps - 1)
        return None if above is None else _below(above, made)

    def folder_of(self, made: str, among: Sequence[Variables], otherwise: str) -> str | None:
        """The folder that an expression of this file names, by variables of it or of the files ``among`` which it is;
        ``otherwise`` is the base folder where none of them tells that.
        """
        if ENVIRONMENT.search(made):
            return None
        if "__file__" in made:
            return _reached(self.name, made)
        for word in first_variables(words(made)):
            if any(each.definition(word) is not None for each in (self, *among)):
                above = folder_among((self, *among), word, otherwise)
                return None if above is None else _below(above, made)
        return None


def folder_among(modules: Sequence[Variables], variable: str, otherwise: str) -> str | None:
    """The folder that a variable of one of several files holds; ``otherwise`` for a base folder of which the text does
    not tell that.
    """
    made = (module.folder(variable) for module in modules)
    is_known = variable.endswith("BASE_DIR") and not any(module.is_taken_apart(variable) for module in modules)
    return next((each for each in made if each is not None), otherwise if is_known else None)


def words(made: str) -> list[str]:
    """The names in an expression, in their order."""
    return _WORD.findall(made)


def first_variables(names: Iterable[str]) -> tuple[str, ...]:
    """Each of these names once, as many as are looked at: no program keeps its files by more."""
    return tuple(dict.fromkeys(names))[:_MOST_VARIABLES]


def assigned(text: str, start: int) -> str:
    """What is assigned there, without comments: to the end of its line, or of the lines that its brackets go over."""
    depth, taken = 0, list[str]()
    for raw in text[start : start + _LONGEST].split("\n"):
        line = _COMMENT.sub(lambda match: match[1] or "", raw)
        taken.append(line)
        depth += sum((each in "([{") - (each in ")]}") for each in line)
        if depth <= 0 and not line.endswith("\\"):
            break
    return "\n".join(taken)


def folder_above(name: str, text: str) -> str | None:
    """The folder above a file that an expression of its ``__file__`` says, None where that is none."""
    above = _reached(name, text)
    return None if above is None or is_outside(above) else above


def is_outside(path: str) -> bool:
    """Whether a path leads out of the tree."""
    return f"{path}/".startswith("../")


def _reached(name: str, made: str) -> str | None:
    """The folder that is made of a file's own name."""
    found = _below(name, made)
    return None if found is None or f"{found}/".startswith(f"{name}/") else found


def _below(begin: str, made: str) -> str | None:
    """Where an expression leads from there: up as often as it says so, and then down its strings, without what it cuts
    off at its end; None where it takes the text apart otherwise.
    """
    cut = _CUT.search(made)
    made = made[: cut.start() + 1] if cut is not None else made
    parts = [value.lstrip("/") if added else value for added, value in _QUOTED.findall(made)]
    if _ASIDE.search(made) or _PIECE.search(made) or not all(_PLAIN.fullmatch(each) for each in parts):
        return None
    levels = sum(int(match[2] or match[3] or 1 + int(match[1] or 0)) for match in _UP.finditer(made))
    whole = posixpath.normpath(posixpath.join(begin, *[".."] * levels, *parts))
    return whole if cut is None else _shortened(whole, int(cut[1]))


def _shortened(folder: str, count: int) -> str | None:
    """A folder without its last characters, where these are whole names; None where they are not."""
    text = f"/{folder}" if folder != "." else ""
    is_whole = (count < len(text) and text[-count] == "/") or text[-count - 1 : -count] == "/" or count == len(text)
    return (text[:-count].strip("/") or ".") if count and is_whole and count <= len(text) else None
