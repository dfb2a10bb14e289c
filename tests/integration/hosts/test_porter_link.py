"""What a server says on its session of a porter, heard by a client of SSH: all that nobody waits for is counted."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncssh
import pytest

from headway.infra.hosts.porter import PorterLost
from headway.infra.hosts.porter_link import Porter
from headway.infra.hosts.wire import frame

HELLO = frame(["1", "ok", "hello"])
TO_NOBODY = {
    "an answer": frame(["77777", b"\0" * 1_000]),
    "a connection": frame(["", "from", "99", b"\0" * 1_000]),
    "an end": frame(["", "shut", "99"]),
}


@pytest.mark.parametrize("message", TO_NOBODY.values(), ids=TO_NOBODY)
@pytest.mark.parametrize("greets", [True, False])
async def test_what_nobody_waits_for_is_counted(message: bytes, greets: bool) -> None:  # noqa: FBT001 - a case
    most = (16 << 20) if greets else (64 << 10)
    spoken = message * (most // len(message) + 1) if len(message) > 1_000 or not greets else message * 800_000
    porter = await heard(HELLO * greets + spoken)
    sentence = "answered with something that is no answer" if greets else "says something of its own before"
    assert sentence in porter.fault


@pytest.mark.parametrize("message", TO_NOBODY.values(), ids=TO_NOBODY)
async def test_a_little_of_it_is_passed_over(message: bytes) -> None:
    porter = await heard(message * 10 + HELLO + message * 1_000, seconds=0.5)
    assert porter.fault == ""


async def heard(spoken: bytes, seconds: float = 60) -> Porter:
    """A porter whose server has said this in answer to the first question, and then nothing."""

    async def speak(process: asyncssh.SSHServerProcess[bytes]) -> None:
        await process.stdin.read(1)
        process.stdout.write(spoken)
        await process.stdout.drain()
        await asyncio.sleep(seconds)

    key = asyncssh.generate_private_key("ssh-ed25519")
    porter = Porter()
    server = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Open, server_host_keys=[key], process_factory=speak, encoding=None
    )
    async with server, asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None, username="u") as connection:
        await connection.create_session(lambda: porter, "x", encoding=None)
        with suppress(PorterLost, TimeoutError):
            await porter.ask("hello", seconds=seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await porter.down.wait()
    return porter


class Open(asyncssh.SSHServer):
    """Takes whoever comes."""

    def begin_auth(self, username: str) -> bool:
        return False
