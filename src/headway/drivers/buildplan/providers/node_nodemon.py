"""nodemon, which starts a program anew whenever a file changes: the program itself."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.providers.node_package import LONGEST, Package
from headway.drivers.buildplan.tree import Tree

FILE: Final = "nodemon.json"

_TYPED: Final = (".ts", ".mts", ".cts")
_WITH_VALUE: Final = frozenset(
    {"-w", "--watch", "-e", "--ext", "-i", "--ignore", "-d", "--delay", "--config", "-s", "--signal"}
)
_CONFIG = re.compile(r"\bnodemon\b[^;&|]{0,400}?\s--config(?:=|\s+)[\"']?(?:\./)?([\w./-]{1,200})")


def read_settings(tree: Tree | None, package: Package, line: str = "") -> Mapping[str, Any]:
    """What the file says that the ``line`` names; where it names none, nodemon.json in the folder of the package, or
    else the package itself (so nodemon's own "config": with ``--config`` it asks neither of these).
    """
    told = _CONFIG.search(line) if len(line) <= LONGEST else None
    try:
        found = parse_jsonc(tree, FILE if told is None else posixpath.normpath(told[1])) if tree is not None else {}
    except BuildError:
        found = {}
    return found or (package.record("nodemonConfig") if told is None else {})


def configurations(package: Package) -> Iterator[str]:
    """The files that its scripts name as such, below the folder of the package."""
    for name in package.scripts:
        if (told := _CONFIG.search(package.short(name))) is not None:
            yield posixpath.normpath(told[1])


def program_of(plain: str, package: Package, settings: Mapping[str, Any]) -> str:
    """What such a line starts: the program after --exec, else that of the settings, else node; with the file that it
    or they name, else the main one.
    """
    try:
        words = shlex.split(plain)[1:]
    except ValueError:
        return plain
    program, rest = _told(words)
    is_own = bool(program)
    program = program or _text(settings.get("exec"))
    if not rest and (file := _text(settings.get("script"))):
        rest = [file]
    if not rest and (not program or (is_own and " " not in program)):
        rest = [package.text("main") or "index.js"]
    if not program:
        ending = posixpath.splitext(rest[0])[1]
        known = settings.get("execMap")
        program = _text(known.get(ending.removeprefix("."))) if isinstance(known, dict) else ""
        program = program or ("node" if ending not in _TYPED else "tsx" if package.has("tsx") else "ts-node")
    return " ".join([program, *map(shlex.quote, rest)])


def _told(words: list[str]) -> tuple[str, list[str]]:
    """The program and the file, with its arguments, that the line itself names."""
    program = ""
    rest: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--":  # what follows is the program's own
            return program, [*rest, *words]
        if word in {"--exec", "-x"} and words:
            program = words.pop(0)
        elif word.startswith("--exec="):
            program = word.removeprefix("--exec=")
        elif word in _WITH_VALUE:
            words = words[1:]
        elif word.startswith("-") and not rest:
            continue
        else:
            rest.append(word)
    return program, rest


def _text(found: object) -> str:
    return found.strip() if isinstance(found, str) and len(found) <= LONGEST and "\0" not in found else ""
