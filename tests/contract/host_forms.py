"""The hosts that the contract of hosts is held against, and what each understands as a command."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from headway.infra.hosts.base import Anchor, AnchorSpec, Host
from headway.infra.hosts.command import Command, Stage
from headway.infra.hosts.processes import is_alive
from headway.kernel.ids import new_id
from tests.simulation.border import Border
from tests.simulation.host import SimHost
from tests.simulation.machine import Machine
from tests.support.machines.local_hosts import PATH, local_host, shell, until
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_host, ssh_server


class Form(Protocol):
    """A kind of host under test, and the commands that it understands."""

    host: Host
    folder: Path

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        """Writes the text and ends with the status."""
        ...

    def writes(self, text: str) -> Command:
        """Writes the text and no line end."""
        ...

    def lasts(self, text: str, **options: object) -> Command:
        """Writes the text and goes on until it is ended from outside."""
        ...

    def notes(self, path: Path) -> Command:
        """Adds a line to a file each time it runs."""
        ...

    def pipe(self, *statuses: int) -> Command:
        """Stages joined by pipes that end with these statuses."""
        ...

    async def kill_anchor(self, anchor: Anchor) -> None:
        """Ends the anchor's process as if the machine had done it."""
        ...

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Makes the host say that it was started again."""
        ...


class Local:
    """This machine."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        return shell(f"echo {text}; exit {status}", None, **options)

    def writes(self, text: str) -> Command:
        return shell(f"printf %s {text}")

    def lasts(self, text: str, **options: object) -> Command:
        return shell(f"echo {text}; exec sleep 1000", None, **options)

    def notes(self, path: Path) -> Command:
        return shell(f"echo ran >> {path}")

    def pipe(self, *statuses: int) -> Command:
        stages = [Stage(argv=("/bin/sh", "-c", f"cat; exit {status}")) for status in statuses]
        return Command(stages=tuple(stages), env={"PATH": PATH})

    async def kill_anchor(self, anchor: Anchor) -> None:
        os.kill(anchor.handle.pid, 9)
        await until(lambda: not is_alive(anchor.handle.pid, anchor.handle.start_time))

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        other = self.folder / "boot_id"
        other.write_text("another-boot\n")
        monkeypatch.setenv("HEADWAY_BOOT_ID_FILE", str(other))


@asynccontextmanager
async def _local(folder: Path) -> AsyncIterator[Form]:
    async with local_host(folder / "host") as host:
        yield Local(host, folder)


class _BootId:
    """What the server says of its boot, as an attribute that a test can exchange for a while."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def now(self) -> str:
        return self._file.read_text()

    @now.setter
    def now(self, text: str) -> None:
        self._file.write_text(text)


class Remote(Local):
    """This machine, on the other end of an SSH link."""

    def __init__(self, host: Host, folder: Path, server: SshServer) -> None:
        super().__init__(host, folder)
        self._boot = _BootId(server.boot_id)

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self._boot, "now", "another-boot\n")


@asynccontextmanager
async def _remote(folder: Path) -> AsyncIterator[Form]:
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("needs root and sshd (apt-get install openssh-server)")
    with ssh_server(folder / "server") as server:
        async with ssh_host(server) as host:
            yield Remote(host, folder, server)


class Simulated:
    """The host of the simulation."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._machine = Machine()
        self._machine.effect = lambda name: _add_line(Path(name))
        self.host: Host = SimHost(self._machine, Border())

    def prints(self, text: str, status: int = 0, **options: object) -> Command:
        return Command(stages=(Stage(argv=("sim", f"print {text}", f"exit {status}")),), **options)  # type: ignore[arg-type]

    def writes(self, text: str) -> Command:
        return Command(stages=(Stage(argv=("sim", f"write {text}")),))

    def lasts(self, text: str, **options: object) -> Command:
        return Command(stages=(Stage(argv=("sim", f"print {text}", "last")),), **options)  # type: ignore[arg-type]

    def notes(self, path: Path) -> Command:
        return Command(stages=(Stage(argv=("sim", f"effect {path}")),))

    def pipe(self, *statuses: int) -> Command:
        return Command(stages=tuple(Stage(argv=("sim", f"exit {status}")) for status in statuses))

    async def kill_anchor(self, anchor: Anchor) -> None:
        self._machine.runs[anchor.handle.deployment_id, anchor.handle.epoch].die()

    def restart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self._machine, "boot", 2)


def _add_line(path: Path) -> None:
    with path.open("a") as file:
        file.write("ran\n")


@asynccontextmanager
async def _simulated(folder: Path) -> AsyncIterator[Form]:
    yield Simulated(folder)


FORMS: dict[str, Callable[[Path], AbstractAsyncContextManager[Form]]] = {
    "local": _local,
    "ssh": _remote,
    "simulated": _simulated,
}


async def opened(host: Host, epoch: int = 1, deployment_id: str | None = None, total_seconds: float = 100) -> Anchor:
    spec = AnchorSpec(deployment_id=deployment_id or new_id(), epoch=epoch, total_seconds=total_seconds)
    anchor = await host.open_anchor(spec)
    await anchor.go()
    return anchor


async def written(anchor: Anchor) -> str:
    return (await anchor.read(0, 1 << 20)).decode()
