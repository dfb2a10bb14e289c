"""A fence on a server behind SSH is one connection's: it falls with it, and so does what was to be done under it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextvars import Context
from pathlib import Path

import pytest

from headway.infra.hosts.base import EpochPassed, HostUnreachable
from headway.infra.hosts.ssh import SshHost
from tests.support.machines.local_hosts import new_panel_id, until
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_host, ssh_server

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


async def break_link(server: SshServer, host: SshHost) -> None:
    """The connection breaks, and another one stands."""
    server.stop()
    server.start()
    host.retry_at_once()
    await until(lambda: host.link is None)
    await host.boot_id()


@pytest.fixture
async def later(server: SshServer, panel_id: str) -> AsyncIterator[SshHost]:
    """The same server as another start of the same panel reaches it."""
    host = SshHost("server", server.target(), panel_id, root=str(server.folder / "hosts"))
    yield host
    await host.aclose()
    await host.aclose()


async def test_what_is_done_within_a_fence_is_not_done_over_another_connection(
    server: SshServer, host: SshHost, later: SshHost, tmp_path: Path
) -> None:
    route = tmp_path / "route"
    await host.raise_epoch("abc", 1)
    linked = asyncio.Event()
    async with host.fence("abc", 1):
        # As every other question of the panel would: who holds the fence knows of nothing.
        breaking = asyncio.create_task(break_link(server, host), context=Context())
        breaking.add_done_callback(lambda _: linked.set())
        await asyncio.wait_for(linked.wait(), 10)
        await later.raise_epoch("abc", 2)
        for _ in range(2):
            with pytest.raises(HostUnreachable):
                await host.write_file(str(route), b"that of epoch 1")
    assert not route.exists()
    with pytest.raises(EpochPassed):
        async with host.fence("abc", 1):
            pytest.fail("the fence let an earlier epoch in")
    await host.write_file(str(route), b"outside of it all goes on")


async def test_who_leaves_a_fence_that_has_fallen_lets_go_of_no_other(
    server: SshServer, host: SshHost, later: SshHost
) -> None:
    left = asyncio.Event()

    async def hold_until_left() -> None:
        await host.raise_epoch("abc", 1)
        async with host.fence("abc", 1):
            standing.set()
            await left.wait()

    standing = asyncio.Event()
    first = asyncio.create_task(hold_until_left())
    await standing.wait()
    server.stop()
    server.start()
    host.retry_at_once()
    await until(lambda: host.link is None)
    await host.raise_epoch("xyz", 1)
    async with host.fence("xyz", 1):
        left.set()
        await first
        await later.boot_id()
        raising = asyncio.create_task(later.raise_epoch("xyz", 2))
        done, _ = await asyncio.wait({raising}, timeout=0.5)
        assert not done
    await asyncio.wait_for(raising, 20)


async def test_whoever_takes_over_waits_for_what_goes_on_behind_a_broken_connection(
    server: SshServer, host: SshHost, later: SshHost, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    source = tmp_path / "source"
    source.write_bytes(b"x")
    os.mkfifo(pipe)  # who writes into it waits for a reader
    await host.raise_epoch("abc", 1)
    fenced = asyncio.Event()

    async def write() -> None:
        async with host.fence("abc", 1):
            fenced.set()
            await host.send_file(source, str(pipe))

    writing = asyncio.create_task(write())
    await asyncio.wait_for(fenced.wait(), 20)
    await asyncio.sleep(0.5)  # the time in which it begins to write
    server.stop()
    with pytest.raises(HostUnreachable):
        await writing
    server.start()
    await later.boot_id()
    raising = asyncio.create_task(later.raise_epoch("abc", 2))
    done, _ = await asyncio.wait({raising}, timeout=0.5)
    assert not done
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    await asyncio.wait_for(raising, 20)
    os.close(reader)
    host.retry_at_once()


async def test_a_fence_that_nobody_waits_for_any_more_is_let_go_of(
    server: SshServer, host: SshHost, later: SshHost
) -> None:
    await host.raise_epoch("abc", 1)
    await later.boot_id()

    async def hold() -> None:
        async with host.fence("abc", 1):
            pytest.fail("nobody has answered")

    server.hang()
    holding = asyncio.create_task(hold())
    await asyncio.sleep(0.2)
    holding.cancel()
    await asyncio.wait({holding})
    server.go_on()
    await host.boot_id()
    await asyncio.wait_for(later.raise_epoch("abc", 2), 5)
