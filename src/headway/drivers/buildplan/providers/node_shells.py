"""Files for a shell that start scripts run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers.node_calls import PREFIX, parted
from headway.drivers.buildplan.providers.node_package import LONGEST
from headway.drivers.buildplan.tree import Tree

_RUN: Final = re.compile(r"(?P<shell>(?:ba|da|z)?sh\s+(?:-[a-z]{1,6}\s+)?)?(?P<file>[\w./-]{1,200})(?:\s[^;&|]*)?")
_ENDINGS: Final = (".sh", ".bash")
# What is a server beside what watches, such as in the other branch of a condition.
_SERVES: Final = re.compile(r"(?:node|bun|deno|tsx|ts-node|pm2-runtime)\s(?!.*--(?:watch|hot)\b)|next\s+start\b")
_WORDS: Final = re.compile(r"^(?:(?:if|then|else|elif|do|while|until|!|\{|\(|exec|time|\$\w{1,60})\s+)+")
_MOST_LINES: Final = 500
_MOST_TEXT: Final = 64 << 10


def shell_file(line: str, tree: Tree) -> str | None:
    """The file for a shell that a line does no more than run."""
    if len(line) > LONGEST or (match := _RUN.fullmatch(PREFIX.sub("", f"{line.strip()} ").strip())) is None:
        return None
    file = posixpath.normpath(match["file"])
    return file if file in tree and (match["shell"] or file.endswith(_ENDINGS)) else None


def begins_developers_shell(text: str, is_developers: Callable[[str], bool]) -> bool:
    """Whether such a file begins what watches for changes, and no server beside."""
    lines = (line.strip() for line in islice(text[:_MOST_TEXT].splitlines(), _MOST_LINES))
    commands = [
        PREFIX.sub("", f"{_WORDS.sub('', command.strip())} ").strip()
        for line in lines
        if line and not line.startswith("#") and len(line) <= LONGEST
        for command in parted(line)
    ]
    return any(map(is_developers, commands)) and not any(map(_SERVES.match, commands))
