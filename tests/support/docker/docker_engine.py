"""A real Docker engine of the tests' own: a dockerd with folders, a socket and a bridge of its own, which leaves the
machine's firewall alone and the machine's own Docker too; and a base image that no registry has to be asked for.

As a program (``python docker_engine.py FOLDER``) it is the guard of an engine that several processes share.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROGRAMS = ("dockerd", "docker", "ip", "mmdebstrap", "setpriv", "setsid", "umount")
BASE_IMAGE = "headway-test/base:local"
START_SECONDS = 60
STOP_SECONDS = 30

# The network in which this process began: a test may have entered another one since.
HOME_NETWORK = os.open("/proc/self/ns/net", os.O_RDONLY)
SUITE = "trixie"
_LEFT_OUT = ("doc", "locale", "man")


def lacks_docker() -> str | None:
    """What keeps an engine from being started here, None where nothing does."""
    if os.geteuid() != 0:
        return "needs root: a Docker engine is root's to start"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"this machine has no {', '.join(missing)}; .ci/run installs what is needed"
    return None


class Engine:
    """One engine below a folder, running or not."""

    prefix: tuple[str, ...] = ()
    """What dockerd is started by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Where the accounts of builds come to, which a folder of pytest's does not let through.
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._door = Path(tempfile.gettempdir()) / f"headway-docker-{name}"
        self.socket = self._door / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """How clients name it."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Starts it, with what it had before, and waits until it answers."""
        self.launch()
        self.await_answer()

    def launch(self) -> None:
        """Starts it, and does not wait; from a thread that lasts as long as it is to."""
        (self.folder / "exec").mkdir(parents=True, exist_ok=True)
        self._door.mkdir(mode=0o711, exist_ok=True)
        options = self._options()
        with (self.folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                # When whoever started it is killed the engine goes with it.
                ["setpriv", "--pdeathsig", "TERM", "--", *self.prefix, "dockerd", *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def await_answer(self) -> None:
        """Waits until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(self._docker("version"), capture_output=True, check=False).returncode:
            assert self._process is not None
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it and every container; no error when it is not running."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Stops it and removes all that it made."""
        self.stop()
        if (self.folder / "bridge").exists():
            _, net = self._bridge()
            for name in _links_of(net):  # its own bridge, and one for each network that was left
                subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
        while _is_mounted(self.folder / "data"):  # dockerd mounts its folder upon itself
            subprocess.run(["umount", "--lazy", str(self.folder / "data")], check=True)
        for folder in (self.folder, self._door):
            shutil.rmtree(folder, ignore_errors=True)

    def docker(self, *arguments: str, stdin: bytes = b"", timeout: float = 60) -> str:
        """What a docker command that must succeed says."""
        ended = subprocess.run(self._docker(*arguments), input=stdin, capture_output=True, timeout=timeout, check=False)
        assert ended.returncode == 0, (arguments, ended.stderr.decode(errors="replace"))
        return ended.stdout.decode()

    def load_base_image(self) -> None:
        """Gives it the base image: Debian with Python, made once for this machine's user."""
        self.load(base_image(), BASE_IMAGE)

    def load(self, archive: Path, name: str) -> None:
        """Gives it an image of these files."""
        with archive.open("rb") as files:
            subprocess.run(self._docker("import", "-", name), stdin=files, capture_output=True, check=True)

    def log(self) -> str:
        """What the engine said last."""
        return (self.folder / "dockerd.log").read_text(errors="replace")[-4000:]

    def _docker(self, *arguments: str) -> list[str]:
        return ["docker", "--host", self.host, *arguments]

    def _network(self) -> dict[str, Any]:
        name, net = self._bridge()
        return {"bridge": name, "default-address-pools": [{"base": f"{net}.0.0/17", "size": 24}]}

    def _options(self) -> list[str]:
        configuration = {
            **self._network(),
            # What it publishes on the loopback is passed on by a program; nothing of the firewall is needed for that.
            "iptables": False,
            "ip6tables": False,
            "storage-driver": "overlay2",
            "shutdown-timeout": 2,
        }
        file = self.folder / "daemon.json"
        file.write_text(json.dumps(configuration))
        places: dict[str, str] = {
            "config-file": file.name,
            "data-root": "data",
            "exec-root": "exec",
            "pidfile": "docker.pid",
        }
        options = [f"--{option}={self.folder / place}" for option, place in places.items()]
        return [*options, f"--host={self.host}"]

    def _bridge(self) -> tuple[str, str]:
        """Its bridge, and the first two numbers of all addresses behind it."""
        file = self.folder / "bridge"
        if not file.exists():
            routes = Path("/proc/net/route").read_text()
            second = random.choice([number for number in range(64, 192) if _is_free(number, routes)])
            name, net = f"hwt{os.getpid()}x{second}", f"10.{second}"
            subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
            subprocess.run(["ip", "address", "add", f"{net}.128.1/24", "dev", name], check=True)
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
            file.write_text(f"{name} {net}")
        name, net = file.read_text().split()
        return name, net


def base_image() -> Path:
    """The base image as an archive, from the cache; made where it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headway-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"base-{SUITE}.tar"
    with locked(cache / "lock"):
        if not archive.exists():
            draft = archive.with_suffix(".new.tar")
            left_out = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in _LEFT_OUT]
            argv = ["mmdebstrap", "--quiet", "--variant=essential", "--include=python3", *left_out, SUITE, str(draft)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=300)
            draft.rename(archive)
    return archive


@contextlib.contextmanager
def shared_engine(folder: Path) -> Iterator[Engine]:
    """The engine below ``folder``, started by whoever comes first, and gone when the last one has left: also where one
    was killed, for the guard waits for a lock that each of them holds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    engine = Engine(folder / "engine")
    users = (folder / "users").open("ab")
    with locked(folder / "start"):
        fcntl.flock(users, fcntl.LOCK_SH)
        if not (folder / "ready").exists():
            # Whoever comes first may just be in the network of a machine of a swarm.
            home = ["nsenter", f"--net=/proc/self/fd/{HOME_NETWORK}"]
            guard = [*home, "setsid", "--fork", sys.executable, __file__, str(folder)]
            subprocess.run(guard, check=True, stdin=subprocess.DEVNULL, pass_fds=[HOME_NETWORK])
            _wait_for(folder / "ready")
    try:
        yield engine
    finally:
        users.close()
        with contextlib.suppress(BlockingIOError), (folder / "users").open("ab") as last:
            fcntl.flock(last, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last.close()
            _wait_until_gone(folder / "ready")


def _guard(folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engine = Engine(folder / "engine")
    try:
        engine.start()
        engine.load_base_image()
        (folder / "ready").touch()
        with (folder / "users").open("ab") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        engine.remove()
        (folder / "ready").unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _wait_for(file: Path, seconds: float = 110) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < deadline, "the engine does not start"
        time.sleep(0.05)


def _wait_until_gone(file: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while file.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_mounted(path: Path) -> bool:
    return any(line.split()[4] == str(path) for line in Path("/proc/self/mountinfo").read_text().splitlines())


def _links_of(net: str) -> list[str]:
    shown = subprocess.run(["ip", "-4", "-oneline", "address"], capture_output=True, text=True, check=True).stdout
    return [line.split()[1] for line in shown.splitlines() if line.split()[3].startswith(f"{net}.")]


def _is_free(second: int, routes: str) -> bool:
    """Whether a routing table of the kernel's leads nowhere below 10.``second``; it writes addresses from behind."""
    return not any(line.split()[1].endswith(f"{second:02X}0A") for line in routes.splitlines())


if __name__ == "__main__":
    _guard(Path(sys.argv[1]))
