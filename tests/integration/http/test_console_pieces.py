"""What goes to and fro between a command in a console and whoever sits before it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headway.core.access.audience import Listener
from headway.core.access.model import GUEST
from headway.features.services.application.console import Console, Conversation
from headway.features.services.application.consoles import _end
from headway.http.consoles import _held
from headway.infra.hosts.local_program import converse_here
from headway.infra.logs.mask import Masker
from headway.kernel.console_frames import Kind
from tests.support.machines.ssh_servers import SSHD, ssh_host, ssh_server

Json = Any

SAYS = """\
import sys, time
for letter, data in [*(("o", each) for each in sys.argv[1:]), ("x", "{}")]:
    sys.stdout.buffer.write(letter.encode() + len(data).to_bytes(4) + data.encode())
    sys.stdout.buffer.flush()
    time.sleep(0.4)
"""


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (("> sword", "fish9-and", "-more\n"), [b"> ", b"sword", b"******\n"]),
        (("> swordfish9", "-and-more\n"), [b"> ", b"******\n"]),
        (("> swo", "p", "swordfish9-a"), [b"> ", b"swo", b"p", b"******"]),
        (("> swordfish9", "?\n"), [b"> ", b"swordfish9?\n"]),
    ],
)
async def test_a_pause_inside_a_secret_shows_no_more_of_it(pieces: tuple[str, ...], shown: list[bytes]) -> None:
    conversation = await converse_here(sys.executable, "-c", SAYS, *pieces)
    console = Console(conversation, Masker({"swordfish9-and-more"}), 20, asyncio.Event())
    found = [data async for kind, data in console.pieces() if kind is Kind.OUTPUT]
    conversation.close()
    assert await conversation.process.wait() == 0
    assert found == shown


AT_ONCE = SAYS.replace("    time.sleep(0.4)\n", "")


async def test_what_is_typed_after_a_command_has_ended_takes_nothing_of_what_it_said() -> None:
    conversation = await converse_here(sys.executable, "-c", AT_ONCE, "first", "second")
    console = Console(conversation, Masker(set()), 20, asyncio.Event())
    typed: Iterator[Json] = iter([b"iabc", b"iabc", b"w\0\x18\0\x50"])
    over, heard = asyncio.Event(), asyncio.Event()
    told: list[Json] = []

    async def receive() -> Json:
        await over.wait()
        if (data := next(typed, None)) is None:
            heard.set()
            await asyncio.Event().wait()
        return {"type": "websocket.receive", "bytes": data}

    async def send(message: Json) -> None:
        told.append(message["bytes"])
        await conversation.process.wait()
        over.set()
        await asyncio.wait_for(heard.wait(), 10)

    code = await _held(console, Listener(GUEST, frozenset(), lambda: datetime.now(UTC)), receive, send)
    await _end(conversation)
    assert (code, told) == (1000, [b"ofirst", b"osecond", b"x{}"])


LAST = """\
import sys, time
sys.stdout.buffer.write(b"o" + (100).to_bytes(4) + b"half of it")
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
sys.stdout.buffer.write(b"x" * 1_000_000)
time.sleep(0.7)
open(sys.argv[1], "w")
"""


async def left_amid_a_piece(conversation: Conversation) -> None:
    """Somebody has listened for a moment, and left."""
    console = Console(conversation, Masker(set()), 20, asyncio.Event())

    async def listened() -> list[Json]:
        return [piece async for piece in console.pieces()]

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(listened(), 0.5)
    await _end(conversation)


@pytest.mark.slow
async def test_whoever_leaves_amid_a_piece_is_gone_only_once_the_command_is(tmp_path: Path) -> None:
    (tmp_path / "last.py").write_text(LAST)
    words = ("python3", f"{tmp_path}/last.py")
    await left_amid_a_piece(await converse_here(*words, f"{tmp_path}/here"))
    assert (tmp_path / "here").exists()
    if SSHD is None or os.geteuid() != 0:
        return
    with ssh_server(tmp_path / "server") as server:
        async with ssh_host(server) as host:
            await left_amid_a_piece(await host.converse(*words, f"{tmp_path}/there"))
            assert (tmp_path / "there").exists()
