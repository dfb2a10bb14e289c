"""The database of a program in Go: a file that stays, and what is to be said of the server that it needs, or of a file
that is lost.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from headway.drivers.buildplan import image_program, volumes
from headway.drivers.buildplan.providers.database_files import DatabaseFile, Stay, plain_path, staying
from headway.drivers.buildplan.providers.golang_address import options
from headway.drivers.buildplan.providers.golang_variables import has_parts, spelled, variables
from headway.drivers.buildplan.tree import Tree
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

_REQUIRED = re.compile(r"^(?:require)?[ \t]+([\w./~-]{3,200})[ \t]+v[^\s/]{1,100}[ \t]*$", re.MULTILINE)
_FILES = re.compile(r"sqlite|/bbolt\b|/bolt\b|/badger\b|/pebble\b|goleveldb|/buntdb\b|/pogreb\b")
_SERVERS: Final = (
    ("PostgreSQL", re.compile(r"^github\.com/lib/pq$|/pgx(?:/|$)|/driver/postgres$|/pgdriver$|go-pg/pg(?:/|$)")),
    ("MySQL", re.compile(r"go-sql-driver/mysql$|/driver/mysql$")),
    ("MongoDB", re.compile(r"/mongo-driver(?:/|$)")),
    ("SQL Server", re.compile(r"/go-mssqldb$|/driver/sqlserver$")),
)
_SCHEMES: Final[Mapping[str, str]] = {"PostgreSQL": "postgres", "MySQL": "mysql"}
_ADDRESS = re.compile(
    r'"((?:[A-Z][A-Z0-9]{0,30}_){0,4}(?:DATABASE|DB|POSTGRES|PG|MYSQL|MONGO(?:DB)?)_(?:UR[LI]|DSN|CONNECTION_STRING))"'
)
_PART = re.compile(
    r'"((?:[A-Z][A-Z0-9]{0,30}_){0,4}(?:DATABASE|DB|POSTGRES|PG|MYSQL)_?'
    r'(?:HOST|PORT|USER|USERNAME|PASS|PASSWORD|NAME|DATABASE))"'
)
_FILE = re.compile(r"(?:file:)?((?:\./)?\w[\w./-]{0,100}\.(?:db|sqlite3?|bolt|bdb))(?:\?.{0,200})?")
# Opened by a literal, through database/sql, GORM or bbolt.
_OPENED = re.compile(
    r'\b(?:(?:sqlx?|otelsql)\.(?:Open|Connect|MustConnect|MustOpen)\(\s{0,40}"(?:sqlite3?|libsql)"\s{0,40},|sqlite\.Open\()'
    r'\s{0,40}"(?:file:)?(?P<path>[^"\n?]{1,200})(?:\?[^"\n]{0,200})?"'
)
_FOLDER = re.compile(r"(?:\./)?((?:data|var|db|database|storage|store)(?:/[\w-]{1,40}){0,4})/?")
_OF_DATA = re.compile(
    r"(?:^|_|-)(?:data|db|database|store|storage|sqlite|bolt|connection|path|file|dir)", re.IGNORECASE
)
_MAKES: Final = "'headway databases create' makes one"
_MOST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A ``path`` that is lost with a release, the ``folder`` that it is in, "" for the one that the program is started
    in, and the variable or option that names it, as it is ``shown``, "" where none is sure.
    """

    path: str
    folder: str
    shown: str

    @property
    def sentence(self) -> str:
        """What is to be said of it."""
        ways = [f"'headway apps set APP --keep {self.folder}' has it stay"] if self.folder else []
        ways += [f'{self.shown} can name a place below "$DATA_DIR", which stays'] if self.shown else []
        by = f" ({self.shown})" if self.shown else ""
        return f"By itself it has its data in {self.path}{by}, which is lost with the release: {', or '.join(ways)}."


def notes(tree: Tree, required: str, texts: Sequence[str], line: str, keep: Collection[str]) -> tuple[str, ...]:
    """What is to be said; nothing where there is no database, or its place is known. ``required`` is the text of
    go.mod, ``line`` the one that starts the program.
    """
    modules = _REQUIRED.findall(required)
    if any(_FILES.search(each) for each in modules):
        is_led = DATA in line or bool(keep) or bool(image_program.places(tree, keep))
        found = () if is_led else sorted(islice(_lost(tree, spelled(texts)), _MOST), key=_outermost_first)
        return tuple(each.sentence for each in found[:1])
    kinds = [kind for kind, pattern in _SERVERS if any(pattern.search(each) for each in modules)]
    return (_needed(kinds, texts),) if kinds else ()


def opened(tree: Tree, sources: Mapping[str, str], line: str, keep: Collection[str]) -> Stay:
    """How the files of SQLite stay that its sources open by a literal, where the ``line`` that starts it does not name
    the folder that stays, nor a Dockerfile.
    """
    if DATA in line or image_program.places(tree, keep):
        return Stay()
    found = [
        DatabaseFile(path, name)
        for name, text in sources.items()
        if not name.endswith("_test.go")
        for match in islice(_OPENED.finditer(text), _MOST)
        if (path := plain_path(match["path"]))
    ]
    return staying(tree, found, keep, sources.values())


def _needed(kinds: Sequence[str], texts: Sequence[str]) -> str:
    server = f"It needs a database of {' or '.join(kinds)}"
    if name := next((found for text in texts for found in _ADDRESS.findall(text)), None):
        scheme = _SCHEMES.get(kinds[0]) if len(kinds) == 1 else None
        address = f"{scheme}://USER:PASSWORD@HOST:PORT/NAME" if scheme else "..."
        return f"{server}, and reads its address from {name}: headway env set APP {name}={address} ({_MAKES})."
    parts = tuple(dict.fromkeys(found for text in texts for found in _PART.findall(text)))[:_MOST]
    if len(parts) > 1:
        return f"{server}: headway env set APP {' '.join(f'{each}=...' for each in parts)} ({_MAKES})."
    return f"{server} ({_MAKES}): its own documents say how it is told of one."


def _lost(tree: Tree, texts: Sequence[str]) -> Iterator[_Place]:
    """What it has below the folder that it is started in, by the value of a variable or an option."""
    is_part = has_parts(texts)
    named = [(name, value, "" if is_part else name) for name, value in variables(texts)]
    named += [(name, value, f"{dashes}{name}") for dashes, name, value in options(texts)]
    told = volumes.kept_folders(tree)[1]
    for name, value, shown in named:
        match = _FILE.fullmatch(value) or _FOLDER.fullmatch(value)
        if match is None or not _OF_DATA.search(name):
            continue
        path = posixpath.normpath(match[1])
        folder = path if _FOLDER.fullmatch(value) else posixpath.dirname(path)
        if not path.startswith("..") and not volumes.is_kept(path, told) and (folder or shown):
            yield _Place(path=path, folder=folder, shown=shown)


def _outermost_first(place: _Place) -> tuple[bool, int]:
    return not place.folder, place.folder.count("/")
