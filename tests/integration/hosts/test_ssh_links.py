"""A link to a server behind SSH: its number is its own, and the epochs that it holds fall with it, also in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from headway.infra.hosts import porter_link
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh import SshHost
from tests.support.machines.local_hosts import new_panel_id, until
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_host, ssh_server
from tests.support.panel.panel import free_port

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "server") as server:
        yield server


@pytest.fixture
def panel_id() -> str:
    return new_panel_id()


@pytest.fixture
async def host(server: SshServer, panel_id: str) -> AsyncIterator[SshHost]:
    async with ssh_host(server, panel_id=panel_id) as host:
        yield host


async def test_a_server_made_anew_has_no_link_that_was_there_before(server: SshServer, tmp_path: Path) -> None:
    links: list[int | None] = []
    for _ in range(3):  # as for each change of its address or key
        host = SshHost("server", server.target(), "anew", root=str(tmp_path / "hosts"))
        await host.boot_id()
        links.append(host.link)
        await host.aclose()
    assert None not in links
    assert len(set(links)) == 3


async def test_a_fence_over_a_link_that_died_without_a_word_falls(
    server: SshServer, host: SshHost, panel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(porter_link, "BEAT_SECONDS", 0.5)
    monkeypatch.setattr(porter_link, "SILENCE_SECONDS", 3)
    other_way = replace(server, port=free_port(), process=None)
    other_way.start()
    later = SshHost("server", other_way.target(), panel_id, root=str(server.folder / "hosts"))
    await host.raise_epoch("abc", 1)
    try:
        async with host.fence("abc", 1):
            await asyncio.sleep(5)
            raising = asyncio.create_task(later.raise_epoch("abc", 2))
            done, _ = await asyncio.wait({raising}, timeout=1)
            assert not done, "who is heard of holds its fence for as long as it needs"
            server.hang()
            await asyncio.wait_for(raising, 15)
            server.go_on()
            with pytest.raises(HostUnreachable):
                await host.write_file(str(server.folder / "route"), b"that of epoch 1")
    finally:
        await later.aclose()
        other_way.stop()
    host.retry_at_once()
    await until(lambda: host.link is None)
    await host.boot_id()


MOST_AHEAD = 24 << 20  # in the buffers of both ends and of what is between them


async def test_who_reads_slowly_holds_up_who_writes(host: SshHost, tmp_path: Path) -> None:
    written = 0

    async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        with suppress(ConnectionError):
            while True:
                writer.write(bytes(64 << 10))
                await writer.drain()
                written += 64 << 10

    async def standstill() -> int:
        before = -1
        async with asyncio.timeout(20):
            while written != before:
                before = written
                await asyncio.sleep(0.5)
        return written

    listening = await asyncio.start_unix_server(flood, str(tmp_path / "s"))
    reader, writer = await host.dial(str(tmp_path / "s"))
    try:
        assert await standstill() < MOST_AHEAD
        async with asyncio.timeout(20):
            await host.boot_id()
            await reader.readexactly(48 << 20)
        assert await standstill() < (48 << 20) + MOST_AHEAD, "and it is held up again"
    finally:
        writer.close()
        listening.close()
