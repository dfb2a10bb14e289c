"""Measures how fast a PostgreSQL database comes to an S3 server, to the end of the upload, beside the bare
``pg_dump | zstd | rclone rcat``, how long the proof by reading back takes apart, and how much the panel's memory grows
meanwhile. The two take turns, so that both meet the same neighbours. Fails where a bound is missed.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from headway.drivers.storages.rclone import Rclone
from tests.proofs._crash_site import environs
from tests.support.databases.postgres import Cluster
from tests.support.panel.panel import Panel, until
from tests.support.storages.backups import Keeper, postgres_with_password, reached
from tests.support.storages.s3 import S3, s3_server

ROUNDS = int(os.environ.get("ROUNDS", "3"))
MEGABYTES = int(os.environ.get("BACKUP_MB", "1950"))  # three rounds of it are more than 5 GB
LEAST_SHARE = 0.8
MOST_GROWTH = 30.0  # MiB
_DATABASE = "large"
_KIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Seconds of a round: of the bare pipe, and of Headway to the end of the upload and of the proof after it."""

    bare: float
    upload: float
    proof: float


def main() -> int:
    """Takes turns; the exit status."""
    with (
        tempfile.TemporaryDirectory(prefix="headway-bench-") as name,
        s3_server(Path(name) / "s3") as s3,
        postgres_with_password() as cluster,
    ):
        Path(name).chmod(0o711)
        fill(cluster)
        panel = Panel(Path(name) / "data", HEADWAY_DOCKER_HOST="unix:///nowhere.sock")
        try:
            panel.start()
            return measure(panel, s3, cluster)
        finally:
            panel.clean_up()


def measure(panel: Panel, s3: S3, cluster: Cluster) -> int:
    """All rounds, after one of each that nobody counts."""
    keeper = Keeper(panel)
    destination_id = panel.post("destination.create", **s3.destination())["destinationId"]
    backup_id = keeper.make("postgres", reached(cluster), _DATABASE, destinationId=destination_id)
    small = keeper.make("postgres", reached(cluster), "postgres", destinationId=destination_id)
    keeper.run(small)
    with Memory(panel) as memory:
        rounds = [one_round(keeper, backup_id, s3, cluster) for _ in range(ROUNDS)]
    passed = size_of(keeper, backup_id) * ROUNDS
    return report(rounds, memory.growth, passed)


def one_round(keeper: Keeper, backup_id: str, s3: S3, cluster: Cluster) -> Round:
    """The bare pipe, then Headway."""
    before = bare(s3, cluster)
    began = time.perf_counter()
    deployment_id = keeper.start(backup_id)
    uploader = until(lambda: uploading(deployment_id), 60, what="the upload")
    ended(int(uploader or 0))
    upload = time.perf_counter() - began
    keeper.running.done(deployment_id, 3600)
    whole = time.perf_counter() - began
    s3.rclone("deletefile", f"dest:backups/{newest(keeper, backup_id)['path']}")
    taken = Round(bare=before, upload=upload, proof=whole - upload)
    sys.stdout.write(f"bare {taken.bare:.1f} s, upload {taken.upload:.1f} s, proof {taken.proof:.1f} s\n")
    sys.stdout.flush()
    return taken


def bare(s3: S3, cluster: Cluster) -> float:
    """Seconds of what somebody would type."""
    rclone, storage = Rclone.installed(), s3.storage()
    where = reached(cluster)
    dump = ("pg_dump", "--format=custom", "--compress=0", f"--host={where['host']}", f"--port={where['port']}")
    line = f"{shlex.join([*dump, '--username=keeper', _DATABASE])} | zstd -3 --check --quiet | "
    line += shlex.join([rclone.program, "--config=", "rcat", storage.at("bare.zst")])
    env = {**rclone.env(storage), "PGPASSWORD": str(where["password"]), "PATH": os.environ["PATH"]}
    began = time.perf_counter()
    subprocess.run(["bash", "-o", "pipefail", "-c", line], env=env, check=True)
    taken = time.perf_counter() - began
    s3.rclone("deletefile", "dest:backups/bare.zst")
    return taken


def uploading(deployment_id: str) -> int | None:
    """The process that writes a run's object."""
    for pid, environ in environs():
        if b"HEADWAY_DEPLOYMENT_ID=" + deployment_id.encode() in environ:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"rclone") and b"rcat" in words:
                return pid
    return None


def ended(pid: int) -> None:
    """Returns when a process has ended."""
    handle = os.pidfd_open(pid)
    try:
        select.select([handle], [], [], 3600)
    finally:
        os.close(handle)


class Memory:
    """Watches the panel's memory from when it is entered."""

    def __init__(self, panel: Panel) -> None:
        assert panel.process is not None
        self._status = Path(f"/proc/{panel.process.pid}/status")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._first = self._most = 0.0

    @property
    def growth(self) -> float:
        """MiB that it had more than at the beginning, at most."""
        return self._most - self._first

    def __enter__(self) -> Self:
        self._first = self._most = self._used()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self._most = max(self._most, self._used())

    def _used(self) -> float:
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / _KIB


def fill(cluster: Cluster) -> None:
    """Makes the database: half of it does not compress."""
    cluster.administer(f"CREATE DATABASE {_DATABASE}")
    with psycopg.connect(cluster.url(_DATABASE)) as connection:
        connection.execute("CREATE EXTENSION pgcrypto")
        connection.execute("CREATE TABLE t (n bigint, hard bytea, easy text)")
        connection.execute("ALTER TABLE t ALTER hard SET STORAGE EXTERNAL")
        words = "SELECT n, gen_random_bytes(250), repeat('row ' || n || ' of many; ', 22)"
        connection.execute(f"INSERT INTO t {words} FROM generate_series(1, {MEGABYTES * 1000}) n".encode())


def newest(keeper: Keeper, backup_id: str) -> dict[str, object]:
    """The file that was made last."""
    found: dict[str, object] = keeper.running.get("backup.files", backupId=backup_id)[0]
    return found


def size_of(keeper: Keeper, backup_id: str) -> float:
    """MiB of what a run has dumped."""
    return int(str(newest(keeper, backup_id)["contentBytes"])) / _KIB / _KIB


def report(rounds: list[Round], growth: float, passed: float) -> int:
    """Prints the figures; 1 where a bound is missed."""
    share = statistics.median(each.bare / each.upload for each in rounds)
    proof = statistics.median(each.proof for each in rounds)
    bare_seconds = statistics.median(each.bare for each in rounds)
    upload = statistics.median(each.upload for each in rounds)
    out = sys.stdout.write
    out(f"bare pipe {bare_seconds:.1f} s, Headway to the end of the upload {upload:.1f} s, the proof {proof:.1f} s\n")
    out(f"throughput {share:.2f} of the bare pipe's at the median of {len(rounds)} (at least {LEAST_SHARE})\n")
    out(f"the panel's memory grew by {growth:.1f} MiB while {passed:.0f} MiB passed (at most {MOST_GROWTH:.0f})\n")
    missed = [name for name, bad in (("throughput", share < LEAST_SHARE), ("memory", growth > MOST_GROWTH)) if bad]
    out(json.dumps({"missed": missed}) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
