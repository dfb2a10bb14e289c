"""A real PostgreSQL of the tests' own: its programs, a cluster in a temporary folder, a database per test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

INSTALLED = Path("/usr/lib/postgresql")  # where Debian keeps each major version
START_SECONDS = 30
TEMPLATE = "headway_template"
_SETTINGS = {
    "fsync": "off",  # a test's database need not survive the machine; what was committed survives the server
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
}


def find_program(name: str) -> str | None:
    """The newest installed server program of this name."""
    found = sorted(INSTALLED.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


class Cluster:
    """One server. As root it runs under the account ``postgres``, for PostgreSQL refuses root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Makes the cluster's files."""
        if self._account:
            os.chown(self.folder, *self._account)
        self._run(
            "initdb", "-D", "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        settings = {**_SETTINGS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_owner("postgres"), "-D", "data", *options], cwd=self.folder, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.administer("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """Ends the server at once, as a crash would; no error when it is not running."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(START_SECONDS)
            self._process = None

    def url(self, database: str) -> str:
        """How Headway reaches a database of this cluster."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def loopback_url(self, database: str) -> str:
        """The same over TCP."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def administer(self, *statements: str) -> None:
        """Executes statements, each in a transaction of its own."""
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=3) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_owner(program), *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _as_owner(self, program: str) -> list[str]:
        path = find_program(program)
        assert path is not None, f"no {program} on this machine"
        # When the tests themselves are killed the server goes with them.
        rights = ["--pdeathsig", "QUIT"]
        if self._account:
            uid, gid = self._account
            rights += [f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        return ["setpriv", *rights, "--", path]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster in a temporary folder that its account can reach, started; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headway-postgres-"))
    cluster = Cluster(folder)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def _account() -> tuple[int, int] | None:
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("postgres")
    return entry.pw_uid, entry.pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
