"""A connection that ends, or falls silent, after any number of bytes in either direction: whoever asks is told so in
time, by the server's name, and whoever asks again over a whole one is answered.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from headway.infra.hosts import ssh_login, ssh_session
from headway.infra.hosts.anchor_client import LinkedAnchor
from headway.infra.hosts.base import AnchorGone, AnchorSpec, Exit, GoneReason, Handle, HostUnreachable
from headway.infra.hosts.ssh import SshHost
from tests.support.machines.local_hosts import new_panel_id, shell
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
LIMIT = 1.0  # of a login and of an answer, here
STEP = 97  # bytes from one place to the next, once past the first words
SIDES, ENDS = ("to the server", "from the server"), ("closed", "reset", "silent")


@dataclass
class Middle:
    """What stands between the panel and a server, and breaks a connection after so many more bytes of a side."""

    server: SshServer
    port: int = 0
    side: str = ""
    after: int = 0
    end: str = ""
    passed: Counter[str] = field(default_factory=Counter)

    def breaks(self, side: str, after: int, end: str) -> None:
        """Once, counted from now on."""
        self.side, self.after, self.end = side, after, end
        self.passed.clear()

    async def carry(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        far, to_far = await asyncio.open_connection(self.server.address, self.server.port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(SIDES[0], near, to_far))
                group.create_task(self._pass(SIDES[1], far, to_near))
        except* _Broken:
            if self.end == "silent":
                await _heard_out(near)
            elif self.end == "reset":
                _linger_not(to_near)
        except* (_Over, OSError):
            pass
        finally:
            for each in (to_near, to_far):
                each.close()

    async def _pass(self, name: str, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            left = self.after - self.passed[name]
            self.passed[name] += len(data)
            if self.side == name and len(data) >= left:
                self.side = ""
                target.write(data[:left])
                await target.drain()
                raise _Broken
            target.write(data)
            await target.drain()
        raise _Over


class _Broken(Exception):
    """It was broken here."""


class _Over(Exception):
    """One of both has ended it."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "server") as server:
        config = server.folder / "config"
        config.write_text(f"{config.read_text()}PerSourcePenalties no\nMaxStartups 100\n")
        server.stop()  # or it would let nobody in after so many logins that were broken off
        server.start()
        yield server


@asynccontextmanager
async def between(server: SshServer) -> AsyncIterator[Middle]:
    middle = Middle(server)
    listening = await asyncio.start_server(middle.carry, "127.0.0.1", 0)
    middle.port = listening.sockets[0].getsockname()[1]
    try:
        yield middle
    finally:
        listening.close()


def places(total: int) -> list[int]:
    """Each byte of the first words, then one in so many."""
    return [*range(48), *range(48, total, STEP), total - 1]


