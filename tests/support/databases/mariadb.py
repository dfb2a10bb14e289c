"""A real MariaDB of the tests' own: its programs, a server in a temporary folder, reached over the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.panel.panel import free_port

USERNAME, PASSWORD = "keeper", "mariadb-s3cret"
_SECONDS = 60


def lacks_mariadb() -> str | None:
    """What keeps a server from being started here."""
    needed = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
    missing = [name for name in needed if shutil.which(name) is None]
    return f"this machine has no {', '.join(missing)}; .ci/run installs mariadb-server" if missing else None


class MariaDb:
    """One server. As root it runs under the account ``mysql``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Makes the server's files, and a user with all rights."""
        if os.geteuid() == 0:
            entry = pwd.getpwnam("mysql")
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        argv = ["mariadb-install-db", "--no-defaults", *self._owner, f"--datadir={self.folder}/data"]
        made = subprocess.run(
            [*argv, "--auth-root-authentication-method=normal", "--skip-test-db"], capture_output=True, check=False
        )
        assert made.returncode == 0, (made.stdout + made.stderr).decode()

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        options = {
            "datadir": f"{self.folder}/data",
            "socket": str(self.socket),
            "port": str(self.port),
            "bind-address": "127.0.0.1",
            "pid-file": f"{self.folder}/pid",
            "innodb-flush-log-at-trx-commit": "0",
            "innodb-buffer-pool-size": "64M",
            "max-allowed-packet": "256M",
            "skip-name-resolve": "1",
        }
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "mariadbd", "--no-defaults", *self._owner]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, *(f"--{name}={value}" for name, value in options.items())], stdout=log, stderr=log
            )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.sql(f"CREATE USER IF NOT EXISTS '{USERNAME}'@'%' IDENTIFIED BY '{PASSWORD}'")
                self.sql(f"GRANT ALL ON *.* TO '{USERNAME}'@'%' WITH GRANT OPTION")
            except AssertionError:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text()[-3000:]
                assert self._process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """Ends it at once."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    @property
    def connection(self) -> dict[str, str | int]:
        """How a backup reaches it."""
        return {"host": "127.0.0.1", "port": self.port, "username": USERNAME, "password": PASSWORD}

    def sql(self, text: str, database: str = "") -> str:
        """What statements print, a line for each row and a tab between columns."""
        argv = [
            "mariadb",
            "--no-defaults",
            f"--socket={self.socket}",
            "--user=root",
            "--batch",
            "--raw",
            "--binary-mode",
        ]
        named = [f"--database={database}"] if database else []
        ended = subprocess.run(
            [*argv, "--binary-mode", "--skip-column-names", "--default-character-set=utf8mb4", *named],
            input=text.encode(),
            capture_output=True,
            check=False,
            timeout=600,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout.decode(errors="surrogateescape")

    @property
    def _owner(self) -> list[str]:
        return ["--user=mysql"] if os.geteuid() == 0 else []


@contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """A server in a temporary folder that its account can reach; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headway-mariadb-"))
    server = MariaDb(folder)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
