"""A panel with a database, an application with data, and backups of both at an S3 server: what must hold after any
fault.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from headway.drivers.storages import packer
from tests.proofs._crash_site import AS_A_PERSON, CRASHING, LEASE, environs, marked_processes
from tests.support.databases.postgres import Cluster
from tests.support.panel.panel import Panel, git_repository, until, web
from tests.support.storages.backups import Keeper, Volumes, listing, postgres_with_password, reached
from tests.support.storages.s3 import S3, s3_server

Json = Any
DATABASE = "shop"
MEGABYTES = 24


class Kept:
    """See the module's docstring."""

    def __init__(self, folder: Path, s3: S3, cluster: Cluster) -> None:
        self.folder, self.s3, self.cluster = folder, s3, cluster
        self.panel = Panel(folder / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock", **LEASE)
        self.application_id = self.destination_id = self.backup_id = self.volume_backup_id = ""
        self._whole: dict[str, int] = {}  # what was read back and found whole: path and size

    def set_up(self) -> None:
        """Deploys the application, fills the database, makes both backups."""
        self.panel.start()
        url = git_repository(self.folder / "repository", web("one"))
        self.application_id = self.panel.application(url, "kept")
        self.panel.done(self.panel.deploy(self.application_id), 60)
        self.data.mkdir(exist_ok=True)
        for number in range(50):
            (self.data / f"f{number}").write_text(str(number))
        with (self.data / "hole").open("wb") as file:
            file.truncate(1 << 20)
        (self.data / "large").write_bytes(os.urandom(MEGABYTES << 20))
        self.cluster.administer(f"CREATE DATABASE {DATABASE}")
        with psycopg.connect(self.cluster.url(DATABASE)) as connection:
            connection.execute("CREATE TABLE t (n int PRIMARY KEY, hard bytea)")
            fill = "INSERT INTO t SELECT n, decode(string_agg(md5(random()::text || m), ''), 'hex')"
            rows = f"{fill} FROM generate_series(1, {MEGABYTES}) n, generate_series(1, 65536) m GROUP BY n"
            connection.execute(rows.encode())
        self.destination_id = self.panel.post("destination.create", **self.s3.destination())["destinationId"]
        self.backup_id = Keeper(self.panel).make(
            "postgres", reached(self.cluster), DATABASE, destinationId=self.destination_id
        )
        self.volume_backup_id = Volumes(self.panel).make(
            applicationId=self.application_id, volumeName="data", turnOff=True, destinationId=self.destination_id
        )

    @property
    def data(self) -> Path:
        return self.panel.work / "data" / self.application_id

    def hasten(self, flag: str) -> None:
        """Sets rclone's flag for every run that begins from here on."""
        given = self.s3.destination(additionalFlags=[flag] if flag else [])
        self.panel.post("destination.update", destinationId=self.destination_id, **given)

    def begin(self, what: str, file: str = "") -> str:
        """Starts a run of a kind; its id."""
        match what:
            case "backup":
                return Keeper(self.panel).start(self.backup_id)
            case "volume backup":
                return Volumes(self.panel).start(self.volume_backup_id)
            case "restore":
                sent = {"backupId": self.backup_id, "backupFile": file, "databaseName": DATABASE, "overwrite": True}
                answer = self.panel.client.post("/backup.restoreBackupWithLogs", json=sent)
            case _:
                sent = {"volumeBackupId": self.volume_backup_id, "backupFileName": file}
                answer = self.panel.client.post("/volumeBackups.restoreVolumeBackupWithLogs", json=sent)
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    def files(self) -> dict[str, int]:
        """What the panel says that it has kept, with sizes."""
        found = self.panel.get("backup.files", backupId=self.backup_id)
        found += self.panel.get("volumeBackups.files", volumeBackupId=self.volume_backup_id)
        return {each["path"]: each["bytes"] for each in found}

    def newest(self, what: str) -> str:
        """The newest kept file of a kind of run."""
        if "volume" in what:
            files = self.panel.get("volumeBackups.files", volumeBackupId=self.volume_backup_id)
        else:
            files = self.panel.get("backup.files", backupId=self.backup_id)
        path: str = files[0]["path"]
        return path

    def check(self) -> None:
        """Nothing lies at the destination but what the panel knows, all of that is whole, nothing passing or running is
        left, and the application serves. What was found whole is read again in ``check_kept``: a backup more at each of
        hundreds of points would else be read hundreds of times.
        """
        until(lambda: self.s3.objects() == self.files(), 100, what="what lies there is what is known")
        until(lambda: not self.s3.parts(), 60, what="no part of an upload is left")
        files = self.files()
        for path, _size in files.items() - self._whole.items():
            self._read_back(path)
        self._whole = files
        until(lambda: not marked_processes(self.panel.data_dir), 30, what="no process of a deployment is left")
        until(lambda: self.rows("SELECT count(*) FROM undos") == [(0,)], 60, what="nothing is left to be undone")
        assert list((self.panel.data_dir / "passing").glob("*")) == []
        assert [path.name for path in self.data.parent.iterdir()] == [self.application_id], "nothing is beside it"
        until(self.serves, 30, what="the application serves")
        with psycopg.connect(self.cluster.url("postgres")) as connection:
            found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'headway%'").fetchall()
        assert found == []

    def check_kept(self) -> None:
        """All that lies at the destination is whole."""
        for path in self.s3.objects():
            self._read_back(path)

    def _read_back(self, path: str) -> None:
        packer.unpack(io.BytesIO(self.s3.rclone("cat", f"dest:backups/{path}")), len, "")

    def serves(self) -> bool:
        """Whether the application answers."""
        with contextlib.suppress(Exception):
            return self.panel.visit("kept").status_code == 200
        return False

    def contents(self) -> tuple[str, Json]:
        """All that is in the folder, and in the database."""
        with psycopg.connect(self.cluster.url(DATABASE)) as connection:
            rows = connection.execute("SELECT n, md5(hard) FROM t ORDER BY n").fetchall()
        return listing(self.data), rows

    def change(self) -> None:
        """Writes something else into the folder and the database."""
        (self.data / "f1").write_text("written since")
        (self.data / "since").write_text("x")
        with psycopg.connect(self.cluster.url(DATABASE)) as connection:
            connection.execute(
                "UPDATE t SET hard = '' WHERE n % 2 = 0; INSERT INTO t VALUES (999, '') ON CONFLICT DO NOTHING"
            )

    def crash_at(self, at: int) -> None:
        """Starts a panel that dies at its ``at``-th crash point (0: never), and writes down what it passes."""
        self.points.unlink(missing_ok=True)
        self.points.touch()
        self.panel.loaded = at % AS_A_PERSON != 1  # what is proven is what a panel does then, not how it loads itself
        self.panel.start(module=CRASHING, CRASH_AT=str(at), CRASH_POINTS=str(self.points))

    @property
    def points(self) -> Path:
        return self.folder / "points"

    def passed(self, what: str, file: str = "") -> list[str]:
        """The crash points of a run that ends well."""
        self.crash_at(0)
        self.panel.done(self.begin(what, file), 120)
        self.panel.stop()
        return self.points.read_text().splitlines()

    def crashed(self, name: str) -> None:
        """Waits for the crash."""
        until(lambda: self.panel.process.poll() is not None, 60, what=f"the crash at {name}")  # type: ignore[union-attr]
        self.panel.process = None

    def kill_anchors(self) -> None:
        """Ends what holds the runs together, as a reboot would."""
        for (pid,) in self.rows("SELECT pid FROM deployments WHERE status = 'running' AND pid IS NOT NULL"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def rows(self, statement: str) -> list[Any]:
        """What the database says."""
        with contextlib.closing(sqlite3.connect(self.panel.data_dir / "headway.db")) as connection:
            return connection.execute(statement).fetchall()

    def programs(self, deployment_id: str, program: str) -> list[int]:
        """The processes of a run whose command line has a word that ends so."""
        found = []
        for pid, environ in environs():
            if b"HEADWAY_DEPLOYMENT_ID=" + deployment_id.encode() in environ:
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    if any(word.endswith(program.encode()) for word in words[:3]):
                        found.append(pid)
        return found


@contextlib.contextmanager
def kept() -> Iterator[Kept]:
    """One that leaves nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="headway-kept-") as folder,
        s3_server(Path(folder) / "s3") as s3,
        postgres_with_password() as cluster,
    ):
        Path(folder).chmod(0o711)
        site = Kept(Path(folder), s3, cluster)
        try:
            site.set_up()
            yield site
            site.check_kept()
        finally:
            site.panel.clean_up()
