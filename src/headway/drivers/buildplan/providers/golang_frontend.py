"""The front end that a program in Go has within it: what it embeds is built before it is compiled."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.providers import node_frontend
from headway.drivers.buildplan.providers.node_frontend import BUILDS, CONFIGS, FOLDERS, Frontend, frontend
from headway.drivers.buildplan.providers.node_package import PACKAGE, read_package
from headway.drivers.buildplan.providers.static import INDEX
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree

IGNORED: Final = ".gitignore"
_STEMS: Final = ("embed", "assets", "static", "ui", "web", "webui", "frontend", "dist")
READS: Final = (
    *(f"{above}{stem}.go" for above in ("*/", "*/*/", "*/*/*/") for stem in _STEMS),
    *(f"{folder}/*.go" for folder in FOLDERS if folder),
    *node_frontend.FILES,
    IGNORED,
)

EMBEDS = re.compile(r"^[ \t]*//go:embed[ \t]+([^\n]{1,400})", re.MULTILINE)
WILD = re.compile(r"[*?\[]")
_MOST: Final = 50
_MOST_PATHS: Final = 10
_MOST_TEXT: Final = 64 << 10
# A line of .gitignore that names one file or folder.
_LEFT_OUT = re.compile(r"^[\w./-]{1,200}$", re.MULTILINE)
_RUNS_FILE = re.compile(
    r"\b(?:node|tsx|ts-node|bun)[ \t]+(?:-\S{1,60}[ \t]+){0,4}(?:\./)?([\w./-]{1,100}\.[cm]?[jt]s)\b"
)
# Where an application has the pages that it serves from the disk.
_SERVED = re.compile(r"\"(?:\./)?((?:[\w-]{1,40}/){1,3}(?:dist|build|out|public))(?:/index\.html)?/?\"")
_NONE: Final = Frontend(folder="", reason="", needs=(), phases=(), path=())


def embedded_frontend(tree: Tree, settings: BuildSettings) -> Frontend:
    """The front end that leaves what a file embeds or serves and nobody has committed; one of nothing where there is
    none.
    """
    for folders, script, why in _possible(tree):
        found = frontend(tree, settings, folders, script)
        if found is not None and any(phase.name == "frontend build" for phase in found.phases):
            return replace(found, reason=f"{found.reason}, {why}")
    return _NONE


def _possible(tree: Tree) -> Iterator[tuple[Sequence[str], str | None, str]]:
    """The folders that it may be in, the script that builds it, where that is known, and what it is for."""
    for file, place in _told(tree):
        for folder, script in _scripts_into(tree, place):
            yield (folder,), script, f"of which {file} embeds {place}"
    for file, place in _absent(tree):
        above = [place[:at] for at in range(len(place), 0, -1) if place[at : at + 1] in {"", "/"}]
        folders = [each for each in (*above, "") if posixpath.join(each, PACKAGE) in tree]
        # One that lies elsewhere is told to build into the folder.
        yield folders[:1] or FOLDERS, None, f"of which {file} embeds {place}"
    for file, path in itertools.islice(_ignored(tree), _MOST_PATHS):
        for folder, script in writers(tree, path):
            yield (folder,), script, f"which makes {path}, of what {file} embeds"
    for file, place in itertools.islice(_served(tree), _MOST_PATHS):
        yield (posixpath.dirname(place),), None, f"of which {file} has {place}"


def further(tree: Tree) -> Iterator[str]:
    """The files that say what of the embedded folders is in no repository, and those that build front ends."""
    for _, place in itertools.islice(_embedded(tree), _MOST):
        yield from (posixpath.join(folder, IGNORED) for folder in _with_above(place))
    for folder in FOLDERS:
        for line in _scripts(tree, folder).values():
            yield from (posixpath.join(folder, name) for name in _RUNS_FILE.findall(line))


def writers(tree: Tree, path: str) -> Iterator[tuple[str, str]]:
    """The folders of front ends whose build names a path or the folder that it is in, with the script."""
    for folder in FOLDERS:
        named = {posixpath.relpath(each or ".", folder or ".") for each in (path, posixpath.dirname(path))} - {"."}
        into = re.compile(rf"(?<![\w./-])(?:\./)?(?:{'|'.join(map(re.escape, sorted(named)))})/?(?![\w./-])")
        is_configured = _is_named(tree, into, folder, CONFIGS)
        for script, line in _scripts(tree, folder).items():
            if is_configured or into.search(line) or _is_named(tree, into, folder, _RUNS_FILE.findall(line)):
                yield folder, script


def _is_named(tree: Tree, into: re.Pattern[str], folder: str, names: Iterable[str]) -> bool:
    return any(into.search(tree.text(posixpath.join(folder, name))[:_MOST_TEXT]) for name in names)


def _scripts(tree: Tree, folder: str) -> dict[str, str]:
    """The scripts that may build the front end in a folder, with their lines."""
    if posixpath.join(folder, PACKAGE) not in tree.contents:
        return {}
    try:
        package = read_package(tree.below(folder) if folder else tree)
    except BuildError:
        return {}
    return {name: package.short(name) for name in BUILDS if package.script(name)}


def _ignored(tree: Tree) -> Iterator[tuple[str, str]]:
    """What is below an embedded folder that has files, and in no repository, each with the file that embeds it."""
    there = _there(tree)
    for file, place in itertools.islice(_embedded(tree), _MOST):
        for folder in _with_above(place):
            text = tree.text(posixpath.join(folder, IGNORED))[:_MOST_TEXT]
            for line in itertools.islice(_LEFT_OUT.findall(text), _MOST):
                path = posixpath.normpath(posixpath.join(folder, line.strip("/")))
                is_here = "/" in line.strip("/") or line.startswith("/") or folder == place
                if is_here and path.startswith(f"{place}/") and path not in there:
                    yield file, path


def _served(tree: Tree) -> Iterator[tuple[str, str]]:
    """The folders beside a package.json that a source has, and that have no file, each with the source."""
    there = _there(tree)
    for name in _sources(tree):
        for place in dict.fromkeys(_SERVED.findall(tree.text(name))):
            if posixpath.join(posixpath.dirname(place), PACKAGE) in tree and place not in there:
                yield name, place


def _there(tree: Tree) -> frozenset[str]:
    """All files and folders."""
    return tree.names | {above for name in tree.names for above in _with_above(posixpath.dirname(name))}


def _with_above(place: str) -> Iterator[str]:
    """A folder, and all that it is in."""
    while place:
        yield place
        place = posixpath.dirname(place)
    yield ""


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
    for name in _sources(tree):
        for word in itertools.chain.from_iterable(line.split() for line in EMBEDS.findall(tree.text(name))):
            written = WILD.split(word.strip('"`').removeprefix("all:"))[0].strip("/")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(name), written)) if written else ""
            if place and place not in seen and not place.startswith("..") and not posixpath.splitext(place)[1]:
                seen.add(place)
                yield name, place


def _sources(tree: Tree) -> Iterator[str]:
    names = (name for name in tree.matching("**/*.go") if name in tree.contents)
    return (name for name in names if not name.endswith("_test.go") and not name.startswith("vendor/"))
