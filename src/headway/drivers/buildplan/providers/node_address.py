"""Where a program of Node or Bun listens that does not read PORT: the number that its main file has for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.tree import Tree

_LISTENS: Final = re.compile(r"\.listen\s*\(|(?<!\w)serve\s*\(|\bexport\s+default\s*\{")
_VALUE: Final = r"(\d{4,5}|[A-Za-z_$][\w$]*)"
_LITERAL: Final = (
    re.compile(rf"\.listen\s*\(\s*{_VALUE}\s*[,)]"),
    re.compile(rf"(?:\.listen|(?<!\w)serve)\s*\(\s*\{{[^{{}}]{{0,300}}?\bport\s*:\s*{_VALUE}\s*[,}}]"),
    re.compile(rf"\bexport\s+default\s*\{{[^{{}}]{{0,300}}?\bport\s*:\s*{_VALUE}\s*[,}}]"),
)
_READS: Final = re.compile(r"\benv\.PORT\b|\benv\[[\"']PORT[\"']\]")
_PROGRAM: Final = re.compile(r"(?:^|\s)(?:node|bun)\s+(?:run\s+)?[\w./-]+")
_ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts")
_LEAST, _MOST = 1024, 65535  # what any account may listen on


def own_port(tree: Tree, line: str, mains: tuple[str, ...]) -> tuple[int, str] | None:
    """The port that the program listens on whatever PORT says, with the file that has it; None where it reads that, or
    where nothing is sure. ``line`` starts it, ``mains`` are the names of main files.
    """
    entry = next(_entries(line, tree), None)
    if entry not in tree.contents if entry is not None else _PROGRAM.search(line) is None:
        return None
    names = [entry] if entry is not None and _LISTENS.search(_code(tree, entry)) else mains
    found = [name for name in names if name in tree.contents and _LISTENS.search(_code(tree, name))]
    if any(_READS.search(_code(tree, name)) for name in tree.contents if name.endswith(_ENDINGS)):
        return None  # what has a number may be a second server
    port = _port(_code(tree, found[0])) if len(found) == 1 else None
    return None if port is None else (port, found[0])


def _port(text: str) -> int | None:
    if len(_LISTENS.findall(text)) != 1:
        return None
    value = next((match[1] for pattern in _LITERAL for match in pattern.finditer(text)), "")
    if value and not value.isdecimal():
        constant = re.search(rf"\bconst\s+{re.escape(value)}(?:\s*:\s*\w+)?\s*=\s*(\d{{4,5}})[ \t]*(?:;|\r?\n)", text)
        value = constant[1] if constant is not None else ""
    return int(value) if value and _LEAST <= int(value) <= _MOST else None


def _entries(line: str, tree: Tree) -> Iterator[str]:
    """The files of the repository that a command line starts."""
    try:
        words = shlex.split(line)
    except ValueError:
        return
    for word in words:
        name = word.removeprefix("./")
        for file in (name, *(f"{name}{ending}" for ending in _ENDINGS)):
            if file.endswith(_ENDINGS) and file in tree:
                yield file


def _code(tree: Tree, name: str) -> str:
    return without_comments(tree.text(name))
