"""Files of the repository that its Dockerfile puts elsewhere, such as a configuration that is shipped as an example."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final

from headway.drivers.buildplan import volumes
from headway.drivers.buildplan.image_stages import last_stage
from headway.drivers.buildplan.plan import Phase
from headway.drivers.buildplan.tree import Tree

_MOST: Final = 5
_LINE = re.compile(
    r"^[ \t]*(?:WORKDIR[ \t]+[\"']?(?P<folder>/[\w./-]{0,200})[\"']?"
    r"|COPY[ \t]+(?P<flags>(?:--[\w-]{1,40}=\S{1,200}[ \t]+){0,4})"
    r"(?P<source>[\w./-]{1,200})[ \t]+(?P<target>[\w./-]{1,200}))[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
# What an application is configured by. What installs and builds it is where its own programs look for it.
_CONFIGURES = re.compile(r"\.(?:ya?ml|toml|ini|cfg|conf|json|env|properties|xml)$|^\.env(?:\.[\w-]+)?$")
_BUILDS: Final = re.compile(
    r"^(?:package(?:-lock)?|tsconfig|composer|deno|pyproject|uv|poetry|setup|alembic|turbo|nx|angular|pnpm-.*)\."
)


def files_put(tree: Tree) -> Mapping[str, str]:
    """The files that the last stage has elsewhere than the repository does, by where they are to be: below the folder
    that the program is started in, where the repository has none.
    """
    here, found = "/", list[tuple[str, str]]()
    for match in _LINE.finditer(last_stage(tree)):
        if match["folder"] is not None:
            here = posixpath.normpath(match["folder"])
        elif not (match["target"].startswith("/") and here == "/"):
            found.append((_source(tree, match), posixpath.join(here, match["target"])))
    put = ((_target(here, target, source), source) for source, target in found if source in tree)
    return dict([each for each in put if _is_to_be_put(tree, *each)][:_MOST])


def phases(put: Mapping[str, str]) -> tuple[Phase, ...]:
    """What puts them there."""
    argv = ("install", "-D", "-m", "0644", "--")
    return tuple(
        Phase(name=f"file {number}", argv=(*argv, source, target))
        for number, (target, source) in enumerate(put.items(), 1)
    )


def _source(tree: Tree, match: re.Match[str]) -> str:
    """A file's name in the repository; of another stage where that has the application."""
    is_of_stage = "--from=" in match["flags"].lower()
    return volumes.inside(tree, match["source"]) if is_of_stage else posixpath.normpath(match["source"]).lstrip("/")


def _target(here: str, path: str, source: str) -> str:
    """Where it is to be, seen from the folder that the program is started in; "" for elsewhere."""
    whole = posixpath.join(path, posixpath.basename(source)) if path.endswith(("/", "/.")) else path
    whole, above = posixpath.normpath(whole), "/" if here == "/" else f"{here}/"
    return whole.removeprefix(above) if whole.startswith(above) else ""


def _is_to_be_put(tree: Tree, target: str, source: str) -> bool:
    names = [posixpath.basename(path) for path in (target, source)]
    is_there = target in tree or any(each.startswith(f"{target}/") for each in tree.names)
    configures = any(map(_CONFIGURES.search, names)) and not any(map(_BUILDS.match, names))
    return bool(target) and not is_there and configures
