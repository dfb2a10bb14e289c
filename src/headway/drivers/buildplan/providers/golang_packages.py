"""The packages of a module in Go: which of them are programs, and which others those are made of."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from headway.drivers.buildplan.tree import Tree

_MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)
_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)
_BEGINS = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
# What a build leaves out unless it is told otherwise: pins of tools, generators.
_LEFT_OUT = re.compile(r"^//(?:go:build|[ \t]*\+build)[ \t]+(?:ignore|tools?|generate|mage)\b", re.MULTILINE)
_LOADED = re.compile(r"^(?:import[ \t]++|[ \t]*+)(?:[\w.]++[ \t]++)?\"([\w./~-]{1,200})\"[ \t]*+$", re.MULTILINE)
# Where no module has what it is for, by the Go project's "Organizing a Go module" and by custom.
_ASIDE: Final = frozenset(
    {
        *("internal", "tools", "hack", "scripts", "test", "tests", "testdata", "e2e"),
        *("example", "examples", "_example", "_examples"),
    }
)
_INTERNAL: Final = "internal/cmd/"  # where some have their programs that nobody is to import
# The packages in which programs have their options, their commands and their server.
_SETTINGS: Final = ("config", "configuration", "settings", "flags", "options", "env", "environment")
_TELLING: Final = frozenset((*_SETTINGS, "conf", "cfg", "configs", "setting", "cmd", "cli", "server", "web", "http"))
_TELLING_FILES: Final = frozenset(
    (*_SETTINGS, "root", "main", "serve", "server", "web", "start", "run", "keys", "args")
)
_MOST_PROGRAMS: Final = 4
_MOST_FOLDERS: Final = 12
_MOST_OF_FOLDER: Final = 8
_MOST_FILES: Final = 32
_MOST_TEXT: Final = 1 << 20
_STEPS: Final = 2


def module_name(tree: Tree) -> str:
    """What the module at the build path is called; "" where there is none."""
    found = _MODULE.search(tree.text("go.mod"))
    return found[1] if found is not None else ""


def programs(tree: Tree) -> tuple[str, ...]:
    """The folders of programs: that of the build path, then those of ``cmd``, then others that have a main.go."""
    folders = defaultdict[str, list[str]](list)
    for name in _all_sources(tree):
        folders[posixpath.dirname(name)].append(name)
    mains, begun = list[str](), list[str]()
    for folder, inside in folders.items():
        texts = [tree.text(name) for name in inside if name in tree.contents]
        read = [text for text in texts if not _LEFT_OUT.search(text)]
        is_main = any(_MAIN.search(text) for text in read) if texts else f"{folder}/main.go".lstrip("/") in inside
        if is_main:
            mains.append(folder or ".")
            # A package main without a function main is no program; of one that is read in part nobody knows.
            if len(texts) < len(inside) or any(_BEGINS.search(text) for text in read):
                begun.append(folder or ".")
    rank = {".": 0}
    shallow = [each for each in begun or mains if each.count("/") < 3]
    plain = [each for each in shallow if not _ASIDE & set(each.split("/"))]
    shallow = plain or [each for each in shallow if each.startswith(_INTERNAL)] or shallow
    return tuple(sorted(shallow, key=lambda each: (rank.get(each, 1 if "cmd/" in f"{each}/" else 2), each)))[:20]


def own_sources(tree: Tree, target: str) -> dict[str, str]:
    """The texts of a program's own package, as far as they are read, by file."""
    folder = target.removeprefix("./").removeprefix(".")
    return {name: tree.text(name) for name in _all_sources(tree) if posixpath.dirname(name) == folder}


def loaded_sources(tree: Tree, target: str) -> dict[str, str]:
    """Those and the texts of what it is made of, the nearest first, as far as they are read."""
    own = own_sources(tree, target)
    files, left = _by_folder(tree), _MOST_TEXT
    for name in _loaded(tree, own.values(), files):
        text = tree.text(name)
        left -= len(text)
        if left < 0:
            break
        own.setdefault(name, text)
    return own


def further(tree: Tree) -> tuple[str, ...]:
    """The files of the module's own packages that its programs are made of, those first that tell where one listens."""
    if not module_name(tree):
        return ()
    found = programs(tree)[:_MOST_PROGRAMS]
    files = _by_folder(tree)
    unread = [f"{folder}/main.go" for folder in found]
    if unread := [name for name in unread if name in tree and name not in tree.contents]:
        return tuple(unread)
    texts = (text for folder in found for text in own_sources(tree, folder).values() if _MAIN.search(text))
    return tuple(_loaded(tree, texts, files))


def _loaded(tree: Tree, texts: Iterable[str], files: Mapping[str, Sequence[str]]) -> list[str]:
    """The files of the packages that these texts load, and that what was read of those loads."""
    head = module_name(tree)
    if not head:
        return []
    done, found = set[str](), list[str]()
    for _ in range(_STEPS):
        nearer = _folders(head, texts)
        ordered = sorted((each for each in nearer if each in files and each not in done), key=_is_of_others)
        ordered = ordered[: _MOST_FOLDERS - len(done)]
        done.update(ordered)
        step = [name for folder in ordered for name in _telling_first(folder, files[folder])[:_MOST_OF_FOLDER]]
        found += step
        texts = [tree.text(name) for name in step]
    return found[:_MOST_FILES]


def _folders(head: str, texts: Iterable[str]) -> tuple[str, ...]:
    """The folders of the module's own packages that are loaded, each once; "" is the one at its top."""
    loaded = (found for text in texts for found in _LOADED.findall(text))
    return tuple(
        dict.fromkeys(f"{each}/".removeprefix(f"{head}/").rstrip("/") for each in loaded if _is_own(each, head))
    )


def _is_own(path: str, head: str) -> bool:
    return f"{path}/".startswith(f"{head}/")


def _is_of_others(folder: str) -> bool:
    """Whether a package has another name than those in which programs are told how to run."""
    return posixpath.basename(folder) not in _TELLING


def _telling_first(folder: str, names: Sequence[str]) -> list[str]:
    told = {*_TELLING_FILES, posixpath.basename(folder).lower()}
    return sorted(names, key=lambda name: (posixpath.basename(name)[:-3].lower() not in told, name))


def _by_folder(tree: Tree) -> dict[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for name in _all_sources(tree):
        found[posixpath.dirname(name)].append(name)
    return dict(found)


def _all_sources(tree: Tree) -> list[str]:
    names = tree.matching("**/*.go")
    return [name for name in names if not name.endswith("_test.go") and not name.startswith("vendor/")]
