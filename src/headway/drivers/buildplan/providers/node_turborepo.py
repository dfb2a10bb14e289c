"""What Turborepo needs beside its line: the variables that its tasks know, and what its first versions look for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.providers.jsonc import parse_jsonc
from headway.drivers.buildplan.tree import Tree

_FILES: Final = ("turbo.json", "turbo.jsonc")
_CALL: Final = re.compile(r"(?:^|\s)turbo\s")
# Since 2 a task knows only the variables that turbo.json lists for it, unless it is told otherwise.
_LOOSE: Final[Mapping[str, str]] = {"TURBO_ENV_MODE": "loose"}
# Tried with 1.6.3, 1.9.9 and 1.10.16: without a .git they list every folder above their own up to the root, and fail at
# the first that they may not read; an empty one ends the search. 1.13.4 and 2 build without.
_GIT_FOLDER: Final = Phase(name="git folder", argv=("/bin/sh", "-c", "test -e .git || mkdir .git"))


def turbo_environment(tree: Tree, line: str = "turbo") -> Mapping[str, str]:
    """What Turborepo is told where a line is of it."""
    is_there = any(name in tree for name in _FILES)
    return _LOOSE if is_there and _CALL.search(f"{line} ") else {}


def with_git_folder(tree: Tree, builds: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """These builds, after what Turborepo 1 needs before them: its tasks stand under ``pipeline``."""
    try:
        is_first = any("pipeline" in parse_jsonc(tree, name) for name in _FILES)
    except BuildError:
        return builds  # Turborepo itself says what is wrong with its file
    return (_GIT_FOLDER, *builds) if is_first and builds else builds
