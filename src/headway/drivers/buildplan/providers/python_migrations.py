"""Migrations of Alembic and Flask-Migrate: run where a file of the application for containers runs them, else named."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from headway.drivers.buildplan.image_stages import dockerfile
from headway.drivers.buildplan.providers import python_code
from headway.drivers.buildplan.providers.python_requirements import Requirements
from headway.drivers.buildplan.providers.python_start import Start
from headway.drivers.buildplan.providers.turns import once
from headway.drivers.buildplan.tree import Tree

_SCRIPTS: Final = (
    "docker-entrypoint.sh",
    "entrypoint.sh",
    "boot.sh",
    "start.sh",
    "prestart.sh",
    "run.sh",
    "scripts/start.sh",
    "scripts/prestart.sh",
    "scripts/entrypoint.sh",
    "docker/entrypoint.sh",
    "docker/start.sh",
)
# Where applications do that themselves.
_OF_DATABASES: Final = tuple(
    f"*/{name}" for name in ("db/init*.py", "database/init*.py", "migrations.py", "migrate.py")
)
READS: Sequence[str] = ("alembic.ini", "migrations/alembic.ini", *_SCRIPTS, *_OF_DATABASES)

_CONFIGURED: Final = ("alembic.ini", "migrations/alembic.ini")
_FLASK: Final = ("app.py", "wsgi.py", ".flaskenv")  # by which flask finds the application
_SQLITE: Final = "sqlite"
_MOST_TEXT: Final = 64 << 10
_RUN = re.compile(r"^[^#\n]{0,300}\b(alembic[ \t]+upgrade[ \t]+heads?|flask[ \t]+db[ \t]+upgrade)\b", re.MULTILINE)
# `shopctl db upgrade`, by a command that the project itself installs
_RUN_BY_OWN = re.compile(
    r"^[ \t]*(?:exec[ \t]+)?(?P<program>[\w-]{2,60})[ \t]+(?:db|database)[ \t]+upgrade(?=[ \t]*(?:$|[;&|#]))",
    re.MULTILINE,
)
_BY_ITSELF = re.compile(
    r"\bcommand\.upgrade\(|\balembic\.command[ \t]+import[^\n]{0,80}\bupgrade\b|\bflask_migrate\.upgrade\("
)


def with_migrations(tree: Tree, start: Start, requires: Requirements, programs: Collection[str] = ()) -> Start:
    """The application with its migrations, where one of its files runs them: before each start where the database may
    be a file of SQLite, for a release command could not keep what it writes; else as the release command. ``programs``
    are the commands that it installs.
    """
    found = _run_by(tree, requires) or _run_by_own(tree, programs)
    if found is None or start.command.startswith("cd "):
        return start
    line, file = found
    if any(
        _SQLITE in python_code.source(tree, name) for name in tree.contents if name.endswith((".py", ".ini", ".cfg"))
    ):
        reason = f"{start.reason}; after the migrations, as {file} has it, by one copy at a time"
        return replace(start, command=f"{once(_tolerant(line))} && exec {start.command}", reason=reason)
    return replace(start, release=line, release_reason=f"the migrations, as {file} has it")


def _tolerant(line: str) -> str:
    """The line, and no harm done where the database is ahead of the release: one that is gone back to knows no
    revision of the one after it.
    """
    if not line.startswith(("flask", "alembic")):
        return line
    asks = "flask db current" if line.startswith("flask") else "alembic current"
    return f'{{ {line} || {asks} 2>&1 | grep -q "Can\'t locate revision"; }}'


def note(tree: Tree, requires: Requirements, told: str) -> str:
    """What is to be said of migrations that nothing that is ``told`` runs; "" where there are none."""
    line, file = _line(requires), next((name for name in _CONFIGURED if name in tree), None)
    if file is None or not line or "upgrade" in told:
        return ""
    if any(_BY_ITSELF.search(python_code.source(tree, name)) for name in tree.contents if _is_own(name)):
        return ""
    return f"Migrations ({file}) are not run: headway apps set APP --release '{line}'"


def _is_own(name: str) -> bool:
    return name.endswith(".py") and "test" not in name


def _line(requires: Requirements) -> str:
    return {"flask-migrate": "flask db upgrade", "alembic": "alembic upgrade head"}.get(
        requires.first("flask-migrate", "alembic") or "", ""
    )


def _run_by(tree: Tree, requires: Requirements) -> tuple[str, str] | None:
    """The line that runs them, and the file of the application that has it."""
    if not _line(requires) or not any(name in tree for name in _CONFIGURED):
        return None
    for name in (dockerfile(tree), *_SCRIPTS):
        match = _RUN.search(tree.text(name)[:_MOST_TEXT])
        if match is not None and (match[1].startswith("alembic") or any(each in tree for each in _FLASK)):
            return " ".join(match[1].split()), name
    return None


def _run_by_own(tree: Tree, programs: Collection[str]) -> tuple[str, str] | None:
    """The line that runs them by a command of the application, and the file that has it."""
    for name in _SCRIPTS if programs else ():
        for match in _RUN_BY_OWN.finditer(tree.text(name)[:_MOST_TEXT]):
            if match["program"] in programs:
                return " ".join(match[0].split()).removeprefix("exec "), name
    return None
