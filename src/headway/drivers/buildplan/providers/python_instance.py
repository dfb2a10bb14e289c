"""The folder of the instance of a Flask application, which it has beside its package: a database there stays."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.database_files import DatabaseFile
from headway.drivers.buildplan.providers.python_project import PythonProject
from headway.drivers.buildplan.tree import Tree

_MADE = re.compile(r"\bFlask\([ \t]*__name__\b(?![^()]{0,200}\binstance_path[ \t]*=)")
# After a comma, a slash or a plus, or after what is filled into a text.
_FILE = re.compile(
    r"\binstance_path\b[ \t]*+(?:(?:,|\)?[ \t]*+/|\+)[ \t]*+[rf]{0,2}[\"']|\}/)"
    r"/?(?P<file>\w[\w.-]{0,80}\.(?:db3?|sqlite3?))[\"']"
)
_NAMES: Final = r"(?:init|create|setup|make)[-_]?(?:db|database|tables)|db[-_]init"
_COMMAND = re.compile(
    rf"\bcommand\((?:[ \t]*(?:name[ \t]*=[ \t]*)?[\"'](?P<name>{_NAMES})[\"']"
    rf"|\)[ \t]*\n(?:@[^\n]{{1,200}}\n){{0,3}}+def[ \t]+(?P<function>{_NAMES})\()"
)
_MAKES = re.compile(r"(?<!def )\b(?:create_all|init_db|create_tables|create_db_and_tables)\(")
_AT_THE_START = re.compile(r"app_context\(\):\s{0,80}(?:[\w.]{1,40}\.)?(?:create_all|init_db|create_tables)\(")
_ASIDE = re.compile(r"test|(?:^|/)(?:docs?|examples?|samples?|scripts?|migrations)/|conftest\.py", re.IGNORECASE)
_MOST: Final = 8


def files(tree: Tree) -> Iterator[DatabaseFile]:
    """The files of SQLite that sources have in it."""
    maker = _maker(tree)
    if maker is None:
        return
    folder = posixpath.join(_folder(tree, maker), "instance")
    for name in _sources(tree):
        for match in islice(_FILE.finditer(python_code.source(tree, name)), _MOST):
            yield DatabaseFile(posixpath.join(folder, match["file"]), name)


def note(project: PythonProject, line: str) -> str:
    """What is to be said of a command of Flask that makes the tables, where nothing that is started does; "" for none.
    The repository has no database that is put there.
    """
    tree = project.tree
    maker = _maker(tree)
    texts = [python_code.source(tree, name) for name in _sources(tree)]
    found = next((match for text in texts if (match := _COMMAND.search(text)) is not None), None)
    whole = "\n".join(texts)
    makes = [match[0] for match in islice(_MAKES.finditer(whole), _MOST)]
    is_made = len(makes) > len({*makes}) or _AT_THE_START.search(whole) is not None or "upgrade" in line
    if maker is None or found is None or is_made:
        return ""
    command = found["name"] or found["function"].replace("_", "-")
    package = maker.removesuffix(".py").removesuffix("/__init__")
    program = project.at(package) if package.startswith("src/") or project.folder else package.replace("/", ".")
    return (
        f"The tables of the database are made by a command, which is not run: headway apps exec APP -- flask --app "
        f"{program} {command}"
    )


def _maker(tree: Tree) -> str | None:
    return next((name for name in _sources(tree) if _MADE.search(python_code.source(tree, name))), None)


def _folder(tree: Tree, maker: str) -> str:
    """The folder that holds the package, or the module, that makes the application."""
    place = python_code.place(tree, maker)
    return place.folder or ("src" if maker.startswith("src/") else "")


def _sources(tree: Tree) -> list[str]:
    return [name for name in sorted(tree.contents) if name.endswith(".py") and not _ASIDE.search(name)]
