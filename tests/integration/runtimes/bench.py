"""What the tests of runtimes share: a folder that every account can pass through, small applications, and a run that is
no more than its log.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from headway.drivers.edge.traefik import EdgeAccounts
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.infra.hosts import procfs, sockets
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command
from headway.kernel.artifacts import Bundle, HealthCheck, HealthKind, Process, ReleaseSpec
from headway.kernel.ids import new_id
from headway.kernel.phrase import plain
from headway.kernel.secret import Secret
from headway.kernel.vault import Vault
from tests.support.panel.panel import PATIENCE

PYTHON = "/usr/bin/python3"
ACCOUNT = 61234
# Of Traefik, where it can have any.
EDGE_ACCOUNTS = EdgeAccounts(serving=61235, trying=61236) if os.geteuid() == 0 else None

# Answers with what it is asked for: its release, a variable, its account, its folder. Asked to die it does.
WEB = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        if self.path == "/broken":
            status, body = 500, b"broken"
        else:
            seen = {"env": dict(os.environ), "uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
                    "cwd": os.getcwd(), "pid": os.getpid(), "ppid": os.getppid(), "umask": oct(os.umask(0o027)),
                    "status": open("/proc/self/status").read(), "cgroup": open("/proc/self/cgroup").read()}
            status, body = 200, json.dumps(seen).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

port = int(os.environ[sys.argv[1] if len(sys.argv) > 1 else "PORT"])
print("listening on", port, flush=True)
Server(("127.0.0.1", port), Handler).serve_forever()
"""


class Work:
    """A run as the runtime sees it; ``lines`` is its log."""

    host: Host

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        raise AssertionError("the native runtime runs no command of its own")

    async def say(self, text: str) -> None:
        self.lines.append(plain(text))

    def masked(self, text: str) -> str:
        return text.replace("s3cret\nof two lines", "******")

    async def undo(self, name: str, data: object) -> None:
        raise AssertionError("undos are the caller's")

    @contextlib.asynccontextmanager
    async def fence(self) -> AsyncIterator[None]:
        yield


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder below which any account may look."""
    folder = Path(tempfile.mkdtemp(prefix="headway-runtimes-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def make_runtime(folder: Path, **options: Any) -> NativeRuntime:  # noqa: ANN401 - passed on
    """A runtime below the folder; the same one, to the machine, at every call."""
    key_file = folder / "vault.key"
    if not key_file.exists():
        key_file.write_bytes(Vault.new_key())
        key_file.chmod(0o600)
    vault = Vault(key_file.read_bytes())
    options = {"grace_seconds": 2.0, **options}
    # The folder's name is unlike any other's, so tests that run at once do not end each other's releases.
    return NativeRuntime(folder / "runtime", panel_id=folder.name, vault=vault, vault_key=key_file, **options)


def make_spec(folder: Path, **options: Any) -> ReleaseSpec:  # noqa: ANN401 - fields of the spec
    """A release of the small web application; ``options`` are fields of the spec, or ``files`` and ``processes``."""
    release_id = options.pop("release_id", None) or new_id()
    bundle_folder = folder / "bundles" / release_id
    bundle_folder.mkdir(parents=True)
    for name, text in {"app.py": WEB, **options.pop("files", {})}.items():
        (bundle_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle_folder / name).write_text(text)
    processes = options.pop("processes", {"web": f"{PYTHON} app.py"})
    bundle = options.pop("bundle", None) or Bundle(
        folder=str(bundle_folder),
        processes=tuple(Process(name=name, command=command) for name, command in processes.items()),
        env=options.pop("bundle_env", {}),
        static_root=options.pop("static_root", None),
    )
    env = {name: Secret(value) for name, value in options.pop("env", {}).items()}
    settled: dict[str, Any] = {
        "deployment_id": new_id(),
        "application_id": "app-1",
        "app_name": "shop",
        "uid": ACCOUNT if os.geteuid() == 0 else None,
        "gid": ACCOUNT if os.geteuid() == 0 else None,
        "port": free_port(),
        "health": HealthCheck(deadline_seconds=20),
    }
    return ReleaseSpec(release_id=release_id, artifact=bundle, env=env, **{**settled, **options})


def free_port() -> int:
    """A port that nothing listens on, outside the range from which the kernel takes those of clients: one of these
    could have been taken again before the application opens it.
    """
    while True:
        port = random.randint(20000, 32000)
        if sockets.is_free("127.0.0.1", port):
            return port


def fetch(port: int | None, path: str = "/", host: str = "127.0.0.1") -> tuple[int, bytes]:
    """The status and body of an answer, the path sent as it is written."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def traefik_of(folder: Path) -> int | None:
    """The pid of the Traefik whose files lie below the folder."""
    mine = (pid for pid in processes_of(folder) if (procfs.argv(pid) or ("",))[0].endswith("/traefik"))
    return next(mine, None)


def processes_of(folder: Path) -> list[int]:
    """Those that name the folder in their arguments, have their state below it, or work there."""
    known = (str(folder), f"={folder}/".encode())
    return [
        pid
        for pid in procfs.pids()
        if known[0] in " ".join(procfs.argv(pid))
        or known[1] in procfs.initial_environment(pid)
        or _works_in(pid).startswith(f"{folder}/")
    ]


def _works_in(pid: int) -> str:
    with contextlib.suppress(OSError):
        return str(Path(procfs.PROC, str(pid), "cwd").readlink())
    return ""


def fetch_json(port: int | None, host: str = "127.0.0.1") -> dict[str, Any]:
    """What the small web application says of itself."""
    seen: dict[str, Any] = json.loads(fetch(port, host=host)[1])
    return seen


async def answers(port: int | None) -> bool:
    """Whether anything answers there yet."""
    try:
        await asyncio.to_thread(fetch, port)
    except OSError:
        return False
    return True


async def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits for a fact."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def until_async(holds: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Waits for a fact that has to be asked for."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def run(runtime: NativeRuntime, work: Work, spec: ReleaseSpec) -> None:
    """What a deploy does with a release."""
    await runtime.prepare(work, spec)
    await runtime.start(work, spec)
    await runtime.healthy(work, spec)


@contextlib.asynccontextmanager
async def opened(runtime: NativeRuntime) -> AsyncIterator[NativeRuntime]:
    """A runtime that is up, and gone afterwards."""
    await runtime.ensure()
    try:
        yield runtime
    finally:
        await runtime.shut_down()


def settle(seconds: float) -> HealthCheck:
    """Healthy after having stayed up."""
    return HealthCheck(kind=HealthKind.SETTLE, settle_seconds=seconds, deadline_seconds=20)
