"""A Procfile as it is meant here: one for a developer's own machine is left alone, and a port of its own is PORT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.procfile import PROCFILE, WEB, parse_procfile
from headway.drivers.buildplan.providers.node_package import PACKAGE, read_package
from headway.drivers.buildplan.providers.node_scripts import is_developers
from headway.drivers.buildplan.tree import Tree

MAKEFILE: Final = "Makefile"

_MAKE = re.compile(r"(?:exec\s+)?make\s+([\w.-]{1,60})")
_SCRIPT = re.compile(r"(?:npm|yarn|pnpm|bun)\s+(?:run\s+)?([\w:.-]{1,60})")
_RUNSERVER = re.compile(r"\bmanage(?:\.py)?\s+(?:runserver|runserver_plus|tailwind\s+start)\b")
_OF_PYTHON_2 = re.compile(r"(?:exec\s+)?python2?(?:\.7)?\s+-m\s+SimpleHTTPServer(?:\s+\d{2,5})?")
_SERVER: Final = (
    r"(?:uvicorn|gunicorn|hypercorn|daphne|granian|waitress-serve|(?:streamlit|flask|fastapi|chainlit)\s+run)"
)
_HOST: Final = r"(?:[\w.*-]{1,60}|\[[\w:]+\])?"
_OWN_PORT = re.compile(
    rf"(\b{_SERVER}\s(?:.{{0,300}}?\s)?"
    rf"(?:(?:--port|-p|--server\.port)[=\s]\s*|(?:--bind|-b|--listen)[=\s]\s*{_HOST}:))(\d{{2,5}})\b"
)


def suited(tree: Tree) -> tuple[Tree, tuple[str, ...]]:
    """The tree with the Procfile as it is heeded, or without it, and what is to be said of that."""
    try:
        lines = parse_procfile(tree.contents[PROCFILE]).processes if PROCFILE in tree.contents else {}
    except BuildError:
        return tree, ()  # told where it is heeded
    web = lines.get(WEB, "")
    if _OF_PYTHON_2.fullmatch(web.partition(" $")[0]) and "index.html" in tree and len(lines) == 1:
        note = f"The Procfile serves the files by a server of Python 2 (web: {web[:80]}): they are served as a site."
        return _without(tree), (note,)
    if not web or "$PORT" in web or "${PORT" in web:
        return tree, ()
    if any(_is_local(tree, line) for line in _behind(tree, web)):
        note = f"The Procfile is for a developer's own machine (web: {web[:80]}): it is left alone"
        return _without(tree), (f"{note}. To have a line of it: headway apps set APP --start LINE.",)
    changed = _OWN_PORT.sub(r"\1$PORT", web)
    if changed == web:
        return tree, ()
    note = f"The Procfile names a port of its own (web: {web[:80]}): that is $PORT, so that PORT is used."
    text = tree.text(PROCFILE).replace(web, changed)
    return replace(tree, contents={**tree.contents, PROCFILE: text.encode()}), (note,)


def _behind(tree: Tree, line: str) -> Iterator[str]:
    """The line, and those that make, or a script of package.json, runs for it."""
    yield line
    if match := _MAKE.fullmatch(line):
        recipe = re.search(
            rf"^{re.escape(match[1])}[ \t]*:[^\n=]*\n((?:\t[^\n]*\n?)+)", tree.text(MAKEFILE), re.MULTILINE
        )
        yield from (each.strip().lstrip("@-") for each in (recipe[1].splitlines() if recipe else ()))
    if (match := _SCRIPT.fullmatch(line)) and PACKAGE in tree.contents:
        try:
            yield read_package(tree).short(match[1])
        except BuildError:
            return


def _is_local(tree: Tree, line: str) -> bool:
    """Whether it begins a server for a developer, of something that is known to be started otherwise."""
    is_django = _RUNSERVER.search(line) is not None and bool(tree.matching("manage.py") or tree.matching("*/manage.py"))
    return is_django or (PACKAGE in tree and "PORT" not in line and is_developers(line))


def _without(tree: Tree) -> Tree:
    contents = {name: data for name, data in tree.contents.items() if name != PROCFILE}
    return replace(tree, names=tree.names - {PROCFILE}, contents=contents)
