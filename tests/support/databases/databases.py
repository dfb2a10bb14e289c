"""The fixture ``database``: each test that asks for it runs once on SQLite and once on PostgreSQL, on a schema of its
own that is made by the migrations.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.sqlite import sqlite_url
from tests.support.databases.postgres import TEMPLATE, Cluster, running_cluster

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """A PostgreSQL for this worker's tests, with a template that has the schema."""
    with running_cluster() as cluster:
        cluster.administer(f"CREATE DATABASE {TEMPLATE}")
        _migrate(cluster.url(TEMPLATE))
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that has the schema."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(sqlite_url(path))
    return path


@pytest.fixture
def sqlite_database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A SQLite database of the test's own."""
    path = tmp_path / "headway.db"
    shutil.copyfile(sqlite_template, path)
    return sqlite_url(path)


@pytest.fixture
def postgres_database_url(postgres_cluster: Cluster) -> str:
    """A PostgreSQL database of the test's own; it goes with the cluster."""
    name = f"test_{next(_numbers)}"
    postgres_cluster.administer(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    return postgres_cluster.url(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database of the test's own, once of each form."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[SqlDatabase]:
    """The database behind ``database_url``, open."""
    database = unhurried(SqlDatabase(database_url))
    yield database
    database.close()


def unhurried(database: SqlDatabase) -> SqlDatabase:
    """The same, whose commits do not wait for the disk: no power fails in a test that ends its process by itself."""
    if database.is_sqlite:
        with database.writer.connect() as connection:
            connection.connection.cursor().execute("PRAGMA synchronous=OFF")
    return database


@contextmanager
def nothing_is_written(data_dir: Path) -> Iterator[None]:
    """Somebody else holds the lock of a panel's SQLite: what it writes waits meanwhile, and what it reads does not."""
    with closing(sqlite3.connect(data_dir / "headway.db", timeout=20, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def _migrate(url: str) -> None:
    database = SqlDatabase(url)
    try:
        migrate(database)
    finally:
        database.close()
