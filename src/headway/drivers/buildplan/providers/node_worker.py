"""Whether a program of Node takes no requests, by its own sources: nothing in them listens."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import Final

from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_sources import ENDINGS, LOADED, file_at
from headway.drivers.buildplan.tree import Tree

_BY_NAME = re.compile(r"\b(?:require|import)\s*\(\s*(?![\s\"'])")  # of a file that only the program knows
_SERVES = re.compile(
    r"\.listen\s*\(|\bcreate(?:Secure)?Server\b|(?<!\w)serve\s*\(|\bexport\s+default\s*\{|\bServer\s*\(|(?<!im)(?<!ex)(?<!re)(?<!sup)(?<!pass)(?<!trans)port\b",
    re.IGNORECASE,
)
# What goes on by itself, and is no reason to ask it anything.
_WORKS = re.compile(
    r"\bset(?:Interval|Timeout)\s*\(|\bwhile\s*\(\s*(?:true|1)\s*\)|\bfor\s*\(\s*;\s*;\s*\)|\.(?:subscribe|schedule)\s*\("
)
_MOST_FILES: Final = 40


def is_worker(tree: Tree, entry: str, libraries: Collection[str], *, is_bot: bool) -> bool:
    """Whether what begins with the file ``entry`` does work that nobody asks for: all of its own sources are known,
    none listens, speaks of a port or loads one of the ``libraries`` that serve, and it is a bot or something goes on.
    """
    waiting, texts = [posixpath.normpath(entry)], dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in texts or name.endswith(".json"):
            continue
        if name not in tree.contents or not name.endswith(ENDINGS) or len(texts) == _MOST_FILES:
            return False
        text = texts[name] = without_comments(tree.text(name))
        if _SERVES.search(text) or (_BY_NAME.search(text) and not is_bot):
            return False
        for loaded in LOADED.findall(text):
            if loaded in libraries:
                return False
            if loaded.startswith("."):
                waiting.append(file_at(tree, posixpath.join(posixpath.dirname(name), loaded)))
    return is_bot or any(_WORKS.search(text) for text in texts.values())
