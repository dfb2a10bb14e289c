"""Dockerfiles as BuildKit reads them: the directives that they begin with, and their instructions line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from headway.kernel.dataclass import dataclass

BACKSLASH = "\\"

_BOM = "\ufeff"
_DIRECTIVE = re.compile(r"\s*+([a-zA-Z][a-zA-Z0-9]*+)\s*+=\s*+(.+)")  # of a line without blanks at its end
_KNOWN = frozenset({"syntax", "escape", "check"})
_CONTINUED: Mapping[str, re.Pattern[str]] = {
    sign: re.compile(rf"(?<!{re.escape(sign)}){re.escape(sign)}[ \t]*$") for sign in (BACKSLASH, "`")
}
_HEREDOC = re.compile(r"\d*<<(-?)([^<]+)\Z")
_WITH_HEREDOCS = frozenset({"add", "copy", "run"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """An instruction: its word in small letters, and what follows it on all of its lines, without comments. It stands
    on the lines from ``first`` up to ``end``; ``is_open`` is one that the end of the file leaves continued.
    """

    word: str
    rest: str
    first: int
    end: int
    is_open: bool = False


def front_end_of(text: str) -> str | None:
    """The image that a Dockerfile wants to be built by, None where it names none. BuildKit looks for it after ``#``,
    after ``//``, and in a file that is JSON, each also after a first line ``#!``.
    """
    bare = text.removeprefix(_BOM)
    if bare.startswith("#!"):
        bare = bare.partition("\n")[2]
    for sign in ("#", "//"):
        if (found := _directives(bare, sign).get("syntax")) is not None:
            return found.partition(" ")[0]
    try:
        told = json.loads(bare)
    except ValueError:
        return None
    found = told.get("syntax") if isinstance(told, dict) else None
    return found if isinstance(found, str) else None


def escape_of(text: str) -> str:
    """The character that continues a line, and escapes others."""
    found = _directives(text.removeprefix(_BOM), "#").get("escape", BACKSLASH)
    return found if found in _CONTINUED else BACKSLASH


def instructions(text: str) -> Iterator[Instruction]:
    """All of them, from the first on."""
    escape = escape_of(text)
    lines = [line.rstrip("\r") for line in text.removeprefix(_BOM).split("\n")]
    number = 0
    while number < len(lines):
        first, line = number, lines[number].lstrip()
        number += 1
        if not line or line.startswith("#"):
            continue
        whole, is_open = _cut(line, escape)
        while is_open and number < len(lines):
            line = lines[number]
            number += 1
            if line.strip() and not line.lstrip().startswith("#"):
                piece, is_open = _cut(line, escape)
                whole += piece
        word, rest = _parted(whole)
        if not word:
            continue
        number = _after_heredocs(lines, number, word, rest)
        yield Instruction(word=word, rest=rest, first=first, end=number, is_open=is_open)


def words_of(text: str, escape: str = BACKSLASH) -> list[str]:
    """The words of an instruction, which quotes hold together; they are left as they are written."""
    found: list[str] = []
    word, quote, is_escaped = "", "", False
    for sign in text:
        if is_escaped:
            word, is_escaped = word + sign, False
        elif sign == escape and quote != "'":
            word, is_escaped = word + sign, True
        elif quote:
            word, quote = word + sign, "" if sign == quote else quote
        elif sign.isspace():
            found += [word] if word else []
            word = ""
        else:
            word, quote = word + sign, sign if sign in "'\"" else ""
    return [*found, word] if word else found


def _directives(text: str, sign: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.split("\n"):
        rest = line.strip()
        match = _DIRECTIVE.fullmatch(rest.removeprefix(sign)) if rest.startswith(sign) else None
        if match is None or match[1].lower() not in _KNOWN or match[1].lower() in found:
            break
        found[match[1].lower()] = match[2]
    return found


def _cut(line: str, escape: str) -> tuple[str, bool]:
    """A line without the sign that continues it, and whether it had one."""
    match = _CONTINUED[escape].search(line)
    return (line, False) if match is None else (line[: match.start()], True)


def _parted(whole: str) -> tuple[str, str]:
    word, *rest = re.split(r"\s+", whole.strip(), maxsplit=1)
    return word.lower(), rest[0] if rest else ""


def _after_heredocs(lines: Sequence[str], number: int, word: str, rest: str) -> int:
    """The number of the line after the texts that an instruction brings with it."""
    if word == "onbuild":
        word, rest = _parted(rest)
    if word not in _WITH_HEREDOCS or "<<" not in rest or _is_json(rest):
        return number
    for match in filter(None, map(_HEREDOC.fullmatch, words_of(rest))):
        name = match[2].replace("'", "").replace('"', "")
        while number < len(lines):
            line = lines[number].lstrip("\t") if match[1] else lines[number]
            number += 1
            if line == name:
                break
    return number


def _is_json(rest: str) -> bool:
    try:
        return isinstance(json.loads(rest), list)
    except ValueError:
        return False
