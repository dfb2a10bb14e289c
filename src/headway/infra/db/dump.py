"""A database as one file, taken while it is in use, and made of such a file again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import inspect, make_url, text

from headway.infra.db import migrations
from headway.infra.db.engine import SqlDatabase, translated
from headway.kernel.errors import Conflict, HeadwayError

_SECONDS = 3600
# https://www.postgresql.org/docs/current/libpq-envars.html: so that no password stands in an argument.
_VARIABLES: Mapping[str, str] = {
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "host": "PGHOST",
    "port": "PGPORT",
}


class CannotDump(HeadwayError):
    """The database cannot be written into a file, or be made of one."""


class NotEmpty(Conflict):
    """There is something in the database that was to be filled."""


def backend(url: str) -> str:
    """``sqlite`` or ``postgresql``."""
    return "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"


def revision(url: str) -> str | None:
    """The schema that a database has now; None where it has none yet. Makes nothing. Raises DatabaseAway."""
    if backend(url) == "sqlite" and not Path(make_url(url).database or "").exists():
        return None
    database = SqlDatabase(url)
    try:
        with translated(database.writer), database.writer.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found
    finally:
        database.close()


def known_revisions() -> list[str]:
    """The schemas that this release can read or bring up to date, oldest first."""
    return migrations.revisions()


def titles() -> dict[str, str]:
    """What each of them changed."""
    return migrations.titles()


def dump(url: str, file: Path) -> None:
    """Writes the whole database, as it is at one moment, into ``file`` (which is new). Raises CannotDump."""
    if backend(url) == "sqlite":
        _copy(Path(make_url(url).database or ""), file)
    else:
        _run(url, ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={file}"])


def check_dump(url: str, file: Path) -> None:
    """Whether ``load`` could make a database of ``file``. Raises CannotDump."""
    if backend(url) == "sqlite":
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
                answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.Error as error:
            raise CannotDump(f"The database in the backup cannot be read: {error}.") from error
        if answer != "ok":
            raise CannotDump(f"The database in the backup is damaged: {answer}.")
    else:
        _run(url, ["pg_restore", "--list", str(file)])


def load(url: str, file: Path) -> None:
    """Fills an empty PostgreSQL database from ``file``, all of it or nothing; a SQLite database is the file already.

    Raises NotEmpty, CannotDump and DatabaseAway.
    """
    if backend(url) == "sqlite":
        return
    require_empty(url)
    _run(url, ["pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", str(file)])


def require_empty(url: str) -> None:
    """Whether the PostgreSQL database that is to be filled has no table. Raises NotEmpty, DatabaseAway."""
    if backend(url) == "sqlite":
        return
    database = SqlDatabase(url)
    try:
        with translated(database.writer), database.writer.connect() as connection:
            tables = inspect(connection).get_table_names()
    finally:
        database.close()
    if tables:
        raise NotEmpty(
            f"The database of HEADWAY_DATABASE_URL is not empty: it has a table {tables[0]}. A backup is restored into "
            "an empty one only: make a new database and name that."
        )


def _copy(source: Path, file: Path) -> None:
    if not source.exists():
        raise CannotDump(f"There is no database {source}: no panel has been started with this data directory.")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as origin:
            # One reading transaction, which holds up nobody in WAL mode; a copy page by page begins anew after each
            # write of the panel's, and may never end.
            origin.execute("VACUUM INTO ?", (str(file),))
        with file.open("rb") as copy:
            os.fsync(copy.fileno())
    except sqlite3.Error as error:
        raise CannotDump(f"The database {source} cannot be copied: {error}.") from error


def _run(url: str, argv: list[str]) -> None:
    program = shutil.which(argv[0])
    if program is None:
        raise CannotDump(
            f"{argv[0]} is not installed, and it is what copies PostgreSQL: apt-get install postgresql-client"
        )
    target = ["--dbname", make_url(url).database or ""] if argv[0] == "pg_restore" and "--list" not in argv else []
    try:
        ended = subprocess.run(
            [program, *argv[1:-1], *target, argv[-1]],
            env=_environment(url),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CannotDump(f"{argv[0]} did not end within an hour.") from error
    if ended.returncode:
        said = [line for line in ended.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise CannotDump(f"{argv[0]} failed: {said[0]}")


def _environment(url: str) -> dict[str, str]:
    target = make_url(url)
    named = {
        "PGHOST": target.host,
        "PGPORT": str(target.port) if target.port else None,
        "PGUSER": target.username,
        "PGPASSWORD": None if target.password is None else str(target.password),
        "PGDATABASE": target.database,
    }
    asked = {_VARIABLES[name]: value for name, value in target.query.items() if name in _VARIABLES}
    given = {name: value for name, value in {**named, **asked}.items() if isinstance(value, str) and value}
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **given}
