"""A real image registry on a port of the loopback, which wants a user and a password."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.panel.panel import free_port

USERNAME, PASSWORD = "keeper", "registry-s3cret"
_HTPASSWD = "keeper:$2y$05$abcdefghijklmnopqrstuuirueM7nXfyHhQmI7DOS5awfY9haBn46\n"  # of that password


@contextmanager
def registry(folder: Path, host: str = "127.0.0.1") -> Iterator[str]:
    """A registry that is up; its address, as images name it."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"{host}:{free_port()}"
    (folder / "htpasswd").write_text(_HTPASSWD)
    configuration = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": address},
        "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    with (folder / "log").open("ab") as log:
        argv = ["setpriv", "--pdeathsig", "KILL", "--", "docker-registry", "serve", str(folder / "config.yml")]
        process = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _await(address, folder)
        yield address
    finally:
        process.kill()
        process.wait()


def lacks_registry() -> str | None:
    """What keeps one from being started here."""
    return None if shutil.which("docker-registry") else "this machine has no docker-registry; .ci/run installs it"


def _await(address: str, folder: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            answer = httpx.get(f"http://{address}/v2/", auth=(USERNAME, PASSWORD), trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            assert answer.status_code == 200, answer.text
            return
