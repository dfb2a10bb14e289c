"""Brings a database to the schema of this release, whichever release made it."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect, make_url, text

from headway.infra.db import dump, migrations
from headway.infra.db.engine import SqlDatabase, translated
from headway.infra.db.migrations import before_services
from headway.infra.db.tables import metadata
from headway.infra.db.transaction import Tx
from headway.kernel.clock import SystemClock
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_WAIT_SECONDS = 120  # for another starter that migrates


class DatabaseNewer(HeadwayError):
    """A later release has changed the schema already; this one would read it wrongly."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"The database was made by a newer Headway: its schema is {found}, this version knows {known}. "
            "Start that newer version, or restore a backup from before the upgrade."
        )


def migrate(database: SqlDatabase) -> None:
    """Upgrades the schema to this release's, alone and in one transaction: all of it or nothing. A database without any
    table gets this release's at once, which is the same as what all steps would make of it. What a SQLite database was
    before stays beside it.

    Blocks the calling thread; when nothing is to be done it only looks. Raises DatabaseNewer, CalledTheSame,
    CannotDump, DatabaseAway.
    """
    kept: Path | None = None
    with translated(database.writer):
        if _is_current(database):
            return
        with _alone(database) as connection:
            found = _revision(connection)
            if found == _newest():  # somebody else was faster
                return
            if inspect(connection).get_table_names():
                before_services.check_names(connection)  # what refuses every start does so before a copy is made
                kept = _keep(database, found)
                _upgrade(connection)
            else:
                _make(connection)
    if kept is not None:
        _remove_older(kept)


def _is_current(database: SqlDatabase) -> bool:
    with database.writer.connect() as connection:
        return _revision(connection) == _newest()


def _newest() -> str:
    return migrations.revisions()[-1]


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found is not None and found not in migrations.revisions():
        raise DatabaseNewer(found, _newest())
    return found


@contextmanager
def _alone(database: SqlDatabase) -> Iterator[Connection]:
    with database.writer.connect() as connection:
        if database.is_sqlite:
            with _sqlite_settings(connection), connection.begin():
                yield connection
                _check_references(connection)
        else:
            with connection.begin():
                connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
                Tx(connection, SystemClock()).lock("migrate")
                yield connection


@contextmanager
def _sqlite_settings(connection: Connection) -> Iterator[None]:
    """For the transaction that follows: wait long for the write lock, and let tables be made anew under references."""
    cursor = connection.connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()


def _check_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    if broken:
        msg = f"A migration left rows that refer to nothing: {broken[:5]}."
        raise AssertionError(msg)


def _keep(database: SqlDatabase, revision: str | None) -> Path | None:
    """Copies a SQLite database as it is before it is changed; PostgreSQL's is whoever's who runs the server."""
    path = make_url(database.url).database
    if revision is None or not path or not database.is_sqlite:
        return None
    source = Path(path)
    kept = source.with_name(f"{source.name}.before-{_newest()}")
    draft = kept.with_name(f"{kept.name}.new")
    try:
        # Of a start that came no further; the database is still as it was, and there may be no room for two of it.
        kept.unlink(missing_ok=True)
        # For its owner only from the first byte on; SQLite copies into an empty file.
        os.close(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        dump.dump(database.url, draft)
        draft.rename(kept)
        _sync_folder(kept.parent)
    except (OSError, dump.CannotDump) as error:
        with suppress(OSError):
            draft.unlink()
        raise dump.CannotDump(
            f"The database cannot be copied to {kept}, as it is before an upgrade changes it ({error}). Make room "
            "there, and start again."
        ) from error
    log.info("the database is brought from schema %s to %s; as it was it is kept in %s", revision, _newest(), kept)
    return kept


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_older(kept: Path) -> None:
    """Removes the copies of upgrades before, once they are older than what is there now. What an operator has put
    beside them is called otherwise.
    """
    copies = f"{glob.escape(kept.name.removesuffix(_newest()))}[0-9][0-9][0-9][0-9]"
    for pattern in (copies, f"{copies}.new"):
        for each in kept.parent.glob(pattern):
            if each != kept:
                with suppress(OSError):  # it is in nobody's way
                    each.unlink()


def _make(connection: Connection) -> None:
    metadata.create_all(connection)
    # As Alembic has it, which goes on from here.
    versions = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False))
    versions.append_constraint(PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))
    versions.create(connection)
    connection.execute(versions.insert().values(version_num=_newest()))


def _upgrade(connection: Connection) -> None:
    # Alembic takes some tenths of a second to import, which a start that has nothing to migrate does not pay for.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations.VERSIONS.parent).replace("%", "%%"))
    command.upgrade(config, "head")
