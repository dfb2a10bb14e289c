"""Volumes and data folders: made with the service stopped or running, restored, and a stopped service up again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker.compose import SLEEPS, Stack, as_file, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, git_repository, panel, until, web
from tests.support.storages.backups import Volumes, fill_folder, listing, owned, slow_destination

Json = Any
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root"),
]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Panel, str, Path]]:
    folder = tmp_path_factory.mktemp("native")
    url = git_repository(folder / "repository", web("one"))
    with panel(folder / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as running:
        application_id = running.application(url, "kept")
        running.done(running.deploy(application_id), 60)
        data = running.work / "data" / application_id
        data.mkdir(exist_ok=True)
        yield running, application_id, data


@pytest.mark.parametrize("turn_off", [False, True], ids=["running", "stopped"])
def test_an_applications_own_data_comes_back_whole(native: tuple[Panel, str, Path], turn_off: bool) -> None:  # noqa: FBT001
    running, application_id, data = native
    shutil.rmtree(data)
    data.mkdir(mode=0o750)
    fill_folder(data)
    before = listing(data)
    volumes = Volumes(running)
    volume_backup_id = volumes.make(applicationId=application_id, volumeName="data", turnOff=turn_off)
    file = volumes.run(volume_backup_id)
    log = running.deployment_log(file["deploymentId"])
    assert bool(re.search(r"Stopping kept-\w+\.", log)) is turn_off
    until(lambda: running.visit("kept").status_code == 200, 20)
    (data / "f1").write_text("changed")
    (data / "added").write_text("since")
    row = volumes.restore(volume_backup_id, file["path"])
    assert row["status"] == "done", running.deployment_log(row["deploymentId"])
    assert "all that is in it is replaced" in running.deployment_log(row["deploymentId"])
    account = data.stat().st_uid
    assert account != 0
    assert listing(data) == owned(before, account)
    assert sorted(path.name for path in data.parent.iterdir()) == [application_id], "nothing is left beside it"
    until(lambda: running.visit("kept").status_code == 200, 20)
    assert [
        each["volumeBackupId"] for each in running.get("deployment.allByType", id=volume_backup_id, type="volumeBackup")
    ] == [
        volume_backup_id,
        volume_backup_id,
    ]


def test_a_stopped_application_is_up_again_after_a_failure_a_kill_and_a_crash(native: tuple[Panel, str, Path]) -> None:
    running, application_id, data = native
    if not (data / "f1").exists():
        fill_folder(data)
    volumes = Volumes(running)
    nowhere = running.post(
        "destination.create", name="gone", provider="AWS", bucket="b", accessKey="a", secretAccessKey="s",
        region="us-east-1", endpoint="http://127.0.0.1:1",
    )  # fmt: skip
    volume_backup_id = volumes.make(
        applicationId=application_id, volumeName="data", turnOff=True, destinationId=nowhere["destinationId"]
    )
    row = running.ended(volumes.start(volume_backup_id), 120)
    assert row["status"] == "error"
    assert "upload: the destination failed: it does not answer" in row["errorMessage"]
    until(lambda: running.visit("kept").status_code == 200, 20)

    large = data / "large"
    with large.open("wb") as file:
        file.write(os.urandom(150 << 20))
    slow = volumes.make(
        applicationId=application_id, volumeName="data", turnOff=True, destinationId=slow_destination(running)
    )
    deployment_id = volumes.start(slow)
    until(lambda: "Writing to" in running.deployment_log(deployment_id), 60)
    assert running.post("deployment.killProcess", deploymentId=deployment_id) is None
    assert running.one(deployment_id)["reason"] == "killed"
    until(lambda: running.visit("kept").status_code == 200, 20)

    deployment_id = volumes.start(slow)
    until(lambda: "Writing to" in running.deployment_log(deployment_id), 60)
    running.kill()
    running.start()
    running.post("deployment.killProcess", deploymentId=deployment_id)
    until(lambda: running.visit("kept").status_code == 200, 20)
    large.unlink()
    left = [
        path for path in (running.data_dir / "backups").rglob("*") if path.is_file() and path.name.endswith(".partial")
    ]
    assert left == []
    assert running.get("volumeBackups.files", volumeBackupId=slow) == []


def test_whom_somebody_stops_meanwhile_stays_stopped(native: tuple[Panel, str, Path]) -> None:
    running, application_id, data = native
    (data / "large").write_bytes(os.urandom(8 << 20))
    volumes = Volumes(running)
    volume_backup_id = volumes.make(
        applicationId=application_id, volumeName="data", turnOff=True, destinationId=slow_destination(running)
    )
    deployment_id = volumes.start(volume_backup_id)
    until(lambda: "Writing to" in running.deployment_log(deployment_id), 60)
    for procedure in ("application.start", "application.reload"):
        refused = running.client.post(f"/{procedure}", json={"applicationId": application_id})
        assert (refused.status_code, "A volume backup has stopped" in refused.json()["message"]) == (409, True)
    running.post("application.stop", applicationId=application_id)
    refused = running.client.post("/application.start", json={"applicationId": application_id})
    assert (refused.status_code, "works on the files" in refused.json()["message"]) == (409, True)
    running.done(deployment_id, 60)
    assert re.search(r"kept-\w+ is stopped, and stays so\.", running.deployment_log(deployment_id))
    assert running.visit("kept").status_code != 200
    (data / "large").unlink()
    running.post("application.start", applicationId=application_id)
    until(lambda: running.visit("kept").status_code == 200, 20)


def test_a_restore_that_is_lost_after_the_exchange_gives_the_old_data_back_and_the_service(tmp_path: Path) -> None:
    points = tmp_path / "points"
    points.touch()
    url = git_repository(tmp_path / "repository", web("one"))
    with panel(tmp_path / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as running:
        application_id = running.application(url, "kept")
        running.done(running.deploy(application_id), 60)
        data = running.work / "data" / application_id
        data.mkdir(exist_ok=True)
        (data / "word").write_text("as backed up")
        volumes = Volumes(running)
        volume_backup_id = volumes.make(applicationId=application_id, volumeName="data")
        file = volumes.run(volume_backup_id)
        running.stop()
        running.start(module="tests.support.panel.crashing_panel", CRASH_AT="0", CRASH_POINTS=str(points))
        assert volumes.restore(volume_backup_id, file["path"])["status"] == "done"
        running.stop()
        passed = points.read_text().splitlines()
        # The end of a step is recorded with what is recorded next.
        at = passed.index("after a write", passed.index("step exchange the folders worked")) + 1
        (data / "word").write_text("written since")

        running.start(module="tests.support.panel.crashing_panel", CRASH_AT=str(at), CRASH_POINTS=str(points))
        sent = {"volumeBackupId": volume_backup_id, "backupFileName": file["path"]}
        answer = running.client.post("/volumeBackups.restoreVolumeBackupWithLogs", json=sent)
        deployment_id = answer.headers["x-deployment-id"]
        running.wait(60)
        assert (data / "word").read_text() == "as backed up"
        with closing(sqlite3.connect(running.data_dir / "headway.db")) as database:
            (pid,) = database.execute("SELECT pid FROM deployments WHERE status = 'running'").fetchone()
        os.kill(int(pid), signal.SIGKILL)
        running.start()

        assert running.ended(deployment_id, 60)["reason"] == "lost"
        assert (data / "word").read_text() == "written since"
        assert [path.name for path in data.parent.iterdir()] == [application_id], "nothing is left beside it"
        until(lambda: running.visit("kept").status_code == 200, 20)
        assert running.get("application.one", applicationId=application_id)["applicationStatus"] == "done"


def test_a_volume_that_is_not_the_services_is_refused(native: tuple[Panel, str, Path]) -> None:
    running, application_id, _ = native
    volumes = Volumes(running)
    for name in ("../../etc", "/etc", "a b", "-x"):
        sent = {"name": "v", "applicationId": application_id, "volumeName": name, "cronExpression": "", "prefix": ""}
        assert running.client.post("/volumeBackups.create", json=sent).status_code == 400, name
    row = running.ended(volumes.start(volumes.make(applicationId=application_id, volumeName="other")), 60)
    assert row["status"] == "error"


@pytest.fixture(scope="module")
def engine_panel(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("volumes") / "data", docker_engine) as started:
        yield started


@pytest.fixture
def shop(engine_panel: Panel, docker_engine: Engine) -> Iterator[Stack]:
    made = stack(engine_panel, docker_engine, "volume shop")
    yield made
    engine_panel.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)


@pytest.mark.docker
def test_a_named_volume_comes_back_into_itself_and_into_a_new_one(
    engine_panel: Panel, shop: Stack, docker_engine: Engine
) -> None:
    shop.change(composeFile=as_file({"kept": {}}, db={**SLEEPS, "volumes": ["kept:/kept"]}))
    engine_panel.done(shop.begin(), 90)
    name = f"{shop.one()['appName']}_kept"
    folder = Path(json.loads(docker_engine.docker("volume", "inspect", name))[0]["Mountpoint"])
    fill_folder(folder)
    before = listing(folder)
    volumes = Volumes(engine_panel)
    volume_backup_id = volumes.make(composeId=shop.compose_id, volumeName="kept", turnOff=True)
    file = volumes.run(volume_backup_id)
    until(lambda: shop.containers().keys() == {"db"}, 30)
    (folder / "f1").write_text("changed")
    row = volumes.restore(volume_backup_id, file["path"], "again")
    assert row["status"] == "done", engine_panel.deployment_log(row["deploymentId"])
    other = json.loads(docker_engine.docker("volume", "inspect", f"{shop.one()['appName']}_again"))[0]["Mountpoint"]
    assert listing(Path(other)) == before
    assert (folder / "f1").read_text() == "changed"
    refused = volumes.restore(volume_backup_id, file["path"], "again")
    assert (refused["reason"], "already" in refused["errorMessage"]) == ("refused", True)
    assert listing(Path(other)) == before, "what is refused removes nothing"
    row = volumes.restore(volume_backup_id, file["path"])
    assert row["status"] == "done", engine_panel.deployment_log(row["deploymentId"])
    assert listing(folder) == before
    until(lambda: shop.containers().keys() == {"db"}, 30)
