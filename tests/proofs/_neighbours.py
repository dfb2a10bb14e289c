"""A panel with neighbours that must notice nothing, for the proof of accounts."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support.panel.panel import Panel, git_repository, until, web

SECRET = "the-neighbours-own-secret"
STARVED = '{"ok":false,"reason":"The database does not answer within 5 seconds."}'
PROCESSES = 256  # that one build or application may have
MODES: dict[str, tuple[int, dict[str, str]]] = {
    "everything": (0o711, {}),
    "a closed folder, no PID namespaces": (0o700, {"HEADWAY_PID_NAMESPACES": "off"}),
    "no cgroups": (0o711, {"HEADWAY_CGROUPS": "off"}),
}


@dataclass(kw_only=True)
class Site:
    """A panel; one neighbour that serves, one that builds, and the place of a setuid program."""

    panel: Panel
    folder: Path
    setuid: Path
    env: dict[str, str]
    serving: dict[str, Any] = field(default_factory=dict)
    building: dict[str, Any] = field(default_factory=dict)

    @property
    def has_namespaces(self) -> bool:
        """Whether a build sees no process but its own."""
        return self.env.get("HEADWAY_PID_NAMESPACES") != "off"

    @property
    def has_groups(self) -> bool:
        """Whether control groups bound what runs."""
        return self.env.get("HEADWAY_CGROUPS") != "off"

    @property
    def neighbour(self) -> Path:
        """The release that serves."""
        return self.panel.work / f"releases/{self.serving['applicationId']}/{self.serving['deploymentId']}"

    def set_up(self) -> None:
        """Lets both neighbours begin."""
        procfile = "web: echo kept > $HOME/kept; exec python3 app.py\n"
        url = git_repository(self.folder / "neighbour", web("undisturbed", Procfile=procfile))
        serving_id = self.panel.application(url, name="neighbour", env=f"SECRET={SECRET}")
        self.serving = self.panel.done(self.panel.deploy(serving_id), 60)
        building_id = self.panel.application(url, name="busy", env=f"SECRET={SECRET}")
        build = "echo mine > made; echo cached > $HOME/cached; echo building; exec sleep 8777"
        self.panel.post("application.update", applicationId=building_id, buildCommand=build)
        deployment_id = self.panel.deploy(building_id)
        begun = f"HEADWAY_DEPLOYMENT_ID={deployment_id}".encode()
        until(lambda: any(b"8777" in _words(pid) for pid in pids_with(begun)), 30, what="the build sleeps")
        self.building = self.panel.one(deployment_id)

    def targets(self) -> dict[str, list[str]]:
        """All that an intruder may know of."""
        data, work = self.panel.data_dir, self.panel.work
        release, build = self.serving["deploymentId"], self.building["deploymentId"]
        serving, building = self.serving["applicationId"], self.building["applicationId"]
        native, runs = work / "native", data / "run" / "runs"
        released, workspace = self.neighbour, work / "releases" / building / build
        files = [
            *(data / name for name in ("vault.key", "owner.key", "headway.db", "headway.db-wal", "panel.id", "lock")),
            *(data / "edge" / name for name in ("probe.secret", "daemon.json", f"routes/{serving}.yml")),
            *(data / "logs" / f"{release}.log", data / "run" / "epochs" / release, work / "git" / "hosts" / serving),
            *(native / name for name in ("launch.json", f"releases/{release}/release.json")),
            *(native / "supervisord" / name for name in ("supervisord.conf", "supervisord.log")),
            native
            / "logs"
            / self.panel.get("application.one", applicationId=serving)["appName"]
            / f"r{release}-web.log",
            *(released / "app.py", work / "data" / serving / "kept", work / "mirrors" / serving / "HEAD"),
            *(workspace / "made", work / "caches" / building / "cached"),
        ]
        # Of the work folder all but the one that is empty on purpose: confined programs begin there.
        private = (path for path in work.iterdir() if path.is_dir() and path.name != "empty")
        folders = [
            *(data, data / "logs", data / "run", runs, runs / f"{build}.1", data / "run" / "epochs"),
            *(data / "edge", data / "edge" / "routes", work, *private),
            *(native / name for name in ("releases", f"releases/{release}", "supervisord", "logs", "homes")),
            *(native / "supervisord" / "programs", released, released.parent, workspace, workspace.parent),
            *(work / "data" / serving, work / "mirrors" / serving, work / "caches" / building),
        ]
        found: dict[str, list[object]] = {
            "files": [*files],
            "folders": [*dict.fromkeys(folders)],
            "sockets": [native / "supervisord" / "supervisord.sock", runs / f"{build}.1" / "socket"],
            "pids": [*self.pids()],
            "secrets": [data / "vault.key", data / "owner.key", data / "headway.db", released / "app.py"],
            "groups": [folder for group in self.panel.groups for folder in group.rglob("*") if folder.is_dir()],
            "devices": [path for path in ("/dev/vda", "/dev/mem", "/dev/kmsg", "/dev/loop0") if Path(path).exists()],
            "setuid": [self.setuid],
            "runs": [runs],
            "native": [native],
            "logs": [data / "logs"],
        }
        return {name: [str(each) for each in each_of] for name, each_of in found.items()}

    def everything(self) -> dict[str, tuple[int, int, int, int]]:
        """Kind and mode, owner, group and size of what is the panel's and the neighbours' and does not change."""
        targets = self.targets()
        quiet = [path for path in targets["files"] if Path(path).suffix not in {".log", ".db-wal", ".db"}]
        found = {path: Path(path).lstat() for path in [*quiet, *targets["folders"]]}
        return {
            path: (seen.st_mode, seen.st_uid, seen.st_gid, 0 if Path(path).is_dir() else seen.st_size)
            for path, seen in found.items()
        }

    def pids(self) -> Iterator[int]:
        """The panel first, then its helpers, then the neighbours' processes and the anchor of the one that builds."""
        assert self.panel.process is not None
        yield self.panel.process.pid
        homes = (self.panel.data_dir, self.panel.work)
        daemons = {pid for home in homes for pid in pids_with(b"HEADWAY_DAEMON=" + os.fsencode(home) + b"/")}
        assert len(daemons) == 2, daemons
        yield from daemons
        served = pids_with(f"HEADWAY_RELEASE_ID={self.serving['deploymentId']}".encode())
        assert served
        yield from served
        built = pids_with(f"HEADWAY_DEPLOYMENT_ID={self.building['deploymentId']}".encode())
        assert int(self.building["pid"]) in built
        yield from built