@pytest.mark.parametrize("end", ENDS)
async def test_a_connection_that_ends_at_any_byte_is_said(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(ssh_login, "LOGIN_SECONDS", LIMIT)
    monkeypatch.setattr(ssh_login, "CONNECT_SECONDS", LIMIT)
    monkeypatch.setattr(ssh_session, "CONNECT_SECONDS", LIMIT)
    monkeypatch.setattr(ssh_session, "ANSWER_SECONDS", LIMIT)
    said: Counter[str] = Counter()
    async with between(server) as middle:
        target = replace(server.target(), port=middle.port)
        panel_id = new_panel_id()

        def host() -> SshHost:
            return SshHost("server", target, panel_id, root=str(tmp_path / "hosts"))

        whole = host()
        expected = await whole.boot_id()
        target = whole.target  # with the key that it has shown
        await whole.aclose()
        totals = dict(middle.passed)
        for side in SIDES:
            looked_at = places(totals[side])
            for after in looked_at if end != "silent" else looked_at[::7]:
                middle.breaks(side, after, end)
                one, began = host(), time.monotonic()
                answer = await asked(one)
                assert time.monotonic() - began < 4 * LIMIT, f"{side}, {after}: in time"
                if isinstance(answer, HostUnreachable):
                    assert type(answer) is HostUnreachable, f"{side}, {after}: {answer.message}"
                    assert "test server" in answer.message, f"{side}, {after}: {answer.message}"
                    said[answer.message] += 1
                else:
                    assert answer == expected, "a question that may be repeated is"
                    said["answered"] += 1
                one.retry_at_once()
                assert await one.boot_id() == expected, f"{side}, {after}: by the next connection"
                await one.aclose()
    print(f"\n{end}: {sum(said.values())} connections")
    for message, count in said.most_common():
        print(f"{count:5} {message}")


async def asked(host: SshHost) -> str | HostUnreachable:
    """The boot that a server is of, or why it does not say."""
    try:
        return await host.boot_id()
    except HostUnreachable as away:
        return away


async def test_a_run_whose_link_ends_at_any_byte_is_whole(server: SshServer, tmp_path: Path) -> None:
    """From the opening of the anchor on: what was asked is done once, or can be asked again."""
    async with between(server) as middle:
        host = SshHost("server", replace(server.target(), port=middle.port), new_panel_id(), root=str(tmp_path / "h"))
        await _ran(host, "first")  # what is prepared once is there
        middle.passed.clear()
        await _ran(host, "whole")
        totals, came_to = dict(middle.passed), Counter[str]()
        for side in SIDES:
            for number, after in enumerate(range(0, totals[side], 13)):
                middle.breaks(side, after, "reset")
                came_to[await _ran(host, f"run{number}-{SIDES.index(side)}")] += 1
        await host.aclose()
    print(f"\n{totals} bytes of a run: {dict(came_to)}")


async def _ran(host: SshHost, deployment_id: str) -> str:
    """Does all that a run does, each call again where the link was what failed; what it came to."""
    counted = Path(host.root) / f"counted-{deployment_id}"
    opened, anchor = 0, None
    while anchor is None:
        opened += 1
        assert opened < 4
        host.retry_at_once()
        with suppress(HostUnreachable):
            await host.raise_epoch(deployment_id, opened)
            anchor = await host.open_anchor(AnchorSpec(deployment_id=deployment_id, epoch=opened, total_seconds=60))
    broke, left = 0, b""
    while anchor is not None and not left:
        try:
            left = await _done(host, anchor, counted)
        except (HostUnreachable, AnchorGone):
            broke += 1
            assert broke < 4
            host.retry_at_once()
            anchor = await _again(host, anchor.handle, opened)
    assert (left, counted.exists() and counted.read_text()) in ((b"done\n", "once\n"), (b"", False))
    for handle in await host.remaining():  # also what was opened, and nobody was told
        await host.forget(handle)
    assert await host.remaining() == []
    return f"opened {opened} times, broke {broke} times{'' if left else ', never started'}"


async def _done(host: SshHost, anchor: LinkedAnchor, counted: Path) -> bytes:
    """Carries a run to its end, from wherever it is; its output."""
    await anchor.go()
    await anchor.start("build", shell(f"echo once >> {counted}; echo done"))
    assert await anchor.wait("build") == Exit(statuses=(0,))
    assert await anchor.read(0, 100) == b"done\n"
    return await host.read_output(anchor.handle, 0, 100)


async def _again(host: SshHost, handle: Handle, epoch: int) -> LinkedAnchor | None:
    """The anchor, found again; None where it ended without a go-ahead."""
    try:
        return await host.attach(handle, epoch)
    except AnchorGone as gone:
        if gone.reason is not GoneReason.NEVER_STARTED:
            raise
        return None


async def _heard_out(reader: asyncio.StreamReader) -> None:
    """Until the other has had enough."""
    with suppress(OSError):
        while await reader.read(1 << 16):
            pass


def _linger_not(writer: asyncio.StreamWriter) -> None:
    """What is left is thrown away, and the other side is told so at once (RST)."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
