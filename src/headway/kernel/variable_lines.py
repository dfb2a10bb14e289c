"""The lines of a text of variables, as python-dotenv reads them: in one pass, whose time grows with the text alone.

The library looks for a comment from each blank of a value, and takes some fifteen expressions for every line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping

from headway.kernel.dataclass import dataclass

# Nothing in it is tried twice: what has matched is not given back.
_LINE = re.compile(
    r"""
    \s*+ (?P<export> export[^\S\r\n]++ )?+
    (?:
        (?P<key> '[^']++' | [^=\#\s'][^=\#\s]*+ ) [^\S\r\n]*+
        (?:
            (?P<sign> = ) [^\S\r\n]*+
            (?P<value> '(?:\\.|[^'\\])*+' | "(?:\\.|[^"\\])*+" | (?!['"]) )?+
        )?+
    )?+
    (?P<rest> [^\r\n]*+ ) (?:\r\n|\n|\r|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_COMMENT = re.compile(r"\s#")
_ESCAPES: Mapping[str, re.Pattern[str]] = {'"': re.compile(r"\\[\\'\"abfnrtv]"), "'": re.compile(r"\\[\\']")}


@dataclass(frozen=True, slots=True)
class VariableLine:
    """A variable with its value, a comment (without a name), or what cannot be read (``is_wrong``): the ``text`` from
    the end of the one before, its blank lines included, and the number of the line on which that begins.
    """

    text: str
    number: int
    name: str | None = None
    value: str | None = None
    is_wrong: bool = False


def variable_lines(text: str) -> Iterator[VariableLine]:
    """The lines of a text; a value in quotes may go over several."""
    text, at, number = text.removeprefix("\ufeff"), 0, 1
    while at < len(text):
        found = _LINE.match(text, at)
        assert found is not None  # noqa: S101 - it matches whatever stands there
        yield _line(found, number)
        whole = found[0]
        number += len(_NEWLINE.findall(whole)) if "\r" in whole else whole.count("\n")
        at = found.end()


def _line(found: re.Match[str], number: int) -> VariableLine:
    key, quoted, rest, whole = found["key"], found["value"], found["rest"], found[0]
    if key is None:
        return VariableLine(whole, number, is_wrong=bool(found["export"] or rest) and not rest.startswith("#"))
    if key.startswith("'"):
        key = key[1:-1]
    is_told = not quoted and quoted is not None  # as it stands, without quotes
    if not is_told and rest.lstrip() and not rest.lstrip().startswith("#"):
        return VariableLine(whole, number, is_wrong=True)
    if found["sign"] is None:
        return VariableLine(whole, number, key)
    if quoted is None:
        return VariableLine(whole, number, is_wrong=True)
    if is_told:
        return VariableLine(whole, number, key, _plain(rest, found.start("rest") - found.end("sign")))
    inner = _ESCAPES[quoted[0]].sub(lambda each: codecs.decode(each[0], "unicode-escape"), quoted[1:-1])
    return VariableLine(whole, number, key, inner)


def _plain(rest: str, blanks: int) -> str:
    if blanks and rest.startswith("#"):
        return ""
    comment = _COMMENT.search(rest)
    return (rest if comment is None else rest[: comment.start()]).rstrip()
