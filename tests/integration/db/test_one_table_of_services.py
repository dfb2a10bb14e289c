"""The step to one table of services loses no row and no field, is whole or not at all, and can be looked at before."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import exc, make_url, select, text

from headway.infra.db import earlier_database, migrations
from headway.infra.db.dump import CannotDump
from headway.infra.db.earlier_database import NoTemporaryViews
from headway.infra.db.engine import DatabaseAway, SqlDatabase
from headway.infra.db.migration import migrate
from headway.infra.db.migrations.before_services import CalledTheSame
from headway.infra.db.sqlite import sqlite_url
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from tests.integration.db.schema_0037 import ROWS, Row, application, compose, contents, fill, make
from tests.support.databases.postgres import Cluster
from tests.support.panel.panel import until

T = TypeVar("T")
NEWEST = migrations.revisions()[-1]
UNREPORTED = {"report_tried": None, "report_attempts": 0, "report_since": None, "passed_head": None}  # since 0040, 0049
MIGRATE = """
import os, signal, sys
from sqlalchemy import event
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.migration import migrate
database = SqlDatabase(sys.argv[1])

@event.listens_for(database.writer, "before_cursor_execute")
def die(connection, cursor, statement, *rest):
    if " ".join(statement.split()).startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

migrate(database)
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that has no tables yet."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "headway.db")
    return new_database(request.getfixturevalue("postgres_cluster"), request.node.name)


