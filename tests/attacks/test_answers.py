"""No host that somebody names fills the panel's memory by what it answers."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from headway.drivers.forges.base import ForgeAway, ForgeConnection, ForgeName
from headway.drivers.forges.client import ForgeClient
from headway.kernel.secret import Secret

pytestmark = pytest.mark.slow

MOST_KB = 200 << 10
# A frame of blocks that each say one byte 128 Ki times: 16 KiB that are 512 MiB, in one piece as it comes.
_FRAME = bytes.fromhex("28b52ffd") + bytes((0, 7 << 3))
_BLOCK = ((1 << 17) << 3 | 1 << 1).to_bytes(3, "little") + b"x"
BOMB = _FRAME + _BLOCK * 4096 + ((1 << 17) << 3 | 1 << 1 | 1).to_bytes(3, "little") + b"x"
PACKED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: zstd\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n" % len(BOMB)
) + BOMB
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"

# In a process of its own, whose memory is bounded so that the machine stands it where the test fails.
ASKS = """\
import asyncio, json, resource, sys
from datetime import UTC, datetime
from headway.drivers.forges.base import ForgeConnection, ForgeName
from headway.drivers.forges.client import ForgeClient
from headway.features.notifications.media import Media, NotTold
from headway.features.notifications.model import TEST, WEBHOOK, Channel, ChannelTarget, Notice, NoticeState
from headway.kernel.secret import Secret
resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30))
who, url = sys.argv[1:]
now = datetime.now(UTC)
nothing = dict(events=(), projects=(), services=(), quiet_seconds=0, failing_since=None, last_error=None)
channel = Channel(
    channel_id="c", organization_id="o", name="n", medium=WEBHOOK, target=ChannelTarget(url=url), created_at=now,
    disabled_at=None, **nothing,
)
notice = Notice(
    seq=0, notice_id="n", channel_id="c", event=TEST, about=TEST, payload={"name": "n", "time": "now"},
    state=NoticeState.WAITING, attempts=0, due_at=now, last_error=None, sent_at=None, created_at=now,
)
forge = ForgeConnection(forge=ForgeName.GITEA, provider_id="p", url=url, api_url=url, token=Secret("t0ken-of-it"))
async def main():
    if who == "channel":
        await Media().tell(channel, notice, now)
    else:
        await ForgeClient(connection=forge, headers={}).send("GET", "user", None)
try:
    asyncio.run(main())
    said = "well"
except BaseException as error:
    said = f"{type(error).__name__}: {error}"
# getrusage would tell the most of whoever started this one, too, which may be a process that has tested for long.
most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({"said": said, "kb": int(most.split()[1])}))
"""


@asynccontextmanager
async def answering(write: Callable[[asyncio.StreamWriter], None], *, endless: bool) -> AsyncIterator[str]:
    """A host that answers whatever it is asked so; its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            write(writer)
            await writer.drain()
            while endless:
                writer.write(b"x" * (1 << 20))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("who", "packed", "said"),
    [
        ("channel", True, "well"),
        ("channel", False, "well"),
        ("forge", True, "ForgeAway: Gitea at {} does not answer: its answer is packed ('zstd'), which"),
        ("forge", False, "ForgeAway: Gitea at {} does not answer: its answer is longer than 2 MiB."),
    ],
)
async def test_no_answer_fills_the_memory(who: str, packed: bool, said: str) -> None:  # noqa: FBT001 - a row of a table
    given = PACKED if packed else PLAIN
    async with answering(lambda writer: writer.write(given), endless=not packed) as url:
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", ASKS, who, url), stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(60):
            output, _ = await asking.communicate()
    found = json.loads(output)
    assert found["said"].startswith(said.format(url)), found
    assert found["kb"] < MOST_KB


@pytest.mark.parametrize("packing", ["gzip", "zstd", "deflate, br"])
async def test_what_is_packed_is_not_unpacked(packing: str) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {packing}\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
    async with answering(lambda writer: writer.write(head.encode()), endless=False) as url:
        forge = ForgeConnection(
            forge=ForgeName.GITEA, provider_id="p", url=url, api_url=url, token=Secret("t0ken-of-it")
        )
        with pytest.raises(ForgeAway, match="packed"):
            await ForgeClient(connection=forge, headers={}).send("GET", "user", None)
