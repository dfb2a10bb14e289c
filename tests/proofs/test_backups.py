"""Must show 1: databases of the awkward, a volume of 100,000 files and Headway's own data go to an S3 server and come
back identical, row by row, file by file. ``BACKUP_MB`` says how large the databases are made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.proofs._rows import MariaDbRows, PostgresRows, compare
from tests.support.databases.mariadb import lacks_mariadb, running_mariadb
from tests.support.databases.postgres import find_program
from tests.support.panel.panel import Panel, git_repository, panel, remove_traces, until, web
from tests.support.storages.backups import Keeper, Volumes, fill_folder, listing, owned, postgres_with_password, reached
from tests.support.storages.s3 import S3, lacks_s3, s3_server

Json = Any
MEGABYTES = int(os.environ.get("BACKUP_MB", "1024"))
FILES = int(os.environ.get("BACKUP_FILES", "100000"))
SECONDS = 3600
LESS_ODD = "größe `t` - ключ"  # mariadb-dump does not find the events of a database that has quotes in its name
ODD = "a \"b\" 'c' `d` ü\\é"
pytestmark = pytest.mark.skipif(lacks_s3() is not None, reason=str(lacks_s3()))


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(tmp_path_factory.mktemp("panel") / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as started:
        yield started


@pytest.fixture(scope="module")
def destination(running: Panel, s3: S3) -> str:
    made: str = running.post("destination.create", **s3.destination())["destinationId"]
    return made


@pytest.mark.skipif(find_program("pg_dump") is None, reason="this machine has no PostgreSQL")
def test_a_postgres_database_comes_back_row_by_row(running: Panel, destination: str) -> None:
    with postgres_with_password() as cluster:
        rows = PostgresRows(cluster)
        rows.fill(ODD, MEGABYTES)
        keeper = Keeper(running)
        backup_id = keeper.make("postgres", reached(cluster), ODD, name="awkward", destinationId=destination)
        file = kept(keeper, backup_id, "Postgres")
        restored(keeper, backup_id, file, f"{ODD} again")
        report(rows.told(ODD), rows.told(f"{ODD} again"))


@pytest.mark.skipif(lacks_mariadb() is not None, reason=str(lacks_mariadb()))
def test_a_mariadb_database_comes_back_row_by_row(running: Panel, destination: str) -> None:
    with running_mariadb() as server:
        rows = MariaDbRows(server)
        rows.fill(LESS_ODD, MEGABYTES)
        keeper = Keeper(running)
        backup_id = keeper.make("mariadb", server.connection, LESS_ODD, name="awkward", destinationId=destination)
        file = kept(keeper, backup_id, "Mariadb")
        restored(keeper, backup_id, file, "again")
        report(rows.told(LESS_ODD), rows.told("again"))


@pytest.mark.skipif(os.geteuid() != 0, reason="volumes hold files of many accounts: needs root")
def test_a_folder_of_very_many_files_comes_back_file_by_file(running: Panel, destination: str, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repository", web("one")), "kept")
    running.done(running.deploy(application_id), 60)
    data = running.work / "data" / application_id
    if data.exists():
        shutil.rmtree(data)
    data.mkdir(mode=0o750)
    fill_folder(data)
    fill_many(data / "many")
    before = listing(data)
    volumes = Volumes(running)
    volume_backup_id = volumes.make(
        applicationId=application_id, volumeName="data", turnOff=True, destinationId=destination
    )
    began = time.monotonic()
    deployment_id = volumes.start(volume_backup_id)
    row = running.ended(deployment_id, SECONDS)
    assert row["status"] == "done", row
    (file,) = running.get("volumeBackups.files", volumeBackupId=volume_backup_id)
    print(f"\n  {FILES} files kept in {time.monotonic() - began:.0f} s: {file['bytes'] >> 20} MiB")
    shutil.rmtree(data / "many")
    (data / "since").write_text("x")
    began = time.monotonic()
    sent = {"volumeBackupId": volume_backup_id, "backupFileName": file["path"]}
    answer = running.client.post("/volumeBackups.restoreVolumeBackupWithLogs", json=sent)
    row = running.ended(answer.headers["x-deployment-id"], SECONDS)
    assert row["status"] == "done", row
    account = data.stat().st_uid
    assert account > 0
    assert listing(data) == owned(before, account)
    print(f"  restored in {time.monotonic() - began:.0f} s; {before.count(chr(10)) + 1} lines of listing are the same")
    until(lambda: running.visit("kept").status_code == 200, 20)


def test_headways_own_data_comes_back_after_its_machine_is_emptied(s3: S3, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with panel(data_dir, HEADWAY_DOCKER_HOST="unix:///nowhere.sock") as first:
        url = git_repository(tmp_path / "repository", web("here"))
        application_id = first.application(url, env="SECRET=of the shop")
        deployment_id = first.done(first.deploy(application_id))["deploymentId"]
        where = first.post("destination.create", **s3.destination())["destinationId"]
        first.post("schedule.create", name="s", applicationId=application_id, cronExpression="0 3 * * *", command="ls")
        keeper = Keeper(first)
        backup_id = first.post(
            "backup.create", databaseType="web-server", database="headway", destinationId=where
        )["backupId"]  # fmt: skip
        before = known(first, application_id, deployment_id)
        file = keeper.run(backup_id, "WebServer")
        key = (data_dir / "vault.key").read_bytes()
    for left in (data_dir, tmp_path / "repository"):
        shutil.rmtree(left)
    remove_traces(data_dir)
    assert not [path for path in tmp_path.iterdir() if path.name != "data.log"], "the machine is empty"

    archive = tmp_path / "fetched.tar.gz"
    archive.write_bytes(s3.rclone("cat", f"dest:backups/{file['path']}"))
    restore = [sys.executable, "-m", "headway.cli.main", "restore", str(archive), "--data-dir", str(data_dir)]
    ended = subprocess.run(restore, capture_output=True, text=True, env={}, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (data_dir / "vault.key").read_bytes() == key
    git_repository(tmp_path / "repository", web("here"))
    edge_port = str(first.edge_port)
    with panel(data_dir, HEADWAY_DOCKER_HOST="unix:///nowhere.sock", HEADWAY_EDGE_PORT=edge_port) as second:
        second.edge_port = first.edge_port
        after = known(second, application_id, deployment_id)
        assert [(a, b) for a, b in zip(before, after, strict=True) if a != b] == []
        second.post("destination.testConnection", destinationId=where, **s3.destination())
        second.done(second.deploy(application_id))
        assert second.visit("app").text == "here"
        again = Keeper(second).run(backup_id, "WebServer")
        assert again["path"] != file["path"]
        print(
            f"\n  {file['bytes'] >> 10} KiB: projects, application, schedule, destination, rows and logs are the same"
        )


def known(running: Panel, application_id: str, deployment_id: str) -> Json:
    """What clients see of a panel, but for what changes by itself."""
    application = running.get("application.one", applicationId=application_id)
    changing = {"deployments", "applicationStatus", "unstable"}
    projects = [each["projectId"] for each in running.get("project.all") if each["name"] != "databases"]
    return (
        *((name, value) for name, value in application.items() if name not in changing),
        projects,
        running.one(deployment_id),
        running.deployment_log(deployment_id),
        running.get("destination.all"),
        running.get("schedule.list", id=application_id, scheduleType="application"),
    )


def kept(keeper: Keeper, backup_id: str, procedure: str) -> Json:
    """A run that ends well; the file that it left."""
    began = time.monotonic()
    row = keeper.running.ended(keeper.start(backup_id, procedure), SECONDS)
    assert row["status"] == "done", (row, keeper.running.deployment_log(row["deploymentId"])[-3000:])
    (file,) = keeper.running.get("backup.files", backupId=backup_id)
    print(f"\n  {file['bytes'] >> 20} MiB kept in {time.monotonic() - began:.0f} s")
    return file


def restored(keeper: Keeper, backup_id: str, file: Json, target: str) -> None:
    """A restore that ends well."""
    began = time.monotonic()
    sent = {"backupId": backup_id, "backupFile": file["path"], "databaseName": target}
    answer = keeper.running.client.post("/backup.restoreBackupWithLogs", json=sent)
    row = keeper.running.ended(answer.headers["x-deployment-id"], SECONDS)
    assert row["status"] == "done", (row, keeper.running.deployment_log(row["deploymentId"])[-3000:])
    print(f"  restored in {time.monotonic() - began:.0f} s")


def report(one: Json, other: Json) -> None:
    """Compares two databases, and says how much that was."""
    rows, size = compare(one, other)
    print(f"  {len(one)} tables and more, {rows} rows, {size >> 20} MiB: identical")


def fill_many(folder: Path) -> None:
    """Very many small files: modes, owners, links, holes and times differ."""
    for number in range(FILES):
        inner = folder / f"d{number // 1000}"
        if number % 1000 == 0:
            inner.mkdir(mode=0o700 + number // 1000 % 64, parents=True)
        path = inner / f"f{number} ü"
        match number % 50:
            case 1:
                path.symlink_to(f"f{number - 1} ü")
            case 2:
                os.link(inner / f"f{number - 2} ü", path)
            case 3:
                with path.open("wb") as file:
                    file.seek(100_000)
                    file.write(b"end")
            case _:
                path.write_bytes(b"%d\n" % number * (number % 60))
        os.chown(path, number % 70_000, number % 60_000, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(number % 0o7777)
        stamp = number * 7_654_321_987_654
        os.utime(path, ns=(stamp, stamp + 1), follow_symlinks=False)
