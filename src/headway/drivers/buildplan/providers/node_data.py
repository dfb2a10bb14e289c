"""Where an application in Node keeps its data by itself: what its own variables lead to the folder that stays, and the
folder of a file of SQLite that it names without one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from itertools import islice
from typing import Final

from headway.drivers.buildplan import image_program
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_secrets import set_in_files
from headway.drivers.buildplan.providers.node_sources import ENDINGS
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import MADE, is_bare, is_kept, kept_folders
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

_TEXT: Final = r"[\"'`](?:\./)?(?P<text>[^\"'`\n$]{1,200})[\"'`]"
_JOINED: Final = (
    r"(?:\w{1,20}\.)?(?:normalize\(\s{0,9})?(?:\w{1,20}\.)?(?:join|resolve)"
    r"\((?P<parts>[^;(){}\n]{0,200}(?:\(\)[^;(){}\n]{0,100})?)\)"
)
_VARIABLE: Final = (
    r"(?:process|Bun)\.env(?:\.(?P<name>[A-Z][A-Z0-9_]{1,60})\b|\[[\"'](?P<quoted>[A-Z][A-Z0-9_]{1,60})[\"']\])"
)
# What stands in the place of a variable where nobody sets it: after ||, after ?? or in a condition.
_READ: Final = re.compile(
    rf"\b{_VARIABLE}\s{{0,40}}+(?:\|\||\?\?|\?(?P<own>[^:;\n]{{1,160}}+)\s{{0,40}}+:)\s{{0,40}}+(?:{_TEXT}|{_JOINED})"
)
_OWN: Final = re.compile(r"`?(?:\$\{)?process\.env\.\w{1,60}\}?(/[\w./%-]{1,100})?`?")
_NAME: Final = re.compile(
    r"(?:^|_)(?:(?:DATA|CONFIG|STORAGE|UPLOADS?)_?(?:DIR|DIRECTORY|PATH)|DATA)$|^(?:DB|DATABASE|SQLITE)_(?:PATH|FILE)$"
)
_FILE: Final = re.compile(r"\.\w{1,10}$")
_DATABASE: Final = re.compile(r"\.(?:db|sqlite3?)$")
_LITERAL: Final = re.compile(
    r"(?:\b(?P<key>storage|filename|database)\s{0,4}:|\bnew\s{1,4}(?:\w{1,20}\.)?Database(?:Sync)?\s{0,4}\()\s{0,8}"
    r"[\"'`](?:\./)?(?P<path>[\w-][\w./-]{0,100}\.(?:db|sqlite3?))[\"'`]"
)
_ASIDE: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|e2e|cypress|examples?|scripts|fixtures|seeds?)/|\.(?:test|spec|config)\."
)
# What is served to browsers from where it lies, or made by a build.
_PAGES: Final = MADE | {"public", "static", "assets", "www", "out", "client"}
_GIVEN: Final = frozenset({"DATA_DIR"})  # anyhow
_MOST: Final = 8
_MOST_READ: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The variables that lead it, the folders that stay, and what is said of that."""

    run_env: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a variable leads by itself, seen from the folder that the program is started in, and the source that says
    so.
    """

    path: str
    source: str


def find_data(tree: Tree, folder: str, folders: Collection[str], keep: Collection[str]) -> Data:
    """The data of what is started in a ``folder``, made of the packages in these ``folders``: nothing leads away from
    where its owner has folders stay (``keep``), nor a file from a folder that containers have stay, which holds more.
    """
    sources = {
        name: without_comments(tree.text(name))
        for name in sorted(tree.contents)
        if name.endswith(ENDINGS) and not _ASIDE.search(name) and name.startswith(tuple(map(_head, folders)))
    }
    taken = {*_GIVEN, *image_program.places(tree, keep), *set_in_files(tree)}
    led, notes, files = dict[str, str](), list[str](), dict[str, str]()
    mounted = kept_folders(tree)[1]
    for name, place in _places(folder, sources).items():
        path, is_file = posixpath.join(folder, place.path), _is_file(name, place.path)
        if name in taken or is_kept(path, keep) or not is_bare(tree, path):
            continue
        if is_file and is_kept(posixpath.dirname(path), mounted):
            files.setdefault(path, place.source)
        else:
            inner = posixpath.basename(place.path) if is_file else place.path.replace("/", "-")
            led[name] = f"{DATA}/{inner}"
            notes.append(
                f"{name} is {led[name]} unless you set it: {place.source} has {place.path} otherwise, which goes with "
                "its release."
            )
    literal = ((path, source) for path, source in _files(folder, sources) if not is_kept(path, keep))
    files |= dict(islice(literal, _MOST))
    kept = [each for each in dict.fromkeys(map(posixpath.dirname, files)) if not keep and is_bare(tree, each)]
    lost = [
        f"The database is the file of SQLite that {source} names ({path}), which goes with its release: let it be in "
        "the folder that DATA_DIR names."
        for path, source in files.items()
        if posixpath.dirname(path) not in kept
    ]
    return Data(run_env=led, keep=tuple(kept), notes=(*notes, *lost[:1]))


def _places(folder: str, sources: Mapping[str, str]) -> dict[str, _Place]:
    """The variables that lead to data, each with where it leads by itself."""
    found = dict[str, _Place]()
    for source, text in sources.items():
        for match in islice(_READ.finditer(text), _MOST_READ):
            name = match["name"] or match["quoted"]
            path = _path(folder, source, match) if _NAME.search(name) and len(found) < _MOST else ""
            is_plain = path not in {"", "."} and not path.startswith(("/", "../", "~")) and path != ".."
            if is_plain and _is_of_data(name, path):
                found.setdefault(name, _Place(path, source))
    return found


def _path(folder: str, source: str, match: re.Match[str]) -> str:
    """Where a variable leads by itself, "" where that is not sure."""
    suffix = ""
    if match["own"] is not None:
        own = _OWN.fullmatch(match["own"].strip())
        if own is None:
            return ""
        suffix = own[1] or ""
    path = match["text"] or _joined(folder, source, match["parts"] or "")
    path = posixpath.normpath(path) if path else ""
    return path.removesuffix(suffix) if path.endswith(suffix) else ""


def _joined(folder: str, source: str, arguments: str) -> str:
    """The path of path.join(__dirname, "..", "data") or path.resolve("data")."""
    parts = [each.strip() for each in arguments.split(",") if each.strip()]
    above = ""
    if parts and parts[0] in {"__dirname", "import.meta.dirname", "import.meta.dir"}:
        above = posixpath.relpath(posixpath.dirname(source) or ".", folder or ".")
    quoted = [re.fullmatch(_TEXT, each) for each in parts[bool(above or parts[:1] == ["process.cwd()"]) :]]
    texts = [each["text"] for each in quoted if each is not None]
    return posixpath.join(above, *texts) if texts and len(texts) == len(quoted) else ""


def _is_of_data(name: str, path: str) -> bool:
    """Whether a path is what the name of its variable speaks of, and nothing that is made or served where it lies."""
    if not _PAGES.isdisjoint(path.split("/")):
        return False
    if name.startswith(("DB_", "DATABASE_", "SQLITE_")):
        return _DATABASE.search(path) is not None
    return posixpath.basename(path) == "data" if re.search(r"(?:^|_)DATA$", name) else True


def _is_file(name: str, path: str) -> bool:
    return name.endswith(("PATH", "FILE")) and _FILE.search(path) is not None


def _files(folder: str, sources: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The files of SQLite that are named without a variable, in folders of their own, each with its source."""
    for source, text in sources.items():
        for match in islice(_LITERAL.finditer(text), _MOST):
            path = posixpath.normpath(match["path"])
            if "/" in path and not path.startswith("../") and _PAGES.isdisjoint(path.split("/")):
                yield posixpath.join(folder, path), source


def _head(folder: str) -> str:
    return f"{folder}/" if folder else ""
