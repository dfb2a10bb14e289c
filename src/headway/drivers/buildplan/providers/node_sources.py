"""The sources of a program of Node that are read: what is started, and what that loads of the repository."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.tree import Tree

ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx")
LOADED: Final = re.compile(r"(?:\bfrom|\bimport|\brequire)[\s(]{0,20}[\"']([^\"'\n]{1,200})[\"']")

_PROGRAM: Final = re.compile(
    r"(?:^|\s)(?:node|bun|tsx|ts-node)\s+(?:--?\S+\s+){0,8}+(?:run\s+)?(?:\./)?([\w./-]{1,200})"
)
_MADE: Final = frozenset({"dist", "build", "lib", "out", "bin", "compiled"})
# Where the sources of what a compiler has written lie.
_FOLDERS: Final = ("src", "server", "", "src/server", "lib", "app", "backend")
# What a name of a package's own begins with, as its tsconfig has it: "@/db", "~/db", "@server/db", "server/db".
_ALIAS: Final = re.compile(r"^(?:[@~#]/|[@~#])?(?=\w)")
# Files that are likely to say by which variables and in which files an application keeps what it has.
_TELLING: Final = re.compile(
    r"data|db|conf|setting|env|constant|stor[ae]|prisma|\borm|migrat|sql|knex|path|server", re.IGNORECASE
)
_MOST_SEEN: Final = 60
_MOST: Final = 10
_MOST_IMPORTED: Final = 20
_MOST_LOADED: Final = 200  # by one file


def file_at(tree: Tree, path: str) -> str:
    """The file that is loaded by a path, which may lack its ending or have that of what is compiled; the path itself
    where there is none.
    """
    place = posixpath.normpath(path)
    stem = place.rpartition(".")[0] if place.endswith((".js", ".mjs", ".cjs")) else place
    names = (place, *(f"{each}{ending}" for each in (place, stem) for ending in ENDINGS))
    inside = (f"{place}/index{ending}" for ending in ENDINGS)
    return next((name for name in (*names, *inside) if name in tree and "." in posixpath.basename(name)), place)


def imported(tree: Tree, entry: str) -> tuple[str, ...]:
    """The files that are loaded by ``entry`` by their paths and by those that these load, the nearest first, as far as
    they were read; also the next ones, that were not read yet. No more than are looked at.
    """
    found = dict[str, None]()
    waiting = [posixpath.normpath(entry)]
    while waiting and len(found) < _MOST_IMPORTED:
        name = waiting.pop(0)
        for path in islice(LOADED.findall(without_comments(tree.text(name))), _MOST_LOADED):
            file = file_at(tree, posixpath.join(posixpath.dirname(name), path)) if path.startswith(".") else ""
            if file.endswith(ENDINGS) and file in tree and file not in found and file != entry:
                found[file] = None
                waiting.append(file)
    return tuple(found)[:_MOST_IMPORTED]


def begun(tree: Tree, line: str, folder: str = "") -> Iterator[str]:
    """The files of the repository that a line starts in a ``folder``, or that what it starts is compiled from."""
    for match in _PROGRAM.finditer(line[:4_000]):
        found = _source(tree, posixpath.normpath(posixpath.join(folder, match[1])), folder)
        if found:
            yield found


def unread(tree: Tree, roots: Iterable[tuple[str, str]]) -> list[str]:
    """The files that these load, each a name and the folder of its package, and that are not read yet: what tells most
    about data first, and the rest where nothing of that is left.
    """
    waiting, seen = list(roots), dict[str, None]()
    while waiting and len(seen) < _MOST_SEEN:
        name, folder = waiting.pop(0)
        if name in seen:
            continue
        seen[name] = None
        if name in tree.contents:
            waiting += [(each, folder) for each in loaded(tree, name, folder) if each not in seen]
    left = [name for name in seen if name not in tree.contents]
    telling = [name for name in left if _TELLING.search("/".join(name.rsplit("/", 2)[-2:]))]
    return (telling or left)[:_MOST]


def loaded(tree: Tree, name: str, folder: str = "") -> Iterator[str]:
    """The files of the repository that a source loads, which is of the package in a ``folder``."""
    for path in dict.fromkeys(LOADED.findall(without_comments(tree.text(name)))):
        if path.startswith("."):
            found = _source(tree, posixpath.normpath(posixpath.join(posixpath.dirname(name), path)), folder)
        else:
            plain = _ALIAS.sub("", path)
            places = (posixpath.join(folder, above, plain) for above in ("", "src"))
            found = next((file for place in places if "/" in path and (file := file_at(tree, place)) in tree), "")
        if found.endswith(ENDINGS):
            yield found


def _source(tree: Tree, path: str, folder: str) -> str:
    """The file at a path, or the one that it is compiled from; "" where there is none."""
    if (there := file_at(tree, path)) in tree:
        return there
    inner = path.removeprefix(f"{folder}/") if folder else path
    first, _, rest = inner.partition("/")
    if first not in _MADE:
        return ""
    places = (posixpath.join(folder, above, rest or "index") for above in _FOLDERS)
    return next((file for place in places if (file := file_at(tree, place)) in tree), "")


def saying(tree: Tree, pattern: re.Pattern[str], folders: Iterable[str] = ("",)) -> Iterator[str]:
    """The sources that were read, of one of the ``folders``, that have the pattern beside their comments."""
    heads = tuple(f"{each}/" if each else "" for each in folders)
    for name in sorted(tree.contents):
        text = tree.text(name) if name.endswith(ENDINGS) and name.startswith(heads) else ""
        if text and pattern.search(text) and pattern.search(without_comments(text)):
            yield name
