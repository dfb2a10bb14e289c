"""Servers with a root of their own: a small Debian with its own processes, reached by its own sshd."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headway.infra.hosts import cgroups
from tests.support.docker.docker_engine import STOP_SECONDS, Engine
from tests.support.machines.namespaces import Cable, namespace
from tests.support.machines.ssh_servers import SshServer, children, make_key
from tests.support.panel.panel import Panel

_SUITE = "trixie"
_PACKAGES = ("openssh-server", "python3", "python3-venv", "python3-cryptography", "ca-certificates")
PROGRAMS = ("mmdebstrap", "unshare", "nsenter", "ip")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Its first process collects what others leave, as a machine's does; when it is killed, everything there is.
_FIRST = """\
root=$1; shift
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
for name in null zero full random urandom; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
exec chroot "$root" /bin/bash -c '"$@" & while :; do wait -n 2>/dev/null || sleep 0.2; done' first "$@"
"""
# The same, whose root is that of its mounts, as a machine's is, and no folder in ours: it takes part in more of them.
_FIRST_OF_ITS_OWN = """\
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
for name in null zero full random urandom; do : >"$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
cd "$root"
pivot_root . mnt
exec chroot . /bin/bash -c 'umount --lazy /mnt; "$@" & while :; do wait -n 2>/dev/null || sleep 0.2; done' first "$@"
"""


@dataclass
class RootedServer(SshServer):
    """A server at ``root``, on the other side of a cable; one that ``pivots`` can be shown nothing later."""

    root: Path = field(default_factory=Path)
    cable: Cable | None = None
    pivots: bool = False

    @property
    def boot_id(self) -> Path:
        return self.root / "etc/headway-test/boot_id"

    def start(self) -> None:
        """As the machine's start: nothing of what ran before is there."""
        argv = [*self.within, "unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c"]
        argv += [
            _FIRST_OF_ITS_OWN if self.pivots else _FIRST,
            "start",
            str(self.root),
            "/usr/sbin/sshd",
            "-D",
            "-e",
            "-f",
            "/etc/headway-test/config",
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        self.await_answer()

    def stop(self) -> None:
        """As when the power fails: nothing there lives on."""
        if self.process is not None:
            for pid in [*children(self.process.pid), self.process.pid]:
                os.kill(pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def provide_edge(self, panel: Panel, server_id: str) -> None:
        """Has the program of the edge where the panel brings it for this server, for who shows something else than
        that: packing, sending and unpacking it takes seven seconds of a processor.
        """
        place = f"{(panel.data_dir / 'panel.id').read_text()}-{server_id}"
        there = self.root / f"var/lib/headway/{place}.work/bin"
        for folder in (there.parent.parent, there.parent, there):
            folder.mkdir(mode=0o711, exist_ok=True)
        beside = Path(sys.prefix) / "bin" / "traefik"
        draft = there / "traefik.test"
        shutil.copy(beside if beside.exists() else shutil.which("traefik") or beside, draft)
        draft.rename(there / "traefik")

    def show(self, folder: Path) -> None:
        """Has a folder of this machine at the same path there, until the server is stopped."""
        there = self.root / folder.relative_to("/")
        there.mkdir(parents=True, exist_ok=True)
        self.among_mounts("mount", "--bind", str(folder), str(there))

    def among_mounts(self, *argv: str) -> str:
        """What a program of this machine says that sees what is mounted on the server, at paths of this machine."""
        assert self.process is not None
        (first,) = children(self.process.pid)
        entered = ["nsenter", f"--target={first}", "--mount", "--", *argv]
        return subprocess.run(entered, check=True, capture_output=True, text=True).stdout

    def living(self, argument: str) -> list[int]:
        """The processes of this server that have the argument."""
        return [pid for pid in _below(self.process.pid if self.process else 0) if argument in _argv(pid)]


@contextmanager
def rooted_server(folder: Path, index: int = 0, *, pivots: bool = False) -> Iterator[RootedServer]:
    """A server behind a cable that has what applications need; it is gone at the end, with all that ran on it. Those
    that are there at the same time differ in their ``index``.
    """
    with namespace(index) as cable, _unpacked(server_system()) as root:
        where = {"address": cable.address, "within": cable.within, "cable": cable, "pivots": pivots}
        server = _prepared(folder, root, port=22, **where)
        with _started(server):
            yield server


@contextmanager
def bare_server(folder: Path) -> Iterator[RootedServer]:
    """A server in this machine's network that has sshd and nothing else, and may install what it wants."""
    with _near(folder, _base("server-bare", "openssh-server")) as server:
        yield server


@contextmanager
def reaching_server(folder: Path) -> Iterator[RootedServer]:
    """A server in this machine's network that has what applications need, and reaches what this machine reaches."""
    with _near(folder, server_system()) as server:
        yield server


@contextmanager
def _near(folder: Path, system: Path) -> Iterator[RootedServer]:
    with _unpacked(system) as root:
        for own in (Path("/etc/resolv.conf"), Path("/etc/hosts"), *Path("/etc/apt/apt.conf.d").glob("99*"), TRUSTED):
            (root / own.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(own, root / own.relative_to("/"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with _started(_prepared(folder, root, port=port)) as server:
            yield server


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    root = Path(tempfile.mkdtemp(prefix="headway-root-"))
    try:
        subprocess.run(["tar", "-x", "-f", str(archive), "-C", str(root)], check=True)
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _started(server: RootedServer) -> Iterator[RootedServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _prepared(folder: Path, root: Path, *, port: int, **where: Any) -> RootedServer:  # noqa: ANN401 - a server's fields
    folder.mkdir(parents=True, exist_ok=True)
    key = make_key(folder / "key")
    make_key(folder / "host_key")
    own = root / "etc/headway-test"
    own.mkdir(mode=0o700)
    (root / "run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
    shutil.copy(folder / "host_key", own / "host_key")
    shutil.copy(folder / "key.pub", own / "keys")
    (own / "config").write_text(
        f"Port {port}\nHostKey /etc/headway-test/host_key\nAuthorizedKeysFile /etc/headway-test/keys\nStrictModes no\n"
        "UsePAM no\nPidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\nSetEnv HEADWAY_BOOT_ID_FILE=/etc/headway-test/boot_id\n"
    )
    (own / "boot_id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    return RootedServer(folder=folder, port=port, key=key, root=root, **where)


def server_system() -> Path:
    """What a server with what applications need starts from, as an archive."""
    return _base("server", ",".join(_PACKAGES))


def _base(name: str, packages: str) -> Path:
    """The system as an archive, made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headway-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"{name}-{_SUITE}.tar"
    with (cache / f"{name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            draft = archive.with_suffix(".new.tar")
            argv = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", _SUITE, str(draft)]
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, timeout=600)
            draft.rename(archive)
    return archive


def _below(pid: int) -> list[int]:
    return [each for child in children(pid) for each in (child, *_below(child))]


def _argv(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def remove_groups(data_dir: Path) -> None:
    """Removes the control groups that a panel's servers, which are gone, had: they share the kernel's trees."""
    panel_id = (data_dir / "panel.id").read_text()
    for tree in cgroups.hierarchies():
        for folder, below, _ in os.walk(tree.folder):  # others come and go meanwhile, which a glob does not stand
            if Path(folder).name == "headway":
                cgroups.remove([Path(folder) / name for name in below if name.startswith(f"{panel_id}-")])


class FarEngine(Engine):
    """The Docker engine of a server: in its network, and behind the socket where it is looked for."""

    def __init__(self, server: RootedServer) -> None:
        super().__init__(server.folder / "engine")
        self.prefix = server.within
        self.socket = server.root / "run/docker.sock"

    def _network(self) -> dict[str, Any]:
        return {"bip": "172.29.255.1/24"}


class NativeEngine(FarEngine):
    """One whose processes are among those of its server, as they are on a machine."""

    def __init__(self, server: RootedServer) -> None:
        super().__init__(server)
        assert server.process is not None
        (first,) = children(server.process.pid)
        own = 'mount --make-rprivate / && mount -t proc proc /proc && exec "$@"'
        entered = ("nsenter", f"--target={first}", "--pid", "--", "setpriv", "--pdeathsig", "TERM", "--")
        self.prefix = (*server.within, *entered, "unshare", "--mount", "/bin/sh", "-c", own, "own")

    def _network(self) -> dict[str, Any]:
        return {**super()._network(), "insecure-registries": ["10.0.0.0/8"]}  # one at this end of its cable

    def stop(self) -> None:
        """Ends it and every container; no error when it is not running."""
        engine = [] if self._process is None else children(self._process.pid)
        super().stop()  # who entered goes, and the engine with it
        deadline = time.monotonic() + STOP_SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in engine) and time.monotonic() < deadline:
            time.sleep(0.05)


@contextmanager
def engine_on(server: RootedServer, form: type[FarEngine] = FarEngine) -> Iterator[FarEngine]:
    """An engine on a server, with the programs that speak to it; nothing of it is left."""
    plugins = Path("/usr/libexec/docker/cli-plugins")
    for program in (Path("/usr/bin/docker"), plugins / "docker-buildx", plugins / "docker-compose"):
        there = server.root / program.relative_to("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(program, there)
    engine = form(server)
    engine.start()
    try:
        engine.load_base_image()
        yield engine
    finally:
        engine.remove()
