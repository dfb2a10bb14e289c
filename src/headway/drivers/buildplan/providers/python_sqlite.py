"""The file of SQLite that the sources of an application name without a variable: it stays as a link into DATA_DIR."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.python_paths import Variables, first_variables, folder_above, is_outside
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.providers.turns import copied
from headway.drivers.buildplan.tree import Tree
from headway.drivers.buildplan.volumes import is_kept
from headway.kernel.dataclass import dataclass
from headway.kernel.release_facts import DATA

_FILE = r"(?P<file>[\w-]{1,80}(?:\.[\w-]{1,40}){0,2}\.(?:db|sqlite3?))[\"']"
# The address of a database: of a folder by name ({basedir}/, + basedir +, os.path.join(basedir, ...), by __file__
# itself, or of the folder that the program is in.
_ADDRESS = re.compile(
    r"^(?P<line>[ \t]*(?:\w+\.config\[[\"'])?\w{0,40}UR[IL]\w{0,20}[\"'\]]{0,2}[ \t]*(?::[ \t]*\w+[ \t]*)?="
    r"[^\n]{0,160}?)sqlite:///"
    r"(?:\{(?P<own>[^}\n]{0,80}__file__[^}\n]{0,20})\}/|\{(?P<inner>\w+)\}/"
    r"|[\"'][ \t]*\+[ \t]*(?:(?P<added>\w+)[ \t]*\+[ \t]*(?:[\"']/[\"'][ \t]*\+[ \t]*[\"']|[\"']/)"
    r"|os\.path\.join\([ \t]*(?P<joined>\w+)[ \t]*,[ \t]*[\"'])|(?P<plain>(?:\./)?))" + _FILE,
    re.MULTILINE | re.IGNORECASE,
)
_TEMPORARY = re.compile(r"\bsqlite:///(/(?:var/)?tmp/[\w.-]{1,80})")
_ASIDE = re.compile(r"test|(?:^|/)(?:docs?|examples?|samples?|scripts?|migrations)/|conftest\.py", re.IGNORECASE)
_WITH_INSTANCE: Final = 3  # the first Flask-SQLAlchemy that reads it from the folder of the instance


@dataclass(frozen=True, slots=True)
class _File:
    """Where it lies below the folder that the program is started in, and the source that says so."""

    path: str
    source: str


def with_file(tree: Tree, start: Start, requires: Requirements, keep: Collection[str]) -> Start:
    """The application with that file as a link into the folder that stays; as it is where none or several are named,
    where a variable leads to its database, and where it is in a folder that the user has kept: the link would take the
    place of his data.
    """
    found = {each.path: each for each in _files(tree, requires)}
    is_led = any(DATA in value for value in start.run_env.values())
    if not found and not is_led and (note := _temporary(tree)):
        return replace(start, notes=(*start.notes, note))
    if len(found) != 1 or is_led or not start.command or start.command.startswith("cd "):
        return start
    path, one = next(iter(found.items()))
    if is_kept(path, keep):
        return start
    name, folder = posixpath.basename(path), posixpath.dirname(path)
    made = f"mkdir -p {shlex.quote(folder)} && " if folder and not _is_folder(tree, folder) else ""
    first = f"{copied(path)} && " if path in tree else ""
    line = start.command if " && exec " in start.command else f"exec {start.command}"
    said = f"The database is the file of SQLite that {one.source} names"
    return replace(
        start,
        command=f'{made}{first}ln -sf "$DATA_DIR/{name}" {shlex.quote(path)} && {line}',
        note_started=f"{said}, which stays in the folder that DATA_DIR names.",
        note_told=f"{said}, lost with the release: keep it in the folder that DATA_DIR names, or use a server's.",
    )


def _temporary(tree: Tree) -> str:
    """What is to be said of a database that lies where all programs of the machine write."""
    for name in _sources(tree):
        if match := _TEMPORARY.search(python_code.source(tree, name)):
            return (
                f"The database is {match[1]} ({name}), where the whole machine writes: it is gone when that starts "
                "anew, and another program's file of that name is in its way. Where a setting names it, let that be in "
                "the folder that DATA_DIR names."
            )
    return ""


def _sources(tree: Tree) -> Iterator[str]:
    return (name for name in sorted(tree.contents) if name.endswith(".py") and not _ASIDE.search(name))


def _files(tree: Tree, requires: Requirements) -> Iterator[_File]:
    for name in _sources(tree):
        found = list(_ADDRESS.finditer(python_code.source(tree, name)))
        module = Variables(name, python_code.source(tree, name) if any(map(_variable, found)) else "")
        folders = {each: module.folder(each) for each in first_variables(filter(None, map(_variable, found)))}
        for match in found:
            folder = _folder(name, folders, match, requires)
            if folder is not None and "test" not in match["line"].lower():
                yield _File(posixpath.normpath(posixpath.join(folder, match["file"])), name)


def _variable(match: re.Match[str]) -> str | None:
    """The one that an address begins with."""
    return match["inner"] or match["added"] or match["joined"]


def _folder(name: str, folders: Mapping[str, str | None], match: re.Match[str], requires: Requirements) -> str | None:
    """The folder that an address is of, None where the text does not tell."""
    if match["own"] is not None:
        return folder_above(name, match["own"])
    variable = _variable(match)
    if variable is None and "flask-sqlalchemy" in requires:  # which does not read it from where the program is started
        is_old = requires.majors.get("flask-sqlalchemy", _WITH_INSTANCE) < _WITH_INSTANCE
        return posixpath.dirname(name) or "." if is_old else "instance"
    if variable is None:
        return "."
    above = folders.get(variable)
    return None if above is None or is_outside(above) else above


def _is_folder(tree: Tree, folder: str) -> bool:
    return any(each.startswith(f"{folder}/") for each in tree.names)
