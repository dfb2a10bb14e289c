"""The front end that a program in Go has within it: what it embeds is built before it is compiled."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.providers import node_frontend
from headway.drivers.buildplan.providers.node_frontend import FOLDERS, Frontend, frontend
from headway.drivers.buildplan.providers.node_package import PACKAGE
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_STEMS: Final = ("embed", "assets", "static", "ui", "web", "webui", "frontend", "dist")
READS: Final = (
    *(f"{above}{stem}.go" for above in ("*/", "*/*/", "*/*/*/") for stem in _STEMS),
    *(f"{folder}/*.go" for folder in FOLDERS if folder),
    *node_frontend.FILES,
)

_EMBEDS = re.compile(r"^//go:embed[ \t]+([^\n]{1,400})", re.MULTILINE)
_WILD = re.compile(r"[*?\[]")
_MOST: Final = 20
_NONE: Final = Frontend(folder="", reason="", needs=(), phases=(), path=())


def embedded_frontend(tree: Tree, settings: BuildSettings) -> Frontend:
    """The front end that leaves what a file embeds and nobody has committed; one of nothing where there is none."""
    for file, place in _absent(tree):
        above = [place[:at] for at in range(len(place), 0, -1) if place[at : at + 1] in {"", "/"}]
        folders = [each for each in (*above, "") if posixpath.join(each, PACKAGE) in tree]
        # One that lies elsewhere is told to build into the folder.
        found = frontend(tree, settings, folders[:1] or FOLDERS)
        if found is not None and any(phase.name == "frontend build" for phase in found.phases):
            return replace(found, reason=f"{found.reason}, of which {file} embeds {place}")
    return _NONE


def _absent(tree: Tree) -> Iterator[tuple[str, str]]:
    """The folders that files embed and that have no file, or but one that keeps its place, each with the file."""
    names = (name for name in tree.matching("**/*.go") if name in tree.contents and not name.endswith("_test.go"))
    found = 0
    for name in names:
        for line in _EMBEDS.findall(tree.text(name)):
            for word in line.split():
                place = _WILD.split(word.strip('"`').removeprefix("all:"))[0].strip("/")
                place = posixpath.normpath(posixpath.join(posixpath.dirname(name), place)) if place else ""
                if not place or place.startswith("..") or place in tree or posixpath.splitext(place)[1]:
                    continue
                below = (each for each in tree.names if each.startswith(f"{place}/"))
                if all(posixpath.basename(each).startswith(".") for each in below):
                    yield name, place
                    found += 1
                    if found == _MOST:
                        return
