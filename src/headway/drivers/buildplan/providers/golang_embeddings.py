"""What a program in Go embeds that is in no repository and that nothing makes: it cannot be compiled without."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Final

from headway.drivers.builders.base import BuildError
from headway.drivers.buildplan import makefile, platforms
from headway.drivers.buildplan.providers.golang_frontend import EMBEDS, WILD, writers
from headway.drivers.buildplan.providers.node_frontend import Frontend
from headway.drivers.buildplan.reader import DEEPEST
from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass

_MOST: Final = 50
_MOST_TOLD: Final = 3
_IMPORTED: Final = '"embed"'
# What is compiled for some systems, or with some tags, alone.
_CONDITION = re.compile(r"^//(?:go:build|[ \t]*\+build)\b", re.MULTILINE)
_OF_SYSTEM = re.compile(
    r"_(?:windows|darwin|linux|freebsd|openbsd|netbsd|dragonfly|solaris|illumos|aix|plan9|android|ios|js|wasip1|wasm"
    r"|386|amd64|arm|arm64|riscv64|ppc64le|s390x|loong64)\.go$"
)
_OF_PAGES: Final = frozenset(
    {
        "",
        *(
            ".html",
            ".htm",
            ".js",
            ".mjs",
            ".css",
            ".map",
            ".json",
            ".svg",
            ".png",
            ".ico",
            ".webmanifest",
            ".gz",
            ".br",
        ),
    }
)
_REMOVES = re.compile(r"^[@-]*[ \t]*(?:rm|git|@?echo)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A ``path`` from the build path that the line ``at`` (file:line) embeds, and that is not there."""

    path: str
    at: str


def require_all(
    tree: Tree, settings: BuildSettings, sources: Mapping[str, str], front: Frontend, compiles: str
) -> None:
    """Raises BuildError where these sources embed what is not there, and surely nothing of the plan makes it.
    ``compiles`` is the line that compiles the program.
    """
    if settings.build is not None or settings.install is not None or tree.is_cut or ".gitmodules" in tree:
        return
    if any(name in tree for name in platforms.FILES):  # it may have commands of its own
        return
    found = itertools.islice(_lacking(tree, sources), _MOST)
    lacking = [each for each in found if not _is_made(tree, each.path, front)][:_MOST_TOLD]
    if not lacking:
        return
    where = ", ".join(f"{each.at} embeds {each.path}" for each in lacking)
    them = "which is" if len(lacking) == 1 else "which are"
    made = {each.path: target for each in lacking if (target := _target(tree, each.path))}
    by_make = ", ".join(f"{path} by its target {target}" for path, target in made.items())
    hint = f" {makefile.makefile(tree)} makes {by_make}." if made else ""
    raise BuildError(
        f"{where}, {them} not in the repository: the program cannot be compiled without, and nothing here makes it."
        f"{hint} Commit it, or name all that builds (headway apps set APP --build LINE, which ends with '{compiles}')."
    )


def _lacking(tree: Tree, sources: Mapping[str, str]) -> Iterator[Lacking]:
    there = {*tree.names, *(above for name in tree.names for above in _above(name))}
    for name, text in itertools.islice(sources.items(), _MOST):
        if _IMPORTED not in text or _CONDITION.search(text) or _OF_SYSTEM.search(name) or name.count("/") > DEEPEST - 4:
            continue
        for match in itertools.islice(EMBEDS.finditer(text), _MOST):
            line = text.count("\n", 0, match.start()) + 1
            for word in match[1].split():
                plain = word.strip('"`').removeprefix("all:")
                stem = WILD.split(plain)[0]
                path = posixpath.normpath(posixpath.join(posixpath.dirname(name), stem))
                # Of a pattern nothing is sure but the folder that it is in.
                path = path if stem == plain or stem.endswith("/") else posixpath.dirname(path)
                if stem and path and path.count("/") < DEEPEST - 1 and path not in there:
                    yield Lacking(path=path, at=f"{name}:{line}")


def _above(name: str) -> Iterator[str]:
    while name := posixpath.dirname(name):
        yield name


def _is_made(tree: Tree, path: str, front: Frontend) -> bool:
    """Whether the front end may make it, as what is in its folder, or as what its build names."""
    if not front.phases:
        return False
    is_inside = not front.folder or path.startswith(f"{front.folder}/")
    if is_inside and posixpath.splitext(path)[1] in _OF_PAGES:
        return True
    return any(folder == front.folder for folder, _ in writers(tree, path)) or front.reason.endswith(f" embeds {path}")


def _target(tree: Tree, path: str) -> str:
    """The target of the Makefile that has it, best one that does not compile the program too."""
    lines = [(target, line) for target, line in makefile.recipes(tree, ()) if not _REMOVES.match(line)]
    compiling = {target for target, line in lines if "go build" in line}
    named = re.compile(rf"(?<![\w./-])(?:\.\./){{0,3}}{re.escape(path)}(?![\w-])")
    having = [target for target, line in lines if target == path or named.search(line)]
    return next((each for each in having if each == path), None) or next(
        (each for each in having if each not in compiling), having[0] if having else ""
    )
