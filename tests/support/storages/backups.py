"""Makes backups and volume backups on a panel and follows them; what is awkward to back up; a server that asks for a
password.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.databases.postgres import Cluster, running_cluster
from tests.support.panel.panel import Panel

Json = Any
PASSWORD = "p g's s3cret"
_MODE, _OWNER = 2, 3  # of a line of ``listing``


@contextmanager
def postgres_with_password() -> Iterator[Cluster]:
    """A server whose user ``keeper`` needs the password."""
    with running_cluster() as cluster:
        (cluster.folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 md5\n")
        quoted = PASSWORD.replace("'", "''")
        cluster.administer("SELECT pg_reload_conf()", f"CREATE ROLE keeper SUPERUSER LOGIN PASSWORD '{quoted}'")
        yield cluster


def reached(cluster: Cluster, **fields: Json) -> Json:
    return {"host": "127.0.0.1", "port": cluster.port, "username": "keeper", "password": PASSWORD, **fields}


class Keeper:
    """Makes backups on a panel and follows them."""

    def __init__(self, running: Panel) -> None:
        self.running = running
        made = running.post("project.create", name="databases")
        self.environment_id = made["environment"]["environmentId"]

    def make(self, engine: str, connection: Json, database: str, **fields: Json) -> str:
        """A backup; its id."""
        given = {"databaseType": engine, "connection": connection, "database": database, "name": database}
        place = {} if "composeId" in fields else {"environmentId": self.environment_id}
        made = self.running.post("backup.create", **{**given, **place, **fields})
        backup_id: str = made["backupId"]
        return backup_id

    def start(self, backup_id: str, procedure: str = "Postgres") -> str:
        """Starts a run; its id."""
        answer = self.running.client.post(f"/backup.manualBackup{procedure}", json={"backupId": backup_id})
        assert (answer.status_code, answer.json()) == (200, True), answer.text
        return answer.headers["x-deployment-id"]

    def run(self, backup_id: str, procedure: str = "Postgres") -> Json:
        """A run that ends well; the file that it left."""
        deployment_id = self.start(backup_id, procedure)
        self.running.done(deployment_id, 120)
        file = self.running.get("backup.files", backupId=backup_id)[0]
        assert file["deploymentId"] == deployment_id
        return file

    def failed(self, backup_id: str, procedure: str = "Postgres") -> Json:
        """A run that ends in an error."""
        row = self.running.ended(self.start(backup_id, procedure), 120)
        assert row["status"] == "error", self.running.deployment_log(row["deploymentId"])
        return row

    def restore(self, backup_id: str, file: str, database: str | None = None, **given: Json) -> Json:
        """A restore, once it has ended."""
        sent = {"backupId": backup_id, "backupFile": file, "databaseName": database, **given}
        answer = self.running.client.post("/backup.restoreBackupWithLogs", json=sent)
        assert answer.status_code == 200, answer.text
        return self.running.ended(answer.headers["x-deployment-id"], 120)


class Volumes:
    """Makes volume backups on a panel and follows them."""

    def __init__(self, running: Panel) -> None:
        self.running = running

    def make(self, **given: Json) -> str:
        made = self.running.post("volumeBackups.create", **{"name": "v", "cronExpression": "", "prefix": "", **given})
        volume_backup_id: str = made["volumeBackupId"]
        return volume_backup_id

    def start(self, volume_backup_id: str) -> str:
        answer = self.running.client.post("/volumeBackups.runManually", json={"volumeBackupId": volume_backup_id})
        assert (answer.status_code, answer.json()) == (200, True), answer.text
        return answer.headers["x-deployment-id"]

    def run(self, volume_backup_id: str) -> Json:
        row = self.running.done(self.start(volume_backup_id), 120)
        (file, *_) = self.running.get("volumeBackups.files", volumeBackupId=volume_backup_id)
        assert file["deploymentId"] == row["deploymentId"]
        return file

    def restore(self, volume_backup_id: str, file: str, volume: str | None = None) -> Json:
        sent = {"volumeBackupId": volume_backup_id, "backupFileName": file, "volumeName": volume}
        answer = self.running.client.post("/volumeBackups.restoreVolumeBackupWithLogs", json=sent)
        assert answer.status_code == 200, answer.text
        return self.running.ended(answer.headers["x-deployment-id"], 120)


def slow_destination(running: Panel, flag: str = "--bwlimit=1M") -> str:
    """A folder of this machine behind a narrow door."""
    made = running.post("destination.create", name="slow", provider="local", additionalFlags=[flag])
    destination_id: str = made["destinationId"]
    return destination_id


def nothing_partial(running: Panel) -> bool:
    """Whether nothing unfinished lies in the panel's own folders."""
    folders = (running.data_dir / "backups", running.data_dir / "passing")
    return not [path for folder in folders for path in folder.rglob("*.partial")]


def fill_folder(folder: Path) -> None:
    """A small tree of what is awkward: modes, owners, links, holes, times, attributes, odd names."""
    (folder / "größe ü").mkdir(parents=True)
    (folder / "-rf").write_text("named like an option")
    (folder / "new\nline").write_text("x")
    (folder / "locked").write_text("secret")
    (folder / "locked").chmod(0o4700)
    os.chown(folder / "locked", 12345, 54321)
    os.link(folder / "locked", folder / "größe ü" / "same")
    (folder / "points").symlink_to("../outside/nowhere")
    with (folder / "hole").open("wb") as file:
        file.truncate(64 << 20)
        file.seek(32 << 20)
        file.write(b"in the midst")
    os.utime(folder / "-rf", ns=(1_234_567_890_123_456_789, 1_234_567_890_987_654_321))
    for number in range(300):
        (folder / f"f{number}").write_text(str(number))
    (folder / "f7").chmod(0)


def listing(folder: Path) -> str:
    """All that a tree is: of every file its type, mode, owner, links, size, blocks' worth, time, target and content."""
    # How large a folder's own table is depends on what was in it before.
    folders = ("-type", "d", "-printf", "%p|%y|%m|%U|%G|%n|%T@\\n")
    others = ("-not", "-type", "d", "-printf", "%p|%y|%m|%U|%G|%n|%s|%T@|%l\\n")
    argv = ["find", ".", *folders, "-o", *others]
    shown = subprocess.run(argv, cwd=folder, capture_output=True, check=True).stdout
    summed = ["find", ".", "-type", "f", "-exec", "sha256sum", "{}", "+"]
    sums = subprocess.run(summed, cwd=folder, capture_output=True, check=True)
    used = int(subprocess.run(["du", "-s", "hole"], cwd=folder, capture_output=True, check=True).stdout.split()[0])
    assert used < 1024, "a hole is a hole"
    return "\n".join(sorted((shown + sums.stdout).decode().splitlines()))


def owned(listed: str, uid: int) -> str:
    """What ``listing`` shows of the same tree as an application's own data: all of it belongs to the account ``uid``,
    and no file has a right of somebody else's; the bit that lets only owners remove stays.
    """
    lines = [line.split("|") for line in listed.splitlines()]
    for each in lines:
        if len(each) > _OWNER + 1:
            each[_MODE] = f"{int(each[_MODE], 8) & ~0o6000:o}"
            each[_OWNER] = each[_OWNER + 1] = str(uid)
    return "\n".join(sorted("|".join(each) for each in lines))
