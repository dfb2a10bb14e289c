"""The front end that a program in Go has within it: what it embeds is built before it is compiled."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers import node_frontend
from headway.drivers.buildplan.providers.node_frontend import FOLDERS, Frontend, frontend
from headway.drivers.buildplan.providers.node_package import PACKAGE, read_package
from headway.drivers.buildplan.providers.static import INDEX
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

_STEMS: Final = ("embed", "assets", "static", "ui", "web", "webui", "frontend", "dist")
READS: Final = (
    *(f"{above}{stem}.go" for above in ("*/", "*/*/", "*/*/*/") for stem in _STEMS),
    *(f"{folder}/*.go" for folder in FOLDERS if folder),
    *node_frontend.FILES,
)

_EMBEDS = re.compile(r"^[ \t]*//go:embed[ \t]+([^\n]{1,400})", re.MULTILINE)
_WILD = re.compile(r"[*?\[]")
_MOST: Final = 50
_NONE: Final = Frontend(folder="", reason="", needs=(), phases=(), path=())


def embedded_frontend(tree: Tree, settings: BuildSettings) -> Frontend:
    """The front end that leaves what a file embeds and nobody has committed; one of nothing where there is none."""
    for file, place in _told(tree):
        for folder, script in _scripts_into(tree, place):
            found = frontend(tree, settings, (folder,), script)
            if found is not None:
                return replace(found, reason=f"{found.reason}, of which {file} embeds {place}")
    for file, place in _absent(tree):
        above = [place[:at] for at in range(len(place), 0, -1) if place[at : at + 1] in {"", "/"}]
        folders = [each for each in (*above, "") if posixpath.join(each, PACKAGE) in tree]
        # One that lies elsewhere is told to build into the folder.
        found = frontend(tree, settings, folders[:1] or FOLDERS)
        if found is not None and any(phase.name == "frontend build" for phase in found.phases):
            return replace(found, reason=f"{found.reason}, of which {file} embeds {place}")
    return _NONE


def _told(tree: Tree) -> Iterator[tuple[str, str]]:
    """The folders that files embed in which there is a page at most, which may be there until a build puts its own in
    its place.
    """
    for file, place in itertools.islice(_embedded(tree), _MOST):
        inside = [
            name for name in tree.names if name.startswith(f"{place}/") and not posixpath.basename(name).startswith(".")
        ]
        if inside in ([], [f"{place}/{INDEX}"]):
            yield file, place


def _scripts_into(tree: Tree, place: str) -> Iterator[tuple[str, str]]:
    """The folders of front ends whose script names the folder as the one that it writes to, with the script."""
    folders = dict.fromkeys((*FOLDERS, *(posixpath.dirname(name) for name in tree.matching(f"*/{PACKAGE}"))))
    for folder in folders:
        if posixpath.join(folder, PACKAGE) not in tree.contents:
            continue
        try:
            package = read_package(tree.below(folder) if folder else tree)
        except BuildError:
            continue
        path = re.escape(posixpath.relpath(place, folder or "."))
        into = re.compile(rf"--out(?:-?[dD]ir)?[= ](?:\./)?{path}/?(?=\s|$)")
        for name in package.scripts:
            if into.search(package.short(name)):
                yield folder, name


def _absent(tree: Tree) -> Iterator[tuple[str, str]]:
    """The folders that files embed and that have no file, or but one that keeps its place, each with the file."""
    filled = {posixpath.dirname(name) for name in tree.names if not posixpath.basename(name).startswith(".")}
    for file, place in itertools.islice(_embedded(tree), _MOST):
        is_there = place in tree or any(each == place or each.startswith(f"{place}/") for each in filled)
        if not is_there:
            yield file, place


def _embedded(tree: Tree) -> Iterator[tuple[str, str]]:
    """The folders that files embed, each once, as seen from the top, with the file."""
    seen = set[str]()
    names = (name for name in tree.matching("**/*.go") if name in tree.contents and not name.endswith("_test.go"))
    for name in names:
        for word in itertools.chain.from_iterable(line.split() for line in _EMBEDS.findall(tree.text(name))):
            written = _WILD.split(word.strip('"`').removeprefix("all:"))[0].strip("/")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), written)) if written else ""
            if place and place not in seen and not place.startswith("..") and not posixpath.splitext(place)[1]:
                seen.add(place)
                yield name, place
