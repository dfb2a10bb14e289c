"""The files of SQLite that the sources of an application name without a variable: they stay, mostly as links."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.providers import python_code, python_database_calls, python_instance
from headway.drivers.buildplan.providers.database_files import DatabaseFile, staying
from headway.drivers.buildplan.providers.python_paths import Variables, first_variables, folder_above, is_outside
from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.tree import Tree
from headway.kernel.release_facts import DATA

_FILE = r"(?P<file>[\w-]{1,80}(?:\.[\w-]{1,40}){0,2}\.(?:db|sqlite3?))[\"']"
# The address of a database: of a folder by name ({basedir}/, + basedir +, os.path.join(basedir, ...), by __file__
# itself, or of the folder that the program is in.
_ADDRESS = re.compile(
    r"^(?P<line>[ \t]*(?:\w+\.config\[[\"'])?\w{0,40}UR[IL]\w{0,20}[\"'\]]{0,2}[ \t]*(?::[ \t]*\w+[ \t]*)?="
    r"[^\n]{0,160}?)sqlite(?:\+\w{1,20})?:///"
    r"(?:\{(?P<own>[^}\n]{0,80}__file__[^}\n]{0,20})\}/|\{(?P<inner>\w+)\}/"
    r"|[\"'][ \t]*\+[ \t]*(?:(?P<added>\w+)[ \t]*\+[ \t]*(?:[\"']/[\"'][ \t]*\+[ \t]*[\"']|[\"']/)"
    r"|os\.path\.join\([ \t]*(?P<joined>\w+)[ \t]*,[ \t]*[\"'])|(?P<plain>(?:\./)?))" + _FILE,
    re.MULTILINE | re.IGNORECASE,
)
_TEMPORARY = re.compile(r"\bsqlite:///(/(?:var/)?tmp/[\w.-]{1,80})")
_ASIDE = re.compile(r"test|(?:^|/)(?:docs?|examples?|samples?|scripts?|migrations)/|conftest\.py", re.IGNORECASE)
_CHANGED = re.compile(r"cd[ \t]+([\w./-]{1,200})[ \t]+&&")
_WITH_INSTANCE: Final = 3  # the first Flask-SQLAlchemy that reads it from the folder of the instance


def with_file(project: PythonProject, start: Start, keep: Collection[str], line: str) -> Start:
    """The application with its files of databases as links into the folder that stays, or with the folders that they
    are in; as it is where none is named, where a variable leads to its database, and where they are in a folder that
    the user has kept: the link would take the place of his data. ``line`` is the one that is told to start it.
    """
    tree = project.tree
    if not start.command or any(DATA in value for value in start.run_env.values()):
        return start
    named = _named(tree, start, project.requires)
    known = {posixpath.basename(path) for path in named}
    called = _opened(tree, _folder_of(line or start.command), f"{line} {start.command}")
    opened = (*called, *python_instance.files(tree))
    found = [*named.values(), *(each for each in opened if posixpath.basename(each.path) not in known)]
    if not found and (note := _temporary(tree)):
        return replace(start, notes=(*start.notes, note))
    stay = staying(tree, found, keep, (python_code.source(tree, name) for name in _sources(tree)))
    is_new = (stay.keep or stay.links) and not any(each.path in tree for each in found)
    tables = python_instance.note(project, start.command) if is_new else ""
    return replace(
        start,
        command=stay.started(start.command),
        keep=(*start.keep, *stay.keep),
        keep_reason=start.keep_reason or ("where its database is" if stay.keep else ""),
        notes=(*start.notes, *((tables,) if tables else ())),
        note_started=stay.note_linked or start.note_started,
        note_told=stay.note_lost(line) or start.note_told,
    )


def _named(tree: Tree, start: Start, requires: Requirements) -> dict[str, DatabaseFile]:
    """The one file that the sources name by an address, by its path; none of several, of which one may be a test's."""
    found = {each.path: each for each in _files(tree, requires)}
    return found if len(found) == 1 and not start.command.startswith("cd ") else {}


def _opened(tree: Tree, folder: str, command: str) -> Iterator[DatabaseFile]:
    """Those that they hand to what opens a database, of what is started and of what that can load."""
    for name in _sources(tree):
        paths = dict.fromkeys(python_database_calls.opened(tree, name, folder))
        if paths and _is_loaded(tree, name, command):
            yield from (DatabaseFile(path, name) for path in paths)


def _is_loaded(tree: Tree, name: str, command: str) -> bool:
    """Whether a source at the top is what is started, or another one loads it: many programs for tools lie there."""
    stem = re.escape(name.removesuffix(".py"))
    loads = re.compile(rf"^[ \t]*(?:from|import)[ \t][^\n]{{0,200}}\b{stem}\b", re.MULTILINE)
    return (
        "/" in name
        or re.search(rf"\b{stem}\b", command) is not None
        or any(loads.search(python_code.source(tree, each)) for each in _sources(tree) if each != name)
    )


def _folder_of(command: str) -> str:
    """The folder below the build path that a line is started in."""
    match = _CHANGED.match(command)
    return match[1] if match is not None else ""


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


def _files(tree: Tree, requires: Requirements) -> Iterator[DatabaseFile]:
    for name in _sources(tree):
        found = list(_ADDRESS.finditer(python_code.source(tree, name)))
        module = Variables(name, python_code.source(tree, name) if any(map(_variable, found)) else "")
        folders = {each: module.folder(each) for each in first_variables(filter(None, map(_variable, found)))}
        for match in found:
            folder = _folder(name, folders, match, requires)
            if folder is not None and "test" not in match["line"].lower():
                path = posixpath.normpath(posixpath.join(folder, match["file"]))
                yield DatabaseFile(path, name, was_linked=True)


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
