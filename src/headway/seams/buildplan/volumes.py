"""What the files for containers say of an application's own folders: those that stay when its container goes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from typing import Final

from headway.seams.buildplan.tree import Tree

_DOCKERFILE: Final = "Dockerfile"
_COMPOSES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
FILES: Final = (_DOCKERFILE, *_COMPOSES)

_MOST: Final = 5
_WORKDIR = re.compile(r"^[ \t]*WORKDIR[ \t]+[\"']?(/[\w./-]{1,200}?)/?[\"']?[ \t]*$", re.MULTILINE | re.IGNORECASE)
_VOLUME = re.compile(r"^[ \t]*VOLUME[ \t]+(\S.{0,400})$", re.MULTILINE | re.IGNORECASE)
_PATH = re.compile(r"/[\w./-]{1,200}")
# `- data:/app/data` and `- "./data:/app/data"`, without ':ro'.
_MOUNT = re.compile(
    r"^[ \t]*-[ \t]*[\"']?(?P<source>[\w./${}:~-]{1,200}?):(?P<target>/[\w./-]{1,200})(?::(?:rw|z|Z|cached|delegated))?"
    r"[\"']?[ \t]*(?:[ \t]#.{0,200})?$",
    re.MULTILINE,
)
# Where images have their application, beside where this one's Dockerfile puts it.
_USUAL: Final = ("/app", "/usr/src/app", "/code", "/home/node/app")
# What is mounted for a developer, or made anew by each build.
_NEVER: Final = frozenset({"node_modules", ".venv", "venv", "vendor", ".next", ".nuxt", "dist", "build", "target"})


def kept_folders(tree: Tree) -> tuple[str, tuple[str, ...]]:
    """The file that names them, and the folders below the build path that stay, by a Dockerfile's VOLUME or a mount of
    a compose file; "" and none where nothing does.
    """
    places = {path.rstrip("/") for path in _WORKDIR.findall(tree.text(_DOCKERFILE))} | {*_USUAL}
    for name in FILES:
        found = dict.fromkeys(_named(tree, name, places))
        if found:
            return name, tuple(found)[:_MOST]
    return "", ()


def kept_note(tree: Tree, keep: Collection[str]) -> str:
    """What is to be said of those that no setting keeps; "" where there are none."""
    name, folders = kept_folders(tree)
    lost = [each for each in folders if not any(f"{each}/".startswith(f"{one.strip('/')}/") for one in keep)]
    if not lost:
        return ""
    options = " ".join(f"--keep {each}" for each in lost)
    return (
        f"{name} has {', '.join(lost)} stay when a container goes. Here DATA_DIR stays, and what is written elsewhere "
        f"goes with its release: 'headway apps set APP {options}' has it stay too."
    )


def _named(tree: Tree, name: str, places: Collection[str]) -> Iterator[str]:
    text = tree.text(name)
    if name == _DOCKERFILE:
        for line in _VOLUME.findall(text):
            yield from (inner for path in _PATH.findall(line) if (inner := _inside(path, places)))
        return
    for mount in _MOUNT.finditer(text):
        inner, source = _inside(mount["target"], places), posixpath.normpath(mount["source"])
        # A folder of the repository that has files is mounted for who develops it.
        if inner and not any(f"/{each}".startswith(f"/{source}/") for each in tree.names if "/." not in f"/{each}"):
            yield inner


def _inside(path: str, places: Collection[str]) -> str:
    """The folder below the application, "" for one elsewhere, for a file and for what a build makes."""
    path = posixpath.normpath(path)
    inner = next((path.removeprefix(f"{place}/") for place in places if path.startswith(f"{place}/")), "")
    return "" if "." in posixpath.basename(inner) or _NEVER & {*inner.split("/")} else inner
