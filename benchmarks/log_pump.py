"""What carrying costs: 100 MB from spool to log with a follower on it, the memory it takes, and reading its end."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path

from headway.infra.logs.broadcast import Broadcast, Chunk
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from headway.infra.logs.reader import tail
from tests.integration.logs.spool import Spool

_SIZE = 100_000_000
_LINE = "a line of a build with its secret tok-0123456789abcdef in it, some hundred bytes long like most ü\n".encode()
_SECRETS = ("tok-0123456789abcdef", "another-secret-value-1234", "hunter2hunter2hunter2")


async def main(folder: Path) -> None:
    """Pumps and follows, and prints the figures."""
    paths = LogPaths(folder / "logs")
    paths.prepare()
    spool = Spool(folder / "spool")
    with spool.path.open("wb") as file:
        for _ in range(100):
            file.write(_LINE * (_SIZE // 100 // len(_LINE)))
    broadcast = Broadcast(paths)
    pump = Pump(spool, paths.log("a"), Masker(_SECRETS), lambda size: broadcast.grew("a", size))
    stalls = [0.0]
    before, begin = _memory("VmRSS"), time.perf_counter()
    async with asyncio.TaskGroup() as group:
        following = group.create_task(_follow(broadcast))
        group.create_task(pump.run())
        watching = group.create_task(_watch(stalls))
        size = await pump.finish()
        pumped = time.perf_counter() - begin
        broadcast.ended("a")
        assert await following == size
        watching.cancel()
    followed = time.perf_counter() - begin
    grown = _memory("VmHWM") - before
    times = [await _timed_tail(paths.log("a")) for _ in range(50)]
    print(f"100 MB pumped in {pumped:.2f} s, followed to the end in {followed:.2f} s")
    print(f"memory grew by at most {grown / 1024:.1f} MiB; the loop stood still for at most {max(stalls) * 1e3:.0f} ms")
    print(f"last 100 lines of it: {sorted(times)[25] * 1e3:.2f} ms (median of 50)")


async def _follow(broadcast: Broadcast) -> int:
    offset, ended = 0, False
    while not ended:  # dropped where the pump is faster than one may be served, and back at once
        ended = True
        async for item in broadcast.follow("a", offset, expected=True):
            ended = isinstance(item, Chunk)
            offset = item.end_offset if isinstance(item, Chunk) else item.offset
    return offset


async def _timed_tail(log: Path) -> float:
    begin = time.perf_counter()
    await tail(log, 100)
    return time.perf_counter() - begin


async def _watch(stalls: list[float]) -> None:
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(0.001)
        stalls.append(time.perf_counter() - begin - 0.001)


def _memory(name: str) -> int:
    """A figure of this process, in KiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        asyncio.run(main(Path(temporary)))
