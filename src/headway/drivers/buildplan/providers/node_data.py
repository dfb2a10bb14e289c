"""Where an application in Node keeps its data by itself: what its own variables lead to the folder that stays, and the
files of SQLite that it names without one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping
from dataclasses import field
from itertools import islice
from typing import Final

from headway.drivers.buildplan import image_program
from headway.drivers.buildplan.providers.database_files import DatabaseFile, Stay, staying
from headway.drivers.buildplan.providers.jsonc import without_comments
from headway.drivers.buildplan.providers.node_databases import JOINED, PAGES, TEXT, Lines, joined, opened
from headway.drivers.buildplan.providers.node_secrets import set_in_files
from headway.drivers.buildplan.providers.node_sources import ENDINGS
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import is_bare, is_kept, kept_folders
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

_VARIABLE: Final = (
    r"(?:process|Bun)\.env(?:\.(?P<name>[A-Z][A-Z0-9_]{1,60})\b|\[[\"'](?P<quoted>[A-Z][A-Z0-9_]{1,60})[\"']\])"
)
# What stands in the place of a variable where nobody sets it: after ||, after ?? or in a condition.
_READ: Final = re.compile(
    rf"\b{_VARIABLE}\s{{0,40}}+(?:\|\||\?\?|\?(?P<own>[^:;\n]{{1,160}}+)\s{{0,40}}+:)\s{{0,40}}+(?:{TEXT}|{JOINED})"
)
_OWN: Final = re.compile(r"`?(?:\$\{)?process\.env\.\w{1,60}\}?(/[\w./%-]{1,100})?`?")
_NAME: Final = re.compile(
    r"^(?:(?:[A-Z]{1,20}_)?DATABASE|DB|SQLITE|LIBSQL|TURSO)_(?:UR[LI]|FILE_?NAME|PATH|FILE)$"
    r"|(?:^|_)(?:(?:DATA|CONFIG|STORAGE|UPLOADS?)_?(?:DIR|DIRECTORY|PATH)|DATA)$"
)
_NAMES_A_FILE: Final = ("_URL", "_URI", "_FILE_NAME", "_FILENAME")
_FILE: Final = re.compile(r"\.\w{1,10}$")
_DATABASE: Final = re.compile(r"\.(?:db3?|sqlite3?)$")
# Of libSQL, Drizzle and Sequelize.
_SCHEME: Final = re.compile(r"(?:file|sqlite):(?:\./)?(?!/)")
_ASIDE: Final = re.compile(
    r"(?:^|/)(?:tests?|__tests__|specs?|e2e|cypress|examples?|scripts|fixtures|seeds?)/|\.(?:test|spec|config)\."
)
_GIVEN: Final = frozenset({"DATA_DIR"})  # anyhow
_MOST: Final = 8
_MOST_READ: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """The variables that lead it, the folders that stay, and what is said of that."""

    run_env: Mapping[str, str] = field(default_factory=dict)
    stay: Stay = field(default_factory=Stay)
    notes: tuple[str, ...] = ()

    @property
    def keep(self) -> tuple[str, ...]:
        """The folders that stay."""
        return self.stay.keep


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a variable leads by itself, seen from the folder that the program is started in, the source that says so,
    and what stands before the path.
    """

    path: str
    source: str
    scheme: str = ""


def find_data(tree: Tree, folder: str, folders: Collection[str], keep: Collection[str], lines: Lines) -> Data:
    """The data of what is started in a ``folder``, made of the packages in these ``folders``: nothing leads away from
    where its owner has folders stay (``keep``), nor a file from a folder that containers have stay, which holds more.
    """
    sources = {
        name: without_comments(tree.text(name))
        for name in sorted(tree.contents)
        if name.endswith(ENDINGS) and not _ASIDE.search(name) and name.startswith(tuple(map(_head, folders)))
    }
    taken = {*_GIVEN, *image_program.places(tree, keep), *set_in_files(tree), *lines.led}
    led, notes, files = dict[str, str](), list[str](), dict[str, str]()
    mounted = kept_folders(tree)[1]
    for name, place in _places(folder, sources).items():
        path, is_file = posixpath.join(folder, place.path), _is_file(name, place.path)
        if name in taken or is_kept(path, keep):
            continue
        if is_file and ((place.scheme and path in tree) or is_kept(posixpath.dirname(path), mounted)):
            files.setdefault(path, place.source)
        elif place.scheme and lines.makes_files:
            notes.append(
                f"{place.source} has {place.path} where {name} is not set. The build may make it, and then it goes with"
                " its release: made by the release command instead, it stays."
            )
        elif is_bare(tree, path):
            inner = posixpath.basename(place.path) if is_file else place.path.replace("/", "-")
            led[name] = f"{place.scheme}{DATA}/{inner}"
            notes.append(
                f"{name} is {led[name]} unless you set it: {place.source} has {place.path} otherwise, which goes with "
                "its release."
            )
    files |= dict(islice(opened(folder, sources, lines), _MOST))
    stay = staying(tree, (DatabaseFile(*each) for each in files.items()), keep, sources.values())
    lost = stay.note_lost("" if folder else lines.told) if lines.told else stay.note_linked
    return Data(run_env=led, stay=stay, notes=(*notes, *((lost,) if lost else ())))


def _places(folder: str, sources: Mapping[str, str]) -> dict[str, _Place]:
    """The variables that lead to data, each with where it leads by itself."""
    found = dict[str, _Place]()
    for source, text in sources.items():
        for match in islice(_READ.finditer(text), _MOST_READ):
            name = match["name"] or match["quoted"]
            path = _path(folder, source, match) if _NAME.search(name) and len(found) < _MOST else ""
            scheme = _SCHEME.match(path)
            path = posixpath.normpath(path[scheme.end() :]) if scheme is not None else path
            is_plain = path not in {"", "."} and not path.startswith(("/", "../", "~")) and path != ".."
            if is_plain and _is_of_data(name, path):
                kind = f"{scheme[0].partition(':')[0]}:" if scheme is not None else ""
                found.setdefault(name, _Place(path, source, kind))
    return found


def _path(folder: str, source: str, match: re.Match[str]) -> str:
    """Where a variable leads by itself, "" where that is not sure."""
    suffix = ""
    if match["own"] is not None:
        own = _OWN.fullmatch(match["own"].strip())
        if own is None:
            return ""
        suffix = own[1] or ""
    path = match["text"] or joined(folder, source, match["parts"] or "")
    path = posixpath.normpath(path) if path else ""
    return path.removesuffix(suffix) if path.endswith(suffix) else ""


def _is_of_data(name: str, path: str) -> bool:
    """Whether a path is what the name of its variable speaks of, and nothing that is made or served where it lies."""
    if not PAGES.isdisjoint(path.split("/")):
        return False
    if name.startswith(("DB_", "DATABASE_", "SQLITE_")) or name.endswith(_NAMES_A_FILE):
        return _DATABASE.search(path) is not None
    return posixpath.basename(path) == "data" if re.search(r"(?:^|_)DATA$", name) else True


def _is_file(name: str, path: str) -> bool:
    return name.endswith(("PATH", "FILE", *_NAMES_A_FILE)) and _FILE.search(path) is not None


def _head(folder: str) -> str:
    return f"{folder}/" if folder else ""
