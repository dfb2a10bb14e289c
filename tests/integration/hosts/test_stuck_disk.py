"""A server whose disk hangs: what is asked of its files ends there in bounds, and what ends processes is done."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from headway.infra.hosts import porter, procfs
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.processes import with_descendants
from headway.infra.hosts.ssh import SshHost
from tests.support.machines.local_hosts import until
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_host, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
MOST = 64


@pytest.fixture
async def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[SshServer, SshHost]]:
    text = porter.program().replace(b"$STUCK_SECONDS   = 60;", b"$STUCK_SECONDS   = 1;")
    monkeypatch.setattr(porter, "program", lambda: text)
    with ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            yield server, host


async def test_what_a_disk_that_hangs_keeps_from_answering_is_not_added_to_for_ever(
    linked: tuple[SshServer, SshHost], tmp_path: Path
) -> None:
    server, host = linked
    hung = tmp_path / "hung"
    os.mkfifo(hung)  # whoever opens it to write waits for a reader, as on a disk that hangs

    async def ask() -> None:
        with suppress(HostUnreachable):
            await host.session.ask("append", str(hung), 0, b"x", seconds=0.1)

    await asyncio.gather(*(ask() for _ in range(MOST)))
    await until(lambda: len(hands(server)) >= MOST)
    await asyncio.sleep(2.1)  # whole seconds are counted
    before = hands(server)
    with pytest.raises(HostUnreachable, match="Does a disk of it hang"):
        await host.session.ask("append", str(hung), 0, b"x", seconds=5)
    with pytest.raises(HostUnreachable, match="Does a disk of it hang"):
        await host.length_of(str(tmp_path / "none"))
    assert hands(server) == before
    await host.end_marked("nobody-has-this-mark")
    with hung.open("rb"):  # it answers again
        await until(lambda: len(hands(server)) < MOST / 2)
        assert await host.length_of(str(tmp_path / "none")) == 0


def hands(server: SshServer) -> set[int]:
    """The children of the porter."""
    assert server.process is not None
    family = with_descendants([server.process.pid])
    perls = {pid for pid in family if procfs.argv(pid)[:2] == ("perl", "-we")}
    return perls - {min(perls, key=lambda pid: (procfs.start_time(pid) or 0, pid))}