def new_database(cluster: Cluster, test: str) -> str:
    """The URL of one at the server of the tests."""
    name = f"services_{test.partition('[')[0]}"[-60:]
    cluster.administer(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    return cluster.url(name)


@pytest.fixture
def before(url: str) -> Iterator[SqlDatabase]:
    """A database of the version before, with something of everything."""
    database = SqlDatabase(url)
    make(database)
    fill(database, ROWS)
    yield database
    database.close()


def test_every_row_is_there_afterwards_field_by_field(before: SqlDatabase) -> None:
    was = now(before)

    migrate(before)

    found = now(before)
    assert by(found["services"], "service_id") == by(
        [*map(of_application, was["applications"]), *map(of_compose, was["composes"])], "service_id"
    )
    hosts = {row["compose_id"]: row["host_id"] for row in was["composes"]}
    assert by(found["releases"], "release_id") == by(
        [
            *map(of_release, was["releases"]),
            *(of_compose_release(row, hosts[row["compose_id"]]) for row in was["compose_releases"]),
        ],
        "release_id",
    )
    assert found["previews"] == [
        {**renamed(row, {}, service_id=row["application_id"] or row["compose_id"]), **UNREPORTED}
        for row in was["previews"]
    ]
    assert found["domains"] == [{**row, "asked_at": None} for row in was["domains"]]
    assert found["audit_log"] == [{**row, "credential": "key"} for row in was["audit_log"]]
    ports = [renamed(row, {"application_id": "service_id"}) for row in was["ports"]]
    assert by(found["ports"], "port") == by(ports, "port")
    gone = {"applications", "composes", "compose_releases"}
    changed = {"services", "releases", "previews", "ports", "domains", "audit_log", "alembic_version"}
    assert {name: rows for name, rows in found.items() if name not in changed and (rows or name in was)} == {
        name: rows for name, rows in was.items() if name not in changed | gone
    }


def test_what_referred_to_either_kind_refers_to_a_service(before: SqlDatabase) -> None:
    migrate(before)
    for broken in (
        "UPDATE redirects SET application_id = 'nobody'",
        "UPDATE logins SET application_id = 'nobody'",
        "UPDATE own_routings SET application_id = 'nobody'",
        "UPDATE databases SET database_id = 'nobody' WHERE database_id = 'base'",
        "UPDATE previews SET service_id = 'nobody'",
        "UPDATE releases SET service_id = 'nobody' WHERE state = 'starting'",
    ):
        with pytest.raises(exc.IntegrityError, match=r"(?i)foreign key"), before.writer.begin() as connection:
            connection.execute(text(broken))
    with before.writer.begin() as connection:
        connection.execute(text("DELETE FROM releases WHERE service_id = 'shop'"))
        connection.execute(text("DELETE FROM services WHERE service_id = 'shop'"))
        left = connection.execute(text("SELECT preview_id FROM previews ORDER BY preview_id")).scalars().all()
    assert left == ["served-pr-7", "shut"], "previews go with their service, as before"


def test_a_preview_gets_no_number_that_one_had_before(before: SqlDatabase) -> None:
    with before.writer.begin() as connection:
        connection.execute(text("DELETE FROM previews WHERE seq > 3"))
    migrate(before)
    columns = "title, url, author, branch, head, fork, labels, created_at"
    one_more = f"INSERT INTO previews (preview_id, service_id, number, {columns}) SELECT 'new', 'shop', 9, {columns}"
    with before.writer.begin() as connection:
        if not before.is_sqlite:  # where rows that were written with their numbers do not count
            connection.execute(text("SELECT setval(pg_get_serial_sequence('previews', 'seq'), 7)"))
        connection.execute(text(f"{one_more} FROM previews"))
        assert connection.scalar(text("SELECT seq FROM previews WHERE preview_id = 'new'")) == 8


@pytest.mark.slow
@pytest.mark.parametrize("where", ["INSERT INTO services", "CREATE TABLE releases", "DROP TABLE applications"])
def test_a_panel_that_is_killed_on_the_way_leaves_all_as_it_was(before: SqlDatabase, where: str) -> None:
    was = now(before)

    killed = subprocess.run([sys.executable, "-c", MIGRATE, before.url, where], capture_output=True, check=False)

    assert killed.returncode == -9, killed.stderr
    assert now(before) == was
    migrate(before)
    assert len(now(before)["services"]) == len(was["applications"]) + len(was["composes"])


@pytest.mark.postgres
def test_what_a_frozen_panel_was_writing_is_not_lost(postgres_cluster: Cluster) -> None:
    database = SqlDatabase(new_database(postgres_cluster, "frozen"))
    make(database)
    fill(database, ROWS)
    older = SqlDatabase(database.url)
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    # What others wait for is seen once in a transaction.
    each_for_itself = older.writer.connect().execution_options(isolation_level="AUTOCOMMIT")
    with ThreadPoolExecutor(1) as thread, older.writer.connect() as writing, each_for_itself as looking:
        for written in (
            "UPDATE applications SET status = 'late' WHERE application_id = 'plain'",
            "UPDATE composes SET status = 'late' WHERE compose_id = 'shop'",
            "UPDATE releases SET state = 'late' WHERE release_id = 'served-4'",
            "UPDATE compose_releases SET state = 'late' WHERE release_id = 'shop-3'",
        ):
            writing.execute(text(written))
        migrating = thread.submit(migrate, database)
        until(lambda: looking.scalar(waiting), 10, what="it waits for what is being written")
        writing.commit()
        migrating.result(30)

    found = now(database)
    assert {row["service_id"] for row in found["services"] if row["status"] == "late"} == {"plain", "shop"}
    assert {row["release_id"] for row in found["releases"] if row["state"] == "late"} == {"served-4", "shop-3"}
    older.close()
    database.close()


def test_a_look_at_the_schema_before_finds_services_where_they_will_be(before: SqlDatabase) -> None:
    was, seen = now(before), looked(before.url)
    with pytest.raises((exc.DBAPIError, DatabaseAway)):
        look(before.url, lambda tx: tx.execute(text("UPDATE projects SET name = 'x'")))
    assert now(before) == was, "a look changes nothing"

    migrate(before)

    assert looked(before.url) == seen
    with pytest.raises((exc.DBAPIError, DatabaseAway)):
        look(before.url, lambda tx: tx.execute(text("UPDATE projects SET name = 'x'")))
    assert [len(rows) for rows in seen] == [11, 13]


@pytest.mark.postgres
def test_who_may_make_no_view_to_look_through_is_told_what_to_grant(postgres_cluster: Cluster) -> None:
    url = new_database(postgres_cluster, "without_views")
    database = SqlDatabase(url)
    make(database)
    database.close()
    looker, name = "services_looker", make_url(url).database
    granted = f"GRANT TEMPORARY ON DATABASE {name} TO {looker}"
    postgres_cluster.administer(
        f"DROP ROLE IF EXISTS {looker}",
        f"CREATE ROLE {looker} LOGIN IN ROLE pg_read_all_data",
        f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
    )
    of_looker = url.replace("postgres@", f"{looker}@")

    with pytest.raises(NoTemporaryViews, match=re.escape(granted)):
        looked(of_looker)
    postgres_cluster.administer(granted)
    assert looked(of_looker) == [[], []]


def test_a_look_does_without_what_a_schema_before_that_had_not(url: str) -> None:
    database, later = SqlDatabase(url), {"health", "host_name"}
    make(database, "0033")
    rows = {name: [{key: row[key] for key in row.keys() - later} for row in found] for name, found in ROWS.items()}
    fill(database, rows)
    database.close()
    seen = looked(url)
    assert [len(rows) for rows in seen] == [11, 13]
    assert {row["host_name"] for row in seen[0]} == {None}


def test_two_that_are_called_the_same_are_told_of_before_anything_is_changed(
    before: SqlDatabase, tmp_path: Path
) -> None:
    fill(before, {"applications": [application("same")], "composes": [compose("other", app_name="same-abcdef")]})
    was = now(before)
    with pytest.raises(CalledTheSame, match="both called 'same-abcdef' on their machine"):
        migrate(before)
    assert now(before) == was
    assert list(tmp_path.glob("*.before-*")) == [], "nor is anything copied, at none of the starts that follow"


def test_what_a_sqlite_database_was_stays_beside_it_until_the_next_upgrade(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = SqlDatabase(sqlite_url(tmp_path / "headway.db"))
    make(database)
    fill(database, ROWS)
    was = now(database)
    for ours in ("0037", "0036", "0036.new"):
        (tmp_path / f"headway.db.before-{ours}").write_bytes(b"of an upgrade before")
    own = {"headway.db.before-the-move", "headway.db.before-0037.mine", "headway.db.before-00370"}
    for name in own:
        (tmp_path / name).write_bytes(b"an operator's")
    with caplog.at_level(logging.INFO):
        migrate(database)
        migrate(database)
    database.close()

    kept = [path for path in tmp_path.iterdir() if ".before-" in path.name and path.name not in own]
    assert own <= {path.name for path in tmp_path.iterdir()}
    assert [path.name for path in kept] == [f"headway.db.before-{NEWEST}"]
    assert kept[0].stat().st_mode & 0o777 == 0o600
    assert f"as it was it is kept in {kept[0]}" in caplog.text
    copy = SqlDatabase(sqlite_url(kept[0]))
    assert now(copy) == was
    copy.close()


def test_a_copy_of_before_goes_only_once_the_upgrade_is_done(tmp_path: Path) -> None:
    database = SqlDatabase(sqlite_url(tmp_path / "headway.db"))
    make(database)
    older = tmp_path / "headway.db.before-0037"
    older.write_bytes(b"of the upgrade before")
    with database.writer.begin() as connection:
        connection.execute(text("CREATE TABLE releases_before (in_the_way INTEGER)"))
    with pytest.raises(exc.OperationalError, match="releases_before"):
        migrate(database)
    assert older.exists()
    with database.writer.begin() as connection:
        connection.execute(text("DROP TABLE releases_before"))
    was = now(database)
    migrate(database)
    database.close()
    assert not older.exists()
    copy = SqlDatabase(sqlite_url(tmp_path / f"headway.db.before-{NEWEST}"))
    assert now(copy) == was, "as it was at the start that brought it on"
    copy.close()


def test_a_database_that_cannot_be_copied_is_not_changed(tmp_path: Path) -> None:
    database = SqlDatabase(sqlite_url(tmp_path / "headway.db"))
    make(database)
    was = now(database)
    (tmp_path / f"headway.db.before-{NEWEST}.new").mkdir()  # in the way
    attempt = tmp_path / f"headway.db.before-{NEWEST}"
    attempt.write_bytes(b"of a start before")
    with pytest.raises(CannotDump, match="Make room there, and start again"):
        migrate(database)
    assert now(database) == was
    assert not attempt.exists(), "its room is for the new copy"
    database.close()


def now(database: SqlDatabase) -> dict[str, list[Row]]:
    """All that a database holds."""
    with database.writer.connect() as connection:
        return contents(connection)


def look(url: str, work: Callable[[Tx], T]) -> T:
    """What ``headway upgrade-check`` would see."""
    database = SqlDatabase(url)
    try:
        return asyncio.run(earlier_database.read(database, work))
    finally:
        database.close()


def looked(url: str) -> list[list[Row]]:
    """All services and releases, as the stores of this version find them."""
    both = (select(services).order_by(services.c.service_id), select(releases).order_by(releases.c.release_id))
    return look(url, lambda tx: [[dict(row) for row in tx.execute(each).mappings()] for each in both])


def by(rows: list[Row], key: str) -> list[Row]:
    """The rows in an order of their own."""
    return sorted(rows, key=lambda row: str(row[key]))


def renamed(row: Row, names: dict[str, str], **more: Any) -> Row:  # noqa: ANN401 - column values
    """A row with columns by other names, and with more; without those of which one was set."""
    kept = {names.get(name, name): value for name, value in row.items()}
    return {name: value for name, value in kept.items() if name not in {"application_id", "compose_id"}} | more


def of_application(row: Row) -> Row:
    kind = "application" if row["database"] is None else "database"
    return renamed(row, {"application_id": "service_id"}, kind=kind, delete_volumes=False)


def of_compose(row: Row) -> Row:
    none = dict.fromkeys(("build_host_id", "host_name", "run_uid", "database"))
    return renamed(row, {"compose_id": "service_id"}, kind="compose", **none)


def of_release(row: Row) -> Row:
    return renamed(row, {"application_id": "service_id", "spec": "record"}, serving_since=None)


def of_compose_release(row: Row, host_id: str) -> Row:
    none = dict.fromkeys(("port", "more_ports", "bytes", "retire_at", "health"))
    return renamed(row, {"compose_id": "service_id"}, host_id=host_id, runtime="compose", **none)
