"""What is taken of a server's connection is given back, also where whoever asked for it has gone meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from headway.drivers.runtimes.remote.bundle import START, bundle
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.infra.hosts import measure, ssh_program
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.measure import folders_in
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.ssh_session import MOST_SESSIONS
from tests.integration.hosts.test_names_of_trust import setting
from tests.support.machines.local_hosts import until
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_host, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
SILENT = "import sys\nfrom pathlib import Path\nPath({begun!r}).open('a').write('.')\nsys.stdin.read()\n"


@pytest.fixture
async def linked(tmp_path: Path) -> AsyncIterator[tuple[SshServer, SshHost]]:
    with ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            yield server, host


async def test_a_start_that_nobody_waits_for_any_more_keeps_no_session(
    linked: tuple[SshServer, SshHost], tmp_path: Path
) -> None:
    _, host = linked
    begun, folder = tmp_path / "begun", tmp_path / "root" / "attendants" / bundle().digest
    folder.mkdir(parents=True)
    (folder / START).write_text(SILENT.format(begun=str(begun)))
    agent = RuntimeAgentClient(host, setting(tmp_path / "root"))
    for number in range(1, MOST_SESSIONS + 2):
        asking = asyncio.create_task(agent.call("native", "running"))
        async with asyncio.timeout(10):
            await until(lambda number=number: begun.exists() and len(begun.read_text()) == number)  # type: ignore[misc]
        asking.cancel()
        await asyncio.wait([asking])
    assert free(host) == MOST_SESSIONS


async def test_a_session_that_is_opened_when_nobody_waits_for_it_any_more_is_closed(
    linked: tuple[SshServer, SshHost],
) -> None:
    _, host = linked
    await host.boot_id()
    for _ in range(2 * MOST_SESSIONS):
        opening = asyncio.create_task(host.converse("cat"))
        for _ in range(3):  # which the answer of a server takes longer than
            await asyncio.sleep(0)
        opening.cancel()
        with suppress(asyncio.CancelledError):
            (await opening).close()
        await until(lambda: free(host) == MOST_SESSIONS)
    async with asyncio.timeout(10):
        # sshd counts a session until what was carried out in it has ended
        while not await begins(host):  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.05)


async def test_a_connection_that_is_made_when_nobody_waits_for_it_any_more_is_closed(
    linked: tuple[SshServer, SshHost], tmp_path: Path
) -> None:
    _, host = linked
    await host.boot_id()
    met: list[bytes] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(await reader.read())
        writer.close()

    async with await asyncio.start_unix_server(meet, str(tmp_path / "s")):
        dialing = asyncio.create_task(host.dial(str(tmp_path / "s")))
        for _ in range(3):  # which the answer of a server takes longer than
            await asyncio.sleep(0)
        dialing.cancel()
        with suppress(asyncio.CancelledError):
            (await dialing)[1].close()
        await until(lambda: met == [b""])


async def test_a_host_that_is_closed_while_the_key_of_its_server_is_kept_says_so(tmp_path: Path) -> None:
    with ssh_server(tmp_path / "server") as server:

        async def close_meanwhile(_host_key: str) -> None:
            await host.aclose()

        host = SshHost("server", server.target(), "closing", pin=close_meanwhile, root=str(tmp_path / "hosts"))
        with pytest.raises(HostUnreachable, match="was given up"):
            await host.boot_id()
        await until(lambda: server.connections() == 0)


async def test_a_host_that_is_closed_while_it_connects_leaves_no_connection(tmp_path: Path) -> None:
    with ssh_server(tmp_path / "server") as server:
        for milliseconds in range(0, 400, 25):  # a connection takes about a quarter of a second
            host = SshHost("server", server.target(), "closing", root=str(tmp_path / "hosts"))
            asking = asyncio.create_task(host.boot_id())
            await asyncio.sleep(milliseconds / 1000)
            await host.aclose()
            with suppress(HostUnreachable):
                await asking
            async with asyncio.timeout(5):
                await until(lambda: server.connections() == 0)


async def test_whoever_waits_for_a_session_in_vain_is_told_so(
    linked: tuple[SshServer, SshHost], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_program, "_SEAT_SECONDS", 0.2)
    _, host = linked
    held = [await host.converse("cat") for _ in range(MOST_SESSIONS)]
    with pytest.raises(HostUnreachable, match="none of the 8 things that may go on there at a time has ended"):
        async with asyncio.timeout(10):
            await host.converse("true")
    for each in held:
        each.close()
    assert free(host) == MOST_SESSIONS


async def test_a_disk_that_cannot_be_measured_keeps_no_session(
    linked: tuple[SshServer, SshHost], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "_SECONDS", 0.2)
    monkeypatch.setattr(measure, "_LIST", ("cat", "-"))
    _, host = linked
    async with asyncio.timeout(10):
        assert await folders_in(host, str(tmp_path)) == {}
    assert free(host) == MOST_SESSIONS


async def begins(host: SshHost) -> bool:
    """Whether a session may be begun now."""
    try:
        conversation = await host.converse("true")
    except HostUnreachable:
        return False
    conversation.close()
    return True


def free(host: SshHost) -> int:
    """How many sessions may still be begun."""
    return host.session.sessions._value
