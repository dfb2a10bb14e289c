"""Databases as services, at length: replaced and not replaced, killed, backed up by dumps and by volumes, restored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backups import Volumes, slow_destination
from tests.database_services import Shop, ask_redis, lacks_database_services, shop_with
from tests.docker_engine import Engine
from tests.e2e.boxes import containers
from tests.panel import free_port, until

Json = Any
KINDS = ("postgres", "mariadb", "redis")
pytestmark = [
    pytest.mark.docker,
    pytest.mark.timeout(600),
    pytest.mark.skipif(lacks_database_services() is not None, reason=lacks_database_services() or ""),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Shop]:
    with shop_with(docker_engine, tmp_path_factory.mktemp("shop"), *KINDS) as made:
        yield made


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
    (Path(folder_of(docker_engine, "held.data")) / "large").write_bytes(os.urandom(16 << 20))
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
