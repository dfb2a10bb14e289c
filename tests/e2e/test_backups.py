"""Backups of real databases by a real panel: made, read back, restored, tried, kept and removed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.databases.mariadb import MariaDb, lacks_mariadb, running_mariadb
from tests.support.databases.postgres import Cluster, find_program
from tests.support.panel.panel import Panel, panel, until
from tests.support.storages.backups import (
    PASSWORD,
    Keeper,
    nothing_partial,
    postgres_with_password,
    reached,
)
from tests.support.storages.s3 import S3, SECRET_KEY, lacks_s3, s3_server

Json = Any
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
needs_postgres = pytest.mark.skipif(find_program("pg_dump") is None, reason="this machine has no PostgreSQL")
needs_mariadb = pytest.mark.skipif(lacks_mariadb() is not None, reason=str(lacks_mariadb()))
needs_s3 = pytest.mark.skipif(lacks_s3() is not None, reason=str(lacks_s3()))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    with postgres_with_password() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@pytest.fixture
def keeper(running: Panel) -> Keeper:
    return Keeper(running)


def fill(cluster: Cluster, database: str) -> None:
    """A small database with what is awkward."""
    quoted = database.replace('"', '""')
    cluster.administer(f'CREATE DATABASE "{quoted}"')
    with psycopg.connect(host=str(cluster.folder), port=cluster.port, user="postgres", dbname=database) as connection:
        connection.execute(
            """CREATE TABLE "größe" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "na me" text,
               twice int GENERATED ALWAYS AS (half * 2) STORED, half int, raw bytea, at timestamptz, doc jsonb);
               CREATE TABLE child (parent int REFERENCES "größe", value numeric);
               INSERT INTO "größe" ("na me", half, raw, at, doc) SELECT 'ключ ' || n, n, decode(md5(n::text), 'hex'),
               '2026-01-01'::timestamptz + n * interval '1 second', jsonb_build_object('n', n)
               FROM generate_series(1, 500) n;
               INSERT INTO child SELECT id, half / 3.0 FROM "größe";
               SELECT lo_from_bytea(4242, decode(repeat('00ff', 5000), 'hex'))"""
        )


def rows(cluster: Cluster, database: str) -> Json:
    with psycopg.connect(host=str(cluster.folder), port=cluster.port, user="postgres", dbname=database) as connection:
        found = [connection.execute(query).fetchall() for query in ('SELECT * FROM "größe" ORDER BY id', "TABLE child")]
        return found, connection.execute("SELECT lo_get(4242)").fetchall()


@needs_postgres
@needs_s3
def test_a_postgres_database_comes_back_whole_from_s3(keeper: Keeper, postgres: Cluster, s3: S3) -> None:
    fill(postgres, "shop")
    destination = keeper.running.post("destination.create", **s3.destination())
    backup_id = keeper.make(
        "postgres", reached(postgres), "shop", destinationId=destination["destinationId"], prefix="/daily/"
    )
    file = keeper.run(backup_id)
    assert file["path"].startswith("shop/daily/")
    assert s3.objects() == {file["path"]: file["bytes"]}, "nothing else lies there"
    restored = keeper.restore(backup_id, file["path"], "shop of another name")
    assert restored["status"] == "done", keeper.running.deployment_log(restored["deploymentId"])
    assert rows(postgres, "shop of another name") == rows(postgres, "shop")
    log = keeper.running.deployment_log(restored["deploymentId"])
    assert "into shop of another name, which is made for it" in log
    listed = keeper.running.get(
        "backup.listBackupFiles", destinationId=destination["destinationId"], search="shop/daily/"
    )
    assert [(each["Path"], each["Size"], each["sha256"]) for each in listed] == [
        (file["path"], file["bytes"], file["sha256"])
    ]
    for row in keeper.running.get("deployment.allByType", id=backup_id, type="backup"):
        text = keeper.running.deployment_log(row["deploymentId"])
        assert PASSWORD not in text
        assert SECRET_KEY not in text
    assert list((keeper.running.data_dir / "passing").iterdir()) == []


@needs_postgres
def test_a_backup_is_tried_and_says_when(keeper: Keeper, postgres: Cluster) -> None:
    fill(postgres, "tried")
    backup_id = keeper.make("postgres", reached(postgres), "tried", drillDays=1)
    file = keeper.run(backup_id)
    until(lambda: len(keeper.running.get("deployment.allByType", id=backup_id, type="backup")) == 2)
    drill = keeper.running.get("deployment.allByType", id=backup_id, type="backup")[0]
    assert drill["title"] == "Restore on trial"
    keeper.running.done(drill["deploymentId"], 60)
    (proven,) = keeper.running.get("backup.files", backupId=backup_id)
    assert (proven["path"], proven["provenAt"] is not None) == (file["path"], True)
    with psycopg.connect(postgres.url("postgres")) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'headway_drill%'").fetchall()
    assert left == []


@needs_postgres
def test_an_encrypted_backup_is_read_by_nobody_else(keeper: Keeper, postgres: Cluster) -> None:
    fill(postgres, "sealed")
    backup_id = keeper.make("postgres", reached(postgres), "sealed", encryptionPassword="a pass phrase")
    file = keeper.run(backup_id)
    assert file["encrypted"] is True
    kept = keeper.running.data_dir / "backups" / file["destinationId"] / file["path"]
    assert kept.read_bytes()[:8] == b"RCLONE\x00\x00"
    assert keeper.restore(backup_id, file["path"], "sealed copy")["status"] == "done"
    assert rows(postgres, "sealed copy") == rows(postgres, "sealed")


@needs_postgres
def test_a_restore_says_what_it_overwrites_and_asks_for_it(keeper: Keeper, postgres: Cluster) -> None:
    fill(postgres, "over")
    backup_id = keeper.make("postgres", reached(postgres), "over")
    file = keeper.run(backup_id)
    before = rows(postgres, "over")
    with psycopg.connect(postgres.url("over")) as connection:
        connection.execute('DELETE FROM child; UPDATE "größe" SET half = 0')
    refused = keeper.restore(backup_id, file["path"])
    assert (refused["status"], refused["reason"]) == ("error", "refused")
    assert "over has 2 tables. Name an empty or a new database" in refused["errorMessage"]
    with psycopg.connect(postgres.url("over")) as busy:
        busy.execute("SELECT 1")
        refused = keeper.restore(backup_id, file["path"], overwrite=True)
        assert "is in use by 1 connections" in refused["errorMessage"]
    done = keeper.restore(backup_id, file["path"], overwrite=True)
    assert done["status"] == "done", keeper.running.deployment_log(done["deploymentId"])
    assert "over, which has 2 tables: those that are in the backup are replaced" in keeper.running.deployment_log(
        done["deploymentId"]
    )
    assert rows(postgres, "over") == before


@needs_postgres
@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"port": 1}, "Connection refused"),
        ({"username": "nobody"}, "authentication failed"),
    ],
)
def test_what_a_server_refuses_is_said_and_nothing_is_left(
    keeper: Keeper, postgres: Cluster, fields: Json, sentence: str
) -> None:
    backup_id = keeper.make("postgres", reached(postgres, **fields), "postgres")
    row = keeper.failed(backup_id)
    assert sentence in row["errorMessage"]
    assert keeper.running.get("backup.files", backupId=backup_id) == []
    assert nothing_partial(keeper.running)


@needs_postgres
def test_an_empty_database_is_a_whole_backup(keeper: Keeper, postgres: Cluster) -> None:
    postgres.administer("CREATE DATABASE hollow")
    backup_id = keeper.make("postgres", reached(postgres), "hollow")
    file = keeper.run(backup_id)
    assert keeper.restore(backup_id, file["path"], "hollow copy")["status"] == "done"


@needs_postgres
def test_a_file_that_is_no_backup_is_refused_before_anything_is_touched(keeper: Keeper, postgres: Cluster) -> None:
    fill(postgres, "safe")
    backup_id = keeper.make("postgres", reached(postgres), "safe")
    file = keeper.run(backup_id)
    folder = keeper.running.data_dir / "backups" / file["destinationId"]
    whole = (folder / file["path"]).read_bytes()
    before = rows(postgres, "safe")
    bad = {
        "no-backup": (b"hello\n" * 1000, "does not begin like one"),
        "empty": (b"", "does not begin like one"),
        "cut-off": (whole[:-1000], "not whole"),
        "altered": (whole[: len(whole) // 2] + b"\0\0\0\0" + whole[len(whole) // 2 + 4 :], "damaged"),
    }
    for name, (content, sentence) in bad.items():
        (folder / name).write_bytes(content)
        row = keeper.restore(backup_id, name, overwrite=True)
        assert (row["status"], sentence in row["errorMessage"]) == ("error", True), (name, row["errorMessage"])
        assert rows(postgres, "safe") == before
    row = keeper.restore(backup_id, "nowhere", overwrite=True)
    assert row["status"] == "error"
    for path in ("../x", "a//b", "x.partial"):
        sent = {"backupId": backup_id, "backupFile": path}
        assert keeper.running.client.post("/backup.restoreBackupWithLogs", json=sent).status_code == 400


@needs_postgres
def test_the_oldest_go_and_the_last_good_one_stays(keeper: Keeper, postgres: Cluster) -> None:
    postgres.administer("CREATE DATABASE counted")
    backup_id = keeper.make("postgres", reached(postgres), "counted", keepLatestCount=2)
    made = [keeper.run(backup_id)["path"] for _ in range(3)]
    until(lambda: len(keeper.running.get("backup.files", backupId=backup_id)) == 2, 40)
    kept = [each["path"] for each in keeper.running.get("backup.files", backupId=backup_id)]
    assert kept == [made[2], made[1]]


@needs_postgres
def test_one_is_made_at_its_time(keeper: Keeper, postgres: Cluster) -> None:
    postgres.administer("CREATE DATABASE due")
    backup_id = keeper.make("postgres", reached(postgres), "due", schedule="* * * * * *")
    until(lambda: keeper.running.get("backup.files", backupId=backup_id), 60)
    keeper.running.post("backup.update", backupId=backup_id, enabled=False)
    row = keeper.running.get("deployment.allByType", id=backup_id, type="backup")[-1]
    assert row["title"] == "Backup"
    answer = keeper.running.client.post("/backup.update", json={"backupId": backup_id, "schedule": "61 * * * *"})
    assert answer.status_code == 400


@needs_mariadb
def test_a_mariadb_database_comes_back_whole(keeper: Keeper, mariadb: MariaDb) -> None:
    mariadb.sql("CREATE DATABASE `sh'op ``ä` CHARACTER SET utf8mb4 COLLATE utf8mb4_german2_ci")
    mariadb.sql(
        """CREATE TABLE `größe` (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40), half INT,
             twice INT AS (half * 2) PERSISTENT, raw VARBINARY(20), bits BIT(7), at DATETIME(6), doc JSON);
           CREATE TABLE child (parent INT, FOREIGN KEY (parent) REFERENCES `größe`(id), v DECIMAL(20,6));
           INSERT INTO `größe` (name, half, raw, bits, at, doc) SELECT CONCAT('ключ 😀', seq), seq, UNHEX(MD5(seq)),
             b'1010101', '2026-01-01 00:00:00.123456', JSON_OBJECT('n', seq) FROM seq_1_to_300;
           INSERT INTO child SELECT id, half / 3 FROM `größe`;
           CREATE VIEW seen AS SELECT name FROM `größe`;
           DELIMITER //
           CREATE TRIGGER tick BEFORE INSERT ON child FOR EACH ROW SET NEW.v = NEW.v + 1 //
           CREATE PROCEDURE nothing() BEGIN SELECT 1; END //""",
        "sh'op `ä",
    )
    backup_id = keeper.make("mariadb", mariadb.connection, "sh'op `ä")
    file = keeper.run(backup_id, "Mariadb")
    row = keeper.restore(backup_id, file["path"], "copy")
    assert row["status"] == "done", keeper.running.deployment_log(row["deploymentId"])
    for query in ("SELECT * FROM `größe` ORDER BY id", "SELECT * FROM child ORDER BY parent, v", "SELECT * FROM seen"):
        assert mariadb.sql(query, "copy") == mariadb.sql(query, "sh'op `ä")
    assert mariadb.sql("SHOW CREATE TRIGGER tick", "copy")
    drill = keeper.running.client.post("/backup.drill", json={"backupId": backup_id})
    keeper.running.done(drill.headers["x-deployment-id"], 60)
    mariadb.sql("DELETE FROM child", "copy")
    assert "has 2 tables" in keeper.restore(backup_id, file["path"], "copy")["errorMessage"]
    row = keeper.restore(backup_id, file["path"], "copy", overwrite=True)
    assert row["status"] == "done", keeper.running.deployment_log(row["deploymentId"])
    assert mariadb.sql("SELECT COUNT(*) FROM child", "copy") == "300\n"
    assert "headway_drill" not in mariadb.sql("SHOW DATABASES")
    wrong = keeper.make("mariadb", {**mariadb.connection, "password": "wrong"}, "copy")
    assert "Access denied" in keeper.failed(wrong, "Mariadb")["errorMessage"]