@contextlib.contextmanager
def made(mode: str) -> Iterator[Site]:
    """The site of a mode: folder's mode, what is off."""
    folder_mode, env = MODES[mode]
    memory = dict.fromkeys(("HEADWAY_BUILD_MEMORY", "HEADWAY_APPLICATION_MEMORY"), "512MiB")
    limits = {"HEADWAY_PROCESS_LIMIT": str(PROCESSES), **memory}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-accounts-")))
        folder.chmod(folder_mode)
        shared = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headway-setuid-")))
        shared.chmod(0o711)
        setuid = shared / "id"
        shutil.copy("/usr/bin/id", setuid)
        setuid.chmod(0o4755)
        panel = Panel(folder / "data", HEADWAY_CONCURRENCY="2", **(limits | env))
        stack.callback(panel.clean_up)
        site = Site(panel=panel.start(), folder=folder, setuid=setuid, env=env)
        site.set_up()
        yield site


@contextlib.contextmanager
def watch(panel: Panel, *, slowest_seconds: float, starved: bool) -> Iterator[None]:
    """Asks the panel and the neighbour again and again meanwhile; fails when one of them did not answer in time. Who
    may be ``starved`` may say so.
    """
    over = threading.Event()
    failures: list[str] = []
    times: list[float] = []
    health = f"http://127.0.0.1:{panel.port}/api/health"

    def ask(what: str, get: Callable[[], httpx.Response], expected: str) -> None:
        began = time.monotonic()
        try:
            answer = get()
        except httpx.HTTPError as error:
            failures.append(f"{what}: {error!r}")
            return
        times.append(time.monotonic() - began)
        if answer.text != expected:
            failures.append(f"{what}: {answer.status_code} {answer.text[:100]}")

    def work() -> None:
        with httpx.Client(trust_env=False, timeout=20) as client:
            while not over.wait(0.02):
                ask("health", lambda: client.get(health), '{"ok":true}')
                ask("neighbour", lambda: panel.visit("neighbour"), "undisturbed")

    asking = threading.Thread(target=work)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
    print(f"meanwhile {len(times)} requests, {len(failures)} failed, the slowest took {max(times) * 1000:.0f} ms")
    assert failures == [], failures
    assert max(times) < slowest_seconds


def most_processes(account: int, seconds: float) -> int:
    """The most processes that an account had at one time."""
    deadline, most = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        most = max(most, len(processes_of(account)))
    return most


def processes_of(account: int) -> list[int]:
    """The processes of an account, dead ones aside."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and folder.stat().st_uid == account:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                found += [] if state in "ZX" else [int(folder.name)]
    return found


def account_with(variable: bytes) -> int:
    """The account of the processes that carry a variable."""
    return until(lambda: next((uid for pid in pids_with(variable) if (uid := uid_of(pid))), 0), 30, what="its account")


def uid_of(pid: int) -> int:
    """Whose a process is; 0 for root's and for those that are gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}").stat().st_uid
    return 0


def _words(pid: int) -> bytes:
    """The command line of a process; nothing where it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def pids_with(variable: bytes) -> set[int]:
    """The processes whose environment has a variable that begins so."""
    found = set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and b"\0" + variable in b"\0" + (folder / "environ").read_bytes():
                found.add(int(folder.name))
    return found
