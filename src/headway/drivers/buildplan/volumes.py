"""What the files for containers say of an application's own folders: those that stay when its container goes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from headway.drivers.buildplan import image_stages
from headway.drivers.buildplan.composes import COMPOSES, built_service, listed
from headway.drivers.buildplan.image_stages import dockerfile, folder_at, whole
from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import DATA

_README: Final = "README.md"  # where many tell how their image is run
FILES: Final = (*image_stages.FILES, *COMPOSES, _README)

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
# Of the system, of a database beside, of a compiler: no data of the application.
_OF_SYSTEM = re.compile(
    r"/(?:etc|run|var/run|proc|sys|dev|tmp|usr|go|src|root/\.\w+|var/log|var/lib/(?:postgresql|mysql|mariadb|redis"
    r"|docker)|bitnami|data/db)(?:/|$)|/+$"
)
_NOTHING = re.compile(
    r"(?:^|/)\.(?:git)?(?:keep|ignore)$|(?:^|/)README(?:\.\w{1,8})?$|[._-](?:example|sample)\b", re.IGNORECASE
)
_HOLDS = re.compile(r"(?:^|/)\.(?:git)?(?:keep|ignore)$")
_WRITTEN: Final = frozenset({"data", "db", "config", "uploads", "storage"})
_OF_OTHERS = re.compile(
    rf"(?:^|/)(?:\.|(?:tests?|docs?|examples?|fixtures|docker|{'|'.join(map(re.escape, sorted(MADE)))})(?:/|$))"
)
_DEEPEST: Final = 3
_WHOLE: Final = frozenset({".", "..", "$PWD", "${PWD}"})


def kept_folders(tree: Tree) -> tuple[str, tuple[str, ...]]:
    """The file that names them, and the folders below the build path that stay, by a Dockerfile's VOLUME, a mount of a
    compose file or one that the README has; "" and none where nothing does.
    """
    places = {place: folder_at(tree, place) for place in _places(tree)}
    for name in (dockerfile(tree), *COMPOSES, _README):
        found = dict.fromkeys(_named(tree, name, places))
        if found:
            return name, tuple(found)[:_MOST]
    return "", ()


def staying(tree: Tree) -> tuple[str, ...]:
    """The folders of a container that stay, by their whole paths: a Dockerfile's VOLUMEs and the mounts of compose
    files and of the examples in a README, without those that a build or a developer fills.
    """
    mounts = (path for name in (*COMPOSES, _README) for path in _mounted(tree, name))
    paths = dict.fromkeys(path for path in (*_volumes(tree), *mounts) if not MADE & {*path.split("/")})
    return tuple(path for path in paths if "." not in posixpath.basename(path) and path != "/")


def inside(tree: Tree, path: str) -> str:
    """What a path of a container is below the build path, "" where it is elsewhere."""
    path = posixpath.normpath(path)
    found = (path.removeprefix(f"{place}/") for place in _places(tree) if path.startswith(f"{place}/"))
    return next(found, "")


def is_place(tree: Tree, path: str) -> bool:
    """Whether a container has the application itself there."""
    return posixpath.normpath(path) in _places(tree)


def is_kept(folder: str, keep: Collection[str]) -> bool:
    """Whether a folder below the build path is one of those that stay, or in one."""
    return bool(folder) and any(each == "." or f"{folder}/".startswith(f"{each.strip('/')}/") for each in keep)


def is_bare(tree: Tree, path: str) -> bool:
    """Whether nothing of the repository is there, but what keeps the place of a folder, or an example."""
    inside = (name for name in tree.names if name.startswith(f"{path}/"))
    return path not in tree and all(_NOTHING.search(name) for name in inside)


def outer_note(tree: Tree) -> str:
    """What is to be said of folders outside of the application that stay, which nothing leads to DATA_DIR: a
    Dockerfile's VOLUMEs, else the mounts of the service that a compose file has built, else those that the README has.
    """
    places = _places(tree)
    for name in (dockerfile(tree), *COMPOSES, _README):
        found = dict.fromkeys(path for path in _outer(tree, name) if not inside(tree, path) and path not in places)
        lost = tuple(found)[:_MOST]
        if lost:
            break
    else:
        return ""
    return (
        f"{name} has {', '.join(lost)} stay when a container goes. Here the folder in DATA_DIR does: where the "
        "program has an option or a variable for such a place, point it there (headway apps set APP --start LINE, with "
        '"$DATA_DIR" in it).'
    )


def kept_note(tree: Tree, keep: Collection[str], run_env: Mapping[str, str]) -> str:
    """What is to be said of those that no setting keeps, and no variable leads elsewhere; "" where there are none."""
    name, folders = kept_folders(tree)
    lost = [each for each in folders if not is_kept(each, keep) and not _is_led(each, run_env)]
    if not lost:
        return ""
    options = " ".join(f"--keep {each}" for each in lost)
    return (
        f"{name} has {', '.join(lost)} stay when a container goes. Here DATA_DIR stays, and what is written elsewhere "
        f"goes with its release: 'headway apps set APP {options}' has it stay too."
    )


def empty_note(tree: Tree, keep: Collection[str], run_env: Mapping[str, str]) -> str:
    """What is to be said of folders that the repository has empty for what is written there, and that neither a setting
    keeps nor a file for containers names; "" where there are none.
    """
    full = {folder for name in tree.names if not _HOLDS.search(name) for folder in _above(name)}
    empty = {folder for name in tree.names if _HOLDS.search(name) for folder in _above(name)} - full
    named = sorted(each for each in empty if posixpath.basename(each) in _WRITTEN and not _OF_OTHERS.search(each))
    known = (*keep, *kept_folders(tree)[1])
    lost = [each for each in named if not is_kept(each, known) and not _is_led(each, run_env)]
    lost = [each for each in lost if not any(is_kept(each, [above]) for above in lost if above != each)][:_MOST]
    if not lost:
        return ""
    options = " ".join(f"--keep {each}" for each in lost)
    return (
        f"The repository has {', '.join(lost)} for what is written there, which goes with its release: 'headway apps "
        f"set APP {options}' has it stay."
    )


def _is_led(folder: str, run_env: Mapping[str, str]) -> bool:
    """Whether a variable leads what is written in a folder to a place below DATA_DIR that has its name."""
    led = [value.removeprefix(f"{DATA}/") for value in run_env.values()]
    return any(each.replace("/", "-") in led for each in _above(f"{folder}/"))


def _above(name: str) -> Iterator[str]:
    """The folders of a file that are near the top."""
    parts = name.split("/")[:-1]
    return ("/".join(parts[:depth]) for depth in range(1, min(len(parts), _DEEPEST) + 1))


def _places(tree: Tree) -> frozenset[str]:
    """Where containers have the application."""
    return frozenset(path.rstrip("/") for path in _WORKDIR.findall(whole(tree))) | {*_USUAL}


def _named(tree: Tree, name: str, places: Mapping[str, str]) -> Iterator[str]:
    paths = _volumes(tree) if name == dockerfile(tree) else _mounted(tree, name)
    yield from (inner for path in paths if (inner := _inside(path, places)))


def _outer(tree: Tree, name: str) -> Iterator[str]:
    """The folders of a container that a file has stay, of which the application alone may say where they are."""
    if name == dockerfile(tree):
        yield from _volumes(tree)
        return
    text = tree.text(name)
    lines = (f"- {each}" for each in listed(built_service(tree, name), "volumes") if isinstance(each, str))
    found = _OPTION.finditer(text) if name == _README else filter(None, map(_MOUNT.match, lines))
    for mount in found:
        path = posixpath.normpath(mount["target"])
        if "." not in posixpath.basename(path) and not _OF_SYSTEM.match(path):
            yield path


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


def _inside(path: str, places: Mapping[str, str]) -> str:
    """The folder below the application, "" for one elsewhere, for a file and for what a build makes. ``places`` are
    those of the application in an image, each with the folder of the repository that is there.
    """
    path = posixpath.normpath(path)
    place = next((each for each in places if path.startswith(f"{each}/")), None)
    inner = "" if place is None else path.removeprefix(f"{place}/")
    is_none = not inner or "." in posixpath.basename(inner) or not MADE.isdisjoint(inner.split("/"))
    return "" if is_none or place is None else posixpath.join(places[place], inner)
