"""Real servers behind SSH: an sshd of one's own on a loopback port, and hosts that log in there."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from headway.infra.hosts import processes
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_target import SshTarget
from headway.kernel.secret import Secret
from tests.support.machines.local_hosts import new_panel_id

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")


@dataclass
class SshServer:
    """An sshd that lets root in with a key; ``boot_id`` is the file that it shows as the kernel's."""

    folder: Path
    port: int
    key: Secret
    address: str = "127.0.0.1"
    within: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def boot_id(self) -> Path:
        return self.folder / "boot_id"

    @property
    def host_key(self) -> str:
        return " ".join((self.folder / "host_key.pub").read_text().split()[:2])

    def target(self, **changes: object) -> SshTarget:
        given: dict[str, object] = {
            "name": "test server",
            "address": self.address,
            "port": self.port,
            "username": "root",
            "private_key": self.key,
        }
        return SshTarget(**(given | changes))  # type: ignore[arg-type]  # the test names them right

    def start(self) -> None:
        argv = [*self.within, str(SSHD), "-D", "-e", "-f", str(self.folder / "config"), "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        self.await_answer()

    def await_answer(self) -> None:
        deadline = time.monotonic() + 10
        while not _answers(self.address, self.port):
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def stop(self) -> None:
        """Ends the daemon and every connection that it has; what left its sessions lives on."""
        if self.process is None:
            return
        self._signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        for pid in [*_sessions(self.process.pid), self.process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def family(self) -> set[int]:
        """The daemon, its connections, and what runs in them."""
        assert self.process is not None
        return processes.with_descendants([self.process.pid])

    def connections(self) -> int:
        """How many connections it has."""
        assert self.process is not None
        return len(_sessions(self.process.pid))

    def hang(self) -> None:
        """The daemon and every connection that it has stop; what is sent to them is taken, and never answered."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """They do again."""
        self._signal(signal.SIGCONT)

    def change_host_key(self) -> None:
        """Another key of the same server, as after it was set up anew."""
        make_key(self.folder / "host_key")


def make_key(path: Path, passphrase: str = "") -> Secret:
    """A new private key, whose public half lies beside it."""
    for left in (path, path.with_name(f"{path.name}.pub")):
        left.unlink(missing_ok=True)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return Secret(path.read_text())


@contextmanager
def ssh_server(folder: Path, address: str = "127.0.0.1", within: tuple[str, ...] = ()) -> Iterator[SshServer]:
    """A server on a free port of an address; ``within`` are the words that start a program where that address is."""
    assert SSHD is not None, "apt-get install openssh-server"
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    key = make_key(folder / "key")
    make_key(folder / "host_key")
    allowed = Path(tempfile.mkdtemp(prefix="headway-sshd-"))  # where any account may read it
    allowed.chmod(0o755)
    shutil.copy(folder / "key.pub", allowed / "keys")
    (folder / "config").write_text(
        f"HostKey {folder}/host_key\nAuthorizedKeysFile {allowed}/keys\nStrictModes no\nUsePAM no\n"
        f"ListenAddress {address}\nPidFile none\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nSetEnv HEADWAY_BOOT_ID_FILE={folder}/boot_id\n"
    )
    (folder / "boot_id").write_text(Path("/proc/sys/kernel/random/boot_id").read_text())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = SshServer(folder=folder, port=port, key=key, address=address, within=within)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(allowed)


@asynccontextmanager
async def ssh_host(server: SshServer, host_id: str = "server", **options: object) -> AsyncIterator[SshHost]:
    """A host on the server whose runs are ended at the end; a complaint of an anchor fails the test."""
    root = server.folder / "hosts"
    panel_id = str(options.pop("panel_id", "") or new_panel_id())
    host = SshHost(host_id, server.target(), panel_id, root=str(root), **options)  # type: ignore[arg-type]
    try:
        yield host
    finally:
        complaints = [text for file in root.glob("*/runs/*/anchor.err") if (text := file.read_text())]
        host.retry_at_once()
        for handle in await host.remaining():
            await host.forget(handle)
        trees = await host._trees()
        await host.aclose()
    for group in trees.folders.values():
        group.rmdir()
    assert complaints == []


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1) as probe:
            return probe.recv(4) == b"SSH-"
    except OSError:
        return False


def _sessions(pid: int) -> list[int]:
    """The processes of sshd itself below its daemon."""
    found = []
    for child in children(pid):
        if _text(Path(f"/proc/{child}/comm")).startswith("sshd"):
            found += [*_sessions(child), child]
    return found


def children(pid: int) -> list[int]:
    """The processes that a process has started; none of one that has ended meanwhile."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []
    return [int(child) for task in tasks for child in _text(task / "children").split()]


def _text(path: Path) -> str:
    """A file of /proc, "" for a process that has ended meanwhile."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
