"""Databases as services, at length: replaced and not replaced, killed, backed up by dumps and by volumes, restored."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import containers
from tests.support.databases.database_services import (
    SECONDS,
    SECRET,
    Made,
    Shop,
    ask_mariadb,
    ask_postgres,
    ask_redis,
    lacks_database_services,
    shop_with,
)
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import free_port, until
from tests.support.storages.backups import Keeper, Volumes, slow_destination
from tests.support.storages.s3 import S3, SECRET_KEY, lacks_s3, s3_server

Json = Any
KINDS = ("postgres", "mariadb", "redis")
pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or ""),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Shop]:
    with shop_with(docker_engine, tmp_path_factory.mktemp("shop"), *KINDS) as made:
        yield made


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


def test_what_cannot_run_leaves_the_old_server_serving(shop: Shop, docker_engine: Engine) -> None:
    running, port, taken = shop.running, free_port(), free_port()
    made = shop.make("postgres", name="steady", externalPort=port)
    made.up()
    ask_postgres(port, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")
    made.up()
    assert ask_postgres(port, "SELECT word FROM kept") == "here", "the next one has its data"
    until(lambda: containers(docker_engine, made.id) == ["running"], what="the old container is gone")

    made.post("update", command="exit 7")
    row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert "ended 3 times while it was starting" in row["errorMessage"]
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "here", what="the old one serves again")

    made.post("update", command=None)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", taken))
        holder.listen()
        made.post("saveExternalPort", externalPort=taken)
        row = running.ended(made.deploy(), SECONDS)
    assert row["status"] == "error"
    assert f"Port {taken} of this machine is taken already" in row["errorMessage"]
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "here", what="the old one serves again")

    made.post("saveExternalPort", externalPort=port)
    made.post("update", healthCheckSwarm={"Test": ["CMD", "false"], "StartPeriod": 600_000_000_000})
    deployment_id = made.deploy()
    running.running(deployment_id, "the old one stops before the new one starts", SECONDS)
    running.post("deployment.killProcess", deploymentId=deployment_id)
    assert running.one(deployment_id)["reason"] == "killed"
    until(lambda: ask_postgres(port, "SELECT word FROM kept") == "here", what="the old one serves again")
    assert containers(docker_engine, made.id) == ["running"]


@pytest.mark.skipif(lacks_s3() is not None, reason=str(lacks_s3()))
def test_a_postgres_comes_back_from_s3_and_is_tried_there(shop: Shop, s3: S3) -> None:
    running, port, keeper = shop.running, free_port(), Keeper(shop.running)
    destination = running.post("destination.create", **s3.destination())["destinationId"]
    made = shop.make("postgres", name="kept", externalPort=port)
    of = {"databaseType": "postgres", "postgresId": made.id, "destinationId": destination}
    empty = running.post("backup.create", **of, drillDays=1)
    backup_id = empty["backupId"]
    assert (empty["database"], empty["postgresId"], empty["connection"]) == ("shop", made.id, None)
    assert "was never deployed: deploy it" in keeper.failed(backup_id)["errorMessage"]
    made.up()
    ask_postgres(port, "CREATE TABLE words AS SELECT n, 'wörd ' || n AS word FROM generate_series(1, 1000) n")
    summed = "SELECT md5(string_agg(word, ',' ORDER BY n)) FROM words"
    before = ask_postgres(port, summed)

    file = keeper.run(backup_id)
    assert s3.objects() == {file["path"]: file["bytes"]}
    until(lambda: running.get("deployment.allByType", id=backup_id, type="backup")[0]["title"] == "Restore on trial")
    drill = running.get("deployment.allByType", id=backup_id, type="backup")[0]["deploymentId"]
    running.done(drill, SECONDS)
    (proven,) = running.get("backup.files", backupId=backup_id)
    assert proven["provenAt"] is not None
    assert ask_postgres(port, "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1") == "postgres\nshop"
    for deployment_id in (drill, file["deploymentId"]):
        assert not [each for each in (SECRET, SECRET_KEY) if each in running.deployment_log(deployment_id)]

    ask_postgres(port, "UPDATE words SET word = 'lost'")
    row = keeper.restore(backup_id, file["path"], "shop_copy")
    assert row["status"] == "done", row["errorMessage"]
    assert ask_postgres(port, summed, database="shop_copy") == before
    row = keeper.restore(backup_id, file["path"], overwrite=True)
    assert row["status"] == "done", row["errorMessage"]
    assert ask_postgres(port, summed) == before
    assert [each["backupId"] for each in made.one()["backups"]] == [backup_id]
    _changes_its_password(made, port, keeper, backup_id)


def _changes_its_password(made: Made, port: int, keeper: Keeper, backup_id: str) -> None:
    made.post("changePassword", password="an0ther-s3cret")
    assert "password authentication failed" in ask_postgres(port, "SELECT 1")
    assert ask_postgres(port, "SELECT 1", "an0ther-s3cret") == "1"
    assert made.one()["databasePassword"] == "an0ther-s3cret"
    keeper.run(backup_id)
    made.post("stop")
    assert "does not run: start it first" in keeper.failed(backup_id)["errorMessage"]


def test_a_mariadb_is_set_up_backed_up_and_tried(shop: Shop, docker_engine: Engine) -> None:
    running, port, keeper = shop.running, free_port(), Keeper(shop.running)
    made = shop.make("mariadb", name="words", externalPort=port)
    made.up()
    filled = ask_mariadb(port, "CREATE TABLE t (w text); INSERT INTO t VALUES ('ärmel'); SELECT w FROM t")
    assert filled == "ärmel"
    backup_id = running.post("backup.create", databaseType="mariadb", mariadbId=made.id)["backupId"]
    file = keeper.run(backup_id, "Mariadb")
    drill = running.client.post("/backup.drill", json={"backupId": backup_id})
    running.done(drill.headers["x-deployment-id"], SECONDS)
    assert running.get("backup.files", backupId=backup_id)[0]["provenAt"] is not None
    ask_mariadb(port, "DELETE FROM t")
    row = keeper.restore(backup_id, file["path"], overwrite=True)
    assert row["status"] == "done", row["errorMessage"]
    assert ask_mariadb(port, "SELECT w FROM t") == "ärmel"
    made.post("changePassword", password="an0ther-s3cret")
    assert ask_mariadb(port, "SELECT 1", "an0ther-s3cret") == "1"
    made.post("remove", deleteVolumes=True)
    mine = f"label=headway.application={made.id}"
    assert docker_engine.docker("volume", "ls", "--quiet", "--filter", mine) == ""


def test_a_redis_comes_back_from_a_backup_of_its_volume(shop: Shop) -> None:
    running, port = shop.running, free_port()
    cache = shop.make("redis", name="cache", externalPort=port)
    volumes = Volumes(running)
    early = volumes.make(serviceType="redis", redisId=cache.id, volumeName="data")
    row = running.ended(volumes.start(early), 60)
    assert "Nothing of this database has been deployed yet" in row["errorMessage"]
    cache.up()
    made, file = early, {"path": ""}
    for turn_off in (False, True):
        assert ask_redis(port, "SET", "word", "as backed up") == "+OK"
        made = volumes.make(serviceType="redis", redisId=cache.id, volumeName="data", turnOff=turn_off)
        file = volumes.run(made)
        assert ("Stopping cache." in running.deployment_log(file["deploymentId"])) is turn_off
        until(lambda: ask_redis(port, "SET", "word", "since") == "+OK", what="it answers after the backup")
        row = volumes.restore(made, file["path"])
        assert row["status"] == "done", running.deployment_log(row["deploymentId"])
        until(lambda: ask_redis(port, "GET", "word") == "as backed up", what="it has what was backed up")
        assert cache.one()["applicationStatus"] == "done"
    assert ask_redis(port, "SET", "word", "since") == "+OK"

    row = volumes.restore(made, file["path"], "again")
    assert row["status"] == "done", running.deployment_log(row["deploymentId"])
    assert ask_redis(port, "GET", "word") == "since"
    cache.post("update", dataVolume="again")
    kept = volumes.run(made)  # of the volume that serves, and not of the one that will
    cache.up()
    assert ask_redis(port, "GET", "word") == "as backed up"
    row = volumes.restore(made, kept["path"])
    assert row["status"] == "done", running.deployment_log(row["deploymentId"])
    until(lambda: ask_redis(port, "GET", "word") == "since", what="the volume that serves now is replaced")


def test_a_redis_that_was_stopped_for_its_volume_is_up_again(shop: Shop, docker_engine: Engine) -> None:
    running, port = shop.running, free_port()
    cache = shop.make("redis", name="held", externalPort=port)
    cache.up()
    assert ask_redis(port, "SET", "word", "kept") == "+OK"
    (Path(folder_of(docker_engine, f"{cache.one()['appName']}.data")) / "large").write_bytes(os.urandom(16 << 20))
    volumes = Volumes(running)
    gone = {"provider": "AWS", "accessKey": "a", "secretAccessKey": "s", "endpoint": "http://127.0.0.1:1"}
    nowhere = running.post("destination.create", name="gone", bucket="b", region="us-east-1", **gone)["destinationId"]
    of = {"serviceType": "redis", "redisId": cache.id, "volumeName": "data", "turnOff": True}
    row = running.ended(volumes.start(volumes.make(**of, destinationId=nowhere)), 120)
    assert row["status"] == "error"
    until(lambda: ask_redis(port, "GET", "word") == "kept", what="it is up after a failure")

    slow = volumes.make(**of, destinationId=slow_destination(running))
    deployment_id = volumes.start(slow)
    until(lambda: "Writing to" in running.deployment_log(deployment_id), 60)
    assert containers(docker_engine, cache.id) == ["exited"]
    refused = running.client.post("/redis.start", json={"redisId": cache.id})
    assert (refused.status_code, "A volume backup has stopped" in refused.json()["message"]) == (409, True)
    running.post("deployment.killProcess", deploymentId=deployment_id)
    until(lambda: ask_redis(port, "GET", "word") == "kept", what="it is up after a kill")

    deployment_id = volumes.start(slow)
    until(lambda: "Writing to" in running.deployment_log(deployment_id), 60)
    running.kill()
    assert containers(docker_engine, cache.id) == ["exited"]
    running.start()
    running.post("deployment.killProcess", deploymentId=deployment_id)
    until(lambda: ask_redis(port, "GET", "word") == "kept", what="it is up after a crash of the panel")
    assert running.get("volumeBackups.files", volumeBackupId=slow) == []


def folder_of(engine: Engine, volume: str) -> str:
    found: str = json.loads(engine.docker("volume", "inspect", volume))[0]["Mountpoint"]
    return found
