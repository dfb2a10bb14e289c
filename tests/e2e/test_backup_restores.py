"""Restores by a real panel: of what was dropped, into what somebody makes meanwhile, and after its own restore."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.test_backups import fill, needs_mariadb, needs_postgres, rows
from tests.support.databases.mariadb import MariaDb, running_mariadb
from tests.support.databases.postgres import Cluster
from tests.support.panel.panel import Panel, panel, until
from tests.support.storages.backups import Keeper, postgres_with_password, reached, slow_destination

Json = Any
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with postgres_with_password() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@pytest.fixture
def keeper(running: Panel) -> Keeper:
    return Keeper(running)


def slow_copy(keeper: Keeper, postgres: Cluster, name: str) -> Json:
    """A backup that takes a few seconds to be read; its id, and the file that it left."""
    postgres.administer(f"CREATE DATABASE {name}")
    with psycopg.connect(postgres.url(name)) as connection:
        connection.execute(
            "CREATE TABLE noise AS SELECT gen_random_uuid() a, gen_random_uuid() b FROM generate_series(1, 90000)"
        )
    backup_id = keeper.make("postgres", reached(postgres), name, destinationId=slow_destination(keeper.running))
    return backup_id, keeper.run(backup_id)["path"]


def begin_restore(keeper: Keeper, backup_id: str, file: str, database: str) -> str:
    sent = {"backupId": backup_id, "backupFile": file, "databaseName": database}
    answer = keeper.running.client.post("/backup.restoreBackupWithLogs", json=sent)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-deployment-id"]


def databases(cluster: Cluster) -> set[str]:
    with psycopg.connect(cluster.url("postgres")) as connection:
        return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@needs_postgres
def test_a_database_that_somebody_makes_meanwhile_is_left_to_him(keeper: Keeper, postgres: Cluster) -> None:
    backup_id, file = slow_copy(keeper, postgres, "slow")
    restore = begin_restore(keeper, backup_id, file, "meanwhile")
    keeper.running.comes_to(restore, "open a folder")
    postgres.administer("CREATE DATABASE meanwhile")
    row = keeper.running.ended(restore, 60)
    assert (row["status"], "already exists" in row["errorMessage"]) == ("error", True), row["errorMessage"]
    assert "meanwhile" in databases(postgres)


@needs_postgres
def test_what_was_made_is_removed_where_it_was_made(keeper: Keeper, postgres: Cluster) -> None:
    backup_id, file = slow_copy(keeper, postgres, "moving")
    restore = begin_restore(keeper, backup_id, file, "half")
    keeper.running.comes_to(restore, "fill the database", 60)
    assert "half" in databases(postgres)
    keeper.running.post("backup.update", backupId=backup_id, connection=reached(postgres, port=1))
    keeper.running.post("deployment.killProcess", deploymentId=restore)
    assert keeper.running.ended(restore, 60)["reason"] == "killed"
    assert "half" not in databases(postgres)


@needs_postgres
def test_nothing_is_restored_into_what_is_still_to_be_removed(keeper: Keeper, postgres: Cluster) -> None:
    backup_id, file = slow_copy(keeper, postgres, "owing")
    restore = begin_restore(keeper, backup_id, file, "owed")
    keeper.running.comes_to(restore, "fill the database", 60)
    postgres.administer("ALTER ROLE keeper NOLOGIN")
    try:
        keeper.running.post("deployment.killProcess", deploymentId=restore)
        assert keeper.running.ended(restore, 60)["reason"] == "killed"
        refused = keeper.restore(backup_id, file, "owed")
    finally:
        postgres.administer("ALTER ROLE keeper LOGIN")
    assert (refused["status"], refused["reason"]) == ("error", "refused")
    assert "an earlier restore has made of owed is still to be removed" in refused["errorMessage"]
    until(lambda: "owed" not in databases(postgres), 130)
    assert keeper.restore(backup_id, file, "owed")["status"] == "done"


@needs_postgres
def test_a_postgres_database_that_was_dropped_comes_back(keeper: Keeper, postgres: Cluster) -> None:
    fill(postgres, "dropped")
    backup_id = keeper.make("postgres", reached(postgres), "dropped")
    file = keeper.run(backup_id)
    before = rows(postgres, "dropped")
    postgres.administer("DROP DATABASE dropped")
    for target in ("dropped copy", None):
        restored = keeper.restore(backup_id, file["path"], target)
        assert restored["status"] == "done", keeper.running.deployment_log(restored["deploymentId"])
        assert rows(postgres, target or "dropped") == before
        postgres.administer("DROP DATABASE IF EXISTS dropped")
    wrong = {"password": "wrong"}
    keeper.running.post("backup.update", backupId=backup_id, connection=reached(postgres, **wrong))
    assert "password authentication failed" in keeper.restore(backup_id, file["path"])["errorMessage"]


@needs_mariadb
def test_a_mariadb_database_that_was_dropped_comes_back(keeper: Keeper, mariadb: MariaDb) -> None:
    mariadb.sql("CREATE DATABASE dropped")
    mariadb.sql("CREATE TABLE kept AS SELECT seq FROM seq_1_to_30", "dropped")
    backup_id = keeper.make("mariadb", mariadb.connection, "dropped")
    file = keeper.run(backup_id, "Mariadb")
    mariadb.sql("DROP DATABASE dropped")
    for target in ("dropped copy", None):
        restored = keeper.restore(backup_id, file["path"], target)
        assert restored["status"] == "done", keeper.running.deployment_log(restored["deploymentId"])
        assert mariadb.sql("SELECT COUNT(*) FROM kept", target or "dropped") == "30\n"
        mariadb.sql("DROP DATABASE IF EXISTS dropped")


def test_a_restored_panel_leaves_alone_what_its_first_one_went_on_with(tmp_path: Path) -> None:
    shared = {"HEADWAY_BACKUP_DIR": str(tmp_path / "backups")}
    headway = [sys.executable, "-m", "headway.cli.main"]
    with panel(tmp_path / "data", **shared) as first:
        large = first.data_dir / "logs" / "large.log"
        large.write_bytes(os.urandom(1 << 20) * 4)
        keeper = Keeper(first)
        made = {"databaseType": "web-server", "database": "headway", "destinationId": slow_destination(first)}
        backup_id = first.post("backup.create", **made)["backupId"]
        under_way = keeper.start(backup_id, "WebServer")
        waits = keeper.start(backup_id, "WebServer")
        first.comes_to(under_way, "begin")
        archive = [*headway, "backup", str(tmp_path / "archive"), "--data-dir", str(first.data_dir), "--no-logs"]
        subprocess.run(archive, check=True, capture_output=True)
        assert first.one(under_way)["status"] == "running"
        first.done(under_way, 60)
        first.done(waits, 60)
        files = first.get("backup.files", backupId=backup_id)
    kept = [tmp_path / "backups" / each["destinationId"] / each["path"] for each in files]
    assert len(kept) == 2
    assert all(each.exists() for each in kept)
    restore = [*headway, "restore", str(tmp_path / "archive"), "--data-dir", str(tmp_path / "restored")]
    subprocess.run(restore, check=True, capture_output=True)
    with panel(tmp_path / "restored", **shared) as second:
        ended = [second.ended(each) for each in (under_way, waits)]
        second.done(Keeper(second).start(backup_id, "WebServer"), 60)
        rows = second.get("deployment.allByType", id=backup_id, type="backup")
    assert [each.exists() for each in kept] == [True, True]
    assert [(each["status"], each["reason"]) for each in ended] == [("error", "lost")] * 2
    assert "Headway was restored from a backup" in ended[0]["errorMessage"]
    assert len(rows) == 3, "what waited is not performed"