@needs_mariadb
def test_what_is_restored_on_trial_carries_out_no_event_beside_what_lives(keeper: Keeper, mariadb: MariaDb) -> None:
    mariadb.sql(
        """SET GLOBAL event_scheduler = ON;
           CREATE DATABASE eventful;
           CREATE TABLE eventful.told (by_whom VARCHAR(64));
           CREATE EVENT eventful.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO eventful.told SELECT DATABASE();"""
    )
    backup_id = keeper.make("mariadb", mariadb.connection, "eventful")
    file = keeper.run(backup_id, "Mariadb")
    for _ in range(5):
        drill = keeper.running.client.post("/backup.drill", json={"backupId": backup_id})
        keeper.running.done(drill.headers["x-deployment-id"], 60)
    assert mariadb.sql("SELECT DISTINCT by_whom FROM eventful.told") == "eventful\n"
    row = keeper.restore(backup_id, file["path"], "eventful_copy")
    assert row["status"] == "done", keeper.running.deployment_log(row["deploymentId"])
    kept = "SELECT status FROM information_schema.events WHERE event_schema = 'eventful_copy'"
    assert mariadb.sql(kept) == "ENABLED\n", "one that is restored for good is as it was"
    mariadb.sql("DROP DATABASE eventful_copy; DROP DATABASE eventful; SET GLOBAL event_scheduler = OFF")


def test_headways_own_data_is_kept_and_restored_by_one_command(tmp_path: Path) -> None:
    with panel(tmp_path / "data", HEADWAY_BACKUP_DIR=str(tmp_path / "backups")) as first:
        keeper = Keeper(first)
        backup_id = first.post("backup.create", databaseType="web-server", database="headway")["backupId"]
        file = keeper.run(backup_id, "WebServer")
        refused = first.client.post("/backup.drill", json={"backupId": backup_id})
        assert (refused.status_code, "headway restore FILE" in refused.json()["message"]) == (400, True)
        key = (first.data_dir / "vault.key").read_bytes()
    archive = tmp_path / "backups" / file["destinationId"] / file["path"]
    restore = [sys.executable, "-m", "headway.cli.main", "restore", str(archive)]
    ended = subprocess.run(
        [*restore, "--data-dir", str(tmp_path / "restored")], capture_output=True, text=True, env={}, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "restored" / "vault.key").read_bytes() == key
