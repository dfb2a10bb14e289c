"""The files of its own that a program in Node begins with: those that one file loads by their paths, and so on."""

from __future__ import annotations

import posixpath
import re
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.tree import Tree

ENDINGS: Final = (".js", ".mjs", ".cjs", ".ts", ".mts", ".cts")
LOADED: Final = re.compile(r"(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)[\"']([^\"'\n]{1,200})[\"']")
_MOST: Final = 20
_MOST_LOADED: Final = 200  # by one file


def imported(tree: Tree, entry: str) -> tuple[str, ...]:
    """The files that are loaded by ``entry`` and by those that these load, the nearest first, as far as they were read;
    also the next ones, that were not read yet. No more than are looked at.
    """
    found = dict[str, None]()
    waiting = [posixpath.normpath(entry)]
    while waiting and len(found) < _MOST:
        name = waiting.pop(0)
        for match in islice(LOADED.finditer(without_comments(tree.text(name))), _MOST_LOADED):
            loaded = match[1]
            file = file_of(tree, posixpath.join(posixpath.dirname(name), loaded)) if loaded.startswith(".") else ""
            if file.endswith(ENDINGS) and file in tree and file not in found and file != entry:
                found[file] = None
                waiting.append(file)
    return tuple(found)[:_MOST]


def file_of(tree: Tree, path: str) -> str:
    """The file that is loaded by a path, which may lack its ending or have that of what is compiled."""
    place = posixpath.normpath(path)
    stem = place.rpartition(".")[0] if place.endswith((".js", ".mjs", ".cjs")) else place
    names = (place, *(f"{each}{ending}" for each in (place, stem) for ending in ENDINGS))
    inside = (f"{place}/index{ending}" for ending in ENDINGS)
    return next((name for name in (*names, *inside) if name in tree and "." in posixpath.basename(name)), place)
