"""The files of SQLite that the sources of an application in Node open without a variable."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from headway.drivers.buildplan.volumes import MADE
from headway.kernel.dataclass import dataclass

TEXT: Final = r"[\"'`](?:\./)?(?P<text>[^\"'`\n$]{1,200})[\"'`]"
JOINED: Final = (
    r"(?:\w{1,20}\.)?(?:normalize\(\s{0,9})?(?:\w{1,20}\.)?(?:join|resolve)"
    r"\((?P<parts>[^;(){}\n]{0,200}(?:\(\)[^;(){}\n]{0,100})?)\)"
)
_PLAIN: Final = r"[\"'`](?P<{}>(?:\./)?[\w-][\w./-]{{0,100}}\.(?:db3?|sqlite3?))[\"'`]"
_OPENS: Final = r"\bnew\s{1,4}(?:\w{1,20}\.)?Database(?:Sync)?\s{0,4}\("
_LITERAL: Final = re.compile(
    rf"(?:(?:\b(?:storage|filename|database)\s{{0,4}}:|{_OPENS})\s{{0,8}}{_PLAIN.format('path')}"
    r"|(?:\b(?:url|connectionString)\s{0,4}:|\b(?:drizzle|createClient|connect)\(|\bnew\s{1,4}Sequelize\()\s{0,8}"
    rf"[\"'`](?:file|sqlite):(?P<url>(?:\./)?[\w-][\w./-]{{0,100}}\.(?:db3?|sqlite3?))[\"'`])"
)
_BY_NAME: Final = re.compile(
    rf"(?:{_OPENS}|\bfilename\s{{0,4}}:)\s{{0,8}}(?:(?P<name>[A-Za-z_]\w{{0,40}})\s{{0,8}}[,)}}\n]|{JOINED})"
)
_DATABASE: Final = re.compile(r"\.(?:db3?|sqlite3?)$")
# Where a file may be only what developers have.
_SERVERS: Final = re.compile(r"[\"'](?:pg|postgres(?:ql)?|mysql2?|mariadb|better-auth/pg)[\"']")
_CHANGED: Final = re.compile(r"(?:--prefix[ =]|--cwd[ =]|(?:^|\s)-C\s|(?:^|\s)cd\s)\s{0,4}(?:\./)?([\w./-]{1,100})")
_MAKES: Final = re.compile(r"\bdrizzle-kit\b|\bdb:|\bmigrat|\bseed")
_COMPILED: Final = (".ts", ".mts", ".cts", ".tsx")
_OF_SOURCE: Final = ("__dirname", "import.meta")
# What is served to browsers from where it lies, or made by a build.
PAGES: Final = MADE | {"public", "static", "assets", "www", "out", "client"}
_MOST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The line that is ``told`` to start the program, "" for none, with all lines by which it ``starts`` and is
    ``built``; ``led`` are variables that lead to a database already, and whether that ``is_led``.
    """

    told: str = ""
    starts: str = ""
    built: str = ""
    led: frozenset[str] = frozenset()
    is_led: bool = False

    @property
    def makes_files(self) -> bool:
        """Whether the build may make the database where it lies by itself."""
        return _MAKES.search(self.built) is not None


def opened(folder: str, sources: Mapping[str, str], lines: Lines) -> Iterator[tuple[str, str]]:
    """The files that are opened by a program which is started in a ``folder``, each with its source. Those that lie in
    the folder itself are left out where other lines of it lead to a database.
    """
    folders = {match[1] for match in islice(_CHANGED.finditer(lines.starts), _MOST)}
    place = posixpath.join(folder, *folders) if len(folders) == 1 else folder
    for source, text in sources.items():
        is_sure = not lines.is_led and len(folders) < 2 and _SERVERS.search(text) is None
        for path in dict.fromkeys((*_named(text), *(_by_name(folder, source, text) if is_sure else ()))):
            if path.startswith("../") or not PAGES.isdisjoint(path.split("/")):
                continue
            if "/" in path:
                yield posixpath.join(folder, path), source
            elif is_sure:
                yield posixpath.join(place, path), source


def _named(text: str) -> Iterator[str]:
    for match in islice(_LITERAL.finditer(text), _MOST):
        yield posixpath.normpath(match["path"] or match["url"])


def _by_name(folder: str, source: str, text: str) -> Iterator[str]:
    """Those of a constant of the same file, or of a path that is joined."""
    for match in islice(_BY_NAME.finditer(text), _MOST):
        parts = match["parts"] or ""
        if name := match["name"]:
            found = re.search(
                rf"\b(?:const|let|var)\s{{1,8}}{name}\s{{0,8}}(?::\s{{0,4}}string\s{{0,8}})?=\s{{0,8}}(?:{TEXT}|{JOINED})",
                text,
            )
            path, parts = (found["text"] or "", found["parts"] or "") if found is not None else ("", "")
        else:
            path = ""
        is_elsewhere = source.endswith(_COMPILED) and any(each in parts for each in _OF_SOURCE)
        path = posixpath.normpath(path or ("" if is_elsewhere else joined(folder, source, parts)) or ".")
        if _DATABASE.search(path) and not path.startswith(("/", "../", ":")):
            yield path


def joined(folder: str, source: str, arguments: str) -> str:
    """The path of path.join(__dirname, "..", "data") or path.resolve("data")."""
    parts = [each.strip() for each in arguments.split(",") if each.strip()]
    above = ""
    if parts and parts[0] in {"__dirname", "import.meta.dirname", "import.meta.dir"}:
        above = posixpath.relpath(posixpath.dirname(source) or ".", folder or ".")
    quoted = [re.fullmatch(TEXT, each) for each in parts[bool(above or parts[:1] == ["process.cwd()"]) :]]
    texts = [each["text"] for each in quoted if each is not None]
    return posixpath.join(above, *texts) if texts and len(texts) == len(quoted) else ""
