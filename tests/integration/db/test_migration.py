"""Migrating: the same schema as from scratch, alone, all or nothing, and cheap when there is nothing to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from headway.infra.db import migration as migrate_module
from headway.infra.db import migrations
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migration import DatabaseNewer, migrate
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.tables import metadata
from headway.infra.db.tables.deployments import hosts
from tests.integration.db.schema import read_schema
from tests.support.databases.postgres import Cluster

MIGRATE = """
import sys
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
print("ready", flush=True)
sys.stdin.readline()
database = SqlDatabase(sys.argv[1])
migrate(database)
database.close()
print("alembic" in sys.modules)
"""

Open = Callable[[str], SqlDatabase]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Gives, by name, the URL of a database that has no tables yet."""
    if request.param == "sqlite":
        return lambda name: sqlite_url(tmp_path / f"{name}.db")
    cluster: Cluster = request.getfixturevalue("postgres_cluster")

    def create(name: str) -> str:
        database = f"{request.node.name.partition('[')[0]}_{name}"[-60:]
        cluster.administer(f"DROP DATABASE IF EXISTS {database}", f"CREATE DATABASE {database}")
        return cluster.url(database)

    return create


@pytest.fixture
def open_database() -> Iterator[Open]:
    """Opens databases that are closed with the test."""
    opened: list[SqlDatabase] = []

    def open_one(url: str) -> SqlDatabase:
        opened.append(SqlDatabase(url))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


def test_the_schema_by_migrations_is_the_schema_of_a_new_database(
    empty_url: Callable[[str], str], open_database: Open
) -> None:
    migrated, created = open_database(empty_url("migrated")), open_database(empty_url("created"))
    migrate_step_by_step(migrated)
    migrate(created)
    with migrated.writer.connect() as by_migrations, created.writer.connect() as from_scratch:
        found, wanted = read_schema(by_migrations), read_schema(from_scratch)
        versions = [tx.execute(text("SELECT * FROM alembic_version")).all() for tx in (by_migrations, from_scratch)]
    assert set(wanted) >= {"alembic_version", *(table.name for table in metadata.sorted_tables)}
    assert found == wanted, "tables were changed without a migration: script/migration"
    assert versions == [[(migrations.revisions()[-1],)]] * 2


def test_revisions_are_numbered_without_a_gap() -> None:
    assert migrations.revisions() == [f"{number:04}" for number in range(1, len(migrations.revisions()) + 1)]


def test_migrating_again_changes_nothing(empty_url: Callable[[str], str], open_database: Open) -> None:
    database = open_database(empty_url("again"))
    migrate(database)
    with database.writer.connect() as connection:
        before = read_schema(connection)
    migrate(database)
    with database.writer.connect() as connection:
        assert read_schema(connection) == before


@pytest.mark.slow
def test_many_starters_at_once_migrate_once(empty_url: Callable[[str], str], open_database: Open) -> None:
    url = empty_url("race")
    starters = [start(url) for _ in range(3)]
    for starter in starters:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "ready\n"
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write("\n")
        starter.stdin.flush()
    for starter in starters:
        output, errors = starter.communicate(timeout=60)
        assert starter.returncode == 0, errors
        assert output
    with open_database(url).writer.connect() as connection:
        versions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    assert versions == [migrations.revisions()[-1]]


@pytest.mark.slow
def test_neither_a_new_database_nor_one_with_nothing_to_migrate_loads_alembic(empty_url: Callable[[str], str]) -> None:
    url = empty_url("twice")
    loaded = [start(url).communicate("\n", timeout=60)[0].splitlines()[-1] for _ in range(2)]
    assert loaded == ["False", "False"]


def test_a_start_with_nothing_to_migrate_asks_for_the_version_alone(database: SqlDatabase) -> None:
    asked: list[str] = []
    for engine in (database.writer, database._reader):
        event.listen(engine, "before_cursor_execute", lambda *given: asked.append(str(given[2])))
    migrate(database)
    assert asked[-1] == "SELECT version_num FROM alembic_version"
    assert len(asked) <= 3, "whether there is such a table, and what it says"


def test_a_database_of_a_newer_headway_is_refused(database: SqlDatabase) -> None:
    with database.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    with pytest.raises(DatabaseNewer, match=r"made by a newer Headway: its schema is 9001, this version knows \d{4}\."):
        migrate(database)
    with database.writer.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9001"


def test_a_migration_that_fails_leaves_nothing(empty_url: Callable[[str], str], open_database: Open) -> None:
    database = open_database(empty_url("broken"))
    with database.writer.begin() as connection:
        connection.execute(text("CREATE TABLE undos (in_the_way INTEGER)"))
    with pytest.raises(Exception, match="undos"):
        migrate(database)
    with database.writer.connect() as connection:
        assert set(read_schema(connection)) == {"undos"}
    with database.writer.begin() as connection:
        connection.execute(text("DROP TABLE undos"))
    migrate(database)
    with database.writer.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(hosts)) == 0


def test_references_are_enforced_again_after_a_migration(tmp_path: Path, open_database: Open) -> None:
    database = open_database(sqlite_url(tmp_path / "references.db"))
    migrate(database)
    with database.writer.connect() as connection:
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.postgres
def test_a_database_that_is_not_there_is_said_to_be_away(postgres_cluster: Cluster, open_database: Open) -> None:
    with pytest.raises(DatabaseAway, match='database "nothing_of_the_kind" does not exist'):
        migrate(open_database(postgres_cluster.url("nothing_of_the_kind")))


def migrate_step_by_step(database: SqlDatabase) -> None:
    """Takes every step that there has been, as a database of the first release would."""
    with migrate_module._alone(database) as connection:
        migrate_module._upgrade(connection)


def start(url: str) -> subprocess.Popen[str]:
    """A process that migrates once it is told to."""
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
