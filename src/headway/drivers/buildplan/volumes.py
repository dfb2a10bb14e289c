"""What the files for containers say of an application's own folders: those that stay when its container goes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from typing import Final

from headway.drivers.buildplan.image_stages import DOCKERFILE, whole
from headway.drivers.buildplan.tree import Tree

COMPOSES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_README: Final = "README.md"  # where many tell how their image is run
FILES: Final = (DOCKERFILE, *COMPOSES, _README)

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
# `docker run -v data:/app/data`
_OPTION = re.compile(
    r"(?:^|[ \t])(?:-v|--volume)[ =][\"']?(?P<source>[\w./${}():~-]{1,200}?):(?P<target>/[\w./-]{1,200})"
    r"(?::(?:rw|z|Z))?[\"']?(?=\s|$)",
    re.MULTILINE,
)
# Where images have their application, beside where this one's Dockerfile puts it.
_USUAL: Final = ("/app", "/usr/src/app", "/code", "/home/node/app")
# What is mounted for a developer, or made anew by each build.
MADE: Final = frozenset({"node_modules", ".venv", "venv", "vendor", ".next", ".nuxt", "dist", "build", "target"})
_WHOLE: Final = frozenset({".", "..", "$PWD", "${PWD}"})


def kept_folders(tree: Tree) -> tuple[str, tuple[str, ...]]:
    """The file that names them, and the folders below the build path that stay, by a Dockerfile's VOLUME, a mount of a
    compose file or one that the README has; "" and none where nothing does.
    """
    places = _places(tree)
    for name in FILES:
        found = dict.fromkeys(_named(tree, name, places))
        if found:
            return name, tuple(found)[:_MOST]
    return "", ()


def staying(tree: Tree) -> tuple[str, ...]:
    """The folders of a container that stay, by their whole paths: a Dockerfile's VOLUMEs and the mounts of compose
    files, without those that a build or a developer fills.
    """
    mounts = (path for name in COMPOSES for path in _mounted(tree, name))
    paths = dict.fromkeys(path for path in (*_volumes(tree), *mounts) if not MADE & {*path.split("/")})
    return tuple(path for path in paths if "." not in posixpath.basename(path) and path != "/")


def inside(tree: Tree, path: str) -> str:
    """What a path of a container is below the build path, "" where it is elsewhere."""
    path = posixpath.normpath(path)
    found = (path.removeprefix(f"{place}/") for place in _places(tree) if path.startswith(f"{place}/"))
    return next(found, "")


def is_kept(folder: str, keep: Collection[str]) -> bool:
    """Whether a folder below the build path is one of those that stay, or in one."""
    return bool(folder) and any(each == "." or f"{folder}/".startswith(f"{each.strip('/')}/") for each in keep)


def outer_note(tree: Tree) -> str:
    """What is to be said of a Dockerfile's VOLUMEs outside of the application, which nothing leads to DATA_DIR."""
    lost = [path for path in _volumes(tree) if not inside(tree, path) and path not in _places(tree)][:_MOST]
    if not lost:
        return ""
    return (
        f"{DOCKERFILE} has {', '.join(lost)} stay when a container goes. Here the folder in DATA_DIR does: where the "
        "program has an option or a variable for such a place, point it there (headway apps set APP --start LINE, with "
        '"$DATA_DIR" in it).'
    )


def kept_note(tree: Tree, keep: Collection[str]) -> str:
    """What is to be said of those that no setting keeps; "" where there are none."""
    name, folders = kept_folders(tree)
    lost = [each for each in folders if not is_kept(each, keep)]
    if not lost:
        return ""
    options = " ".join(f"--keep {each}" for each in lost)
    return (
        f"{name} has {', '.join(lost)} stay when a container goes. Here DATA_DIR stays, and what is written elsewhere "
        f"goes with its release: 'headway apps set APP {options}' has it stay too."
    )


def _places(tree: Tree) -> frozenset[str]:
    """Where containers have the application."""
    return frozenset(path.rstrip("/") for path in _WORKDIR.findall(whole(tree))) | {*_USUAL}


def _named(tree: Tree, name: str, places: Collection[str]) -> Iterator[str]:
    paths = _volumes(tree) if name == DOCKERFILE else _mounted(tree, name)
    yield from (inner for path in paths if (inner := _inside(path, places)))


def _volumes(tree: Tree) -> tuple[str, ...]:
    lines = _VOLUME.findall(whole(tree))
    return tuple(dict.fromkeys(posixpath.normpath(path) for line in lines for path in _PATH.findall(line)))


def _mounted(tree: Tree, name: str) -> Iterator[str]:
    """Where a compose file or an example mounts what is not there for who develops it, as all of the repository is, and
    a folder of it that has files.
    """
    files = [f"/{each}" for each in tree.names if "/." not in f"/{each}"]
    text = tree.text(name)
    for mount in (*_MOUNT.finditer(text), *(_OPTION.finditer(text) if name == _README else ())):
        source = posixpath.normpath(mount["source"])
        if source not in _WHOLE and not any(each.startswith(f"/{source}/") for each in files):
            yield posixpath.normpath(mount["target"])


def _inside(path: str, places: Collection[str]) -> str:
    """The folder below the application, "" for one elsewhere, for a file and for what a build makes."""
    path = posixpath.normpath(path)
    inner = next((path.removeprefix(f"{place}/") for place in places if path.startswith(f"{place}/")), "")
    return "" if "." in posixpath.basename(inner) or MADE & {*inner.split("/")} else inner
