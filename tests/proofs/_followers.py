"""Many followers of one log, cheap enough to leave the machine to the panel: a program of its own.

``python followers.py COUNT TARGET KEY PORT`` connects, says ``ready`` when all are answered, and at the end of the log
one line of JSON: how late lines came (milliseconds, by quantiles) and how many each follower got.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import Callable
from typing import cast

import uvloop

_PRINTED = re.compile(rb"@(\d+)@")


class Follower(asyncio.Protocol):
    """A connection that notes how old each line is when it comes."""

    def __init__(self, request: bytes, ended: Callable[[], None]) -> None:
        self.lags: list[int] = []
        self.answered = asyncio.Event()
        self._request = request
        self._ended = ended
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.answered.set()
        whole, _, self._rest = (self._rest + data).rpartition(b"\n")
        self.lags += [now - int(printed) for printed in _PRINTED.findall(whole)]
        if b"event: end" in whole:
            self._ended()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended()


async def follow(count: int, target: str, key: str, port: int) -> list[Follower]:
    """Follows with ``count`` connections to the end."""
    request = f"GET {target} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(count)]
    followers: list[Follower] = []
    for future in ended:
        make = lambda future=future: Follower(request, lambda: future.done() or future.set_result(None))  # noqa: E731
        _, follower = await loop.create_connection(make, "127.0.0.1", port)
        followers.append(follower)
        if len(followers) % 50 == 0:
            await follower.answered.wait()
    await asyncio.gather(*(follower.answered.wait() for follower in followers))
    print("ready", flush=True)
    await asyncio.gather(*ended)
    return followers


def main() -> None:
    """See the module's docstring."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    count, target, key, port = sys.argv[1:]
    followers = uvloop.run(follow(int(count), target, key, int(port)))
    lags = sorted(lag / 1e6 for follower in followers for lag in follower.lags)
    lines = [len(follower.lags) for follower in followers]
    quantiles = {str(quantile): lags[min(len(lags) - 1, int(len(lags) * quantile))] for quantile in (0.5, 0.9, 0.99, 1)}
    print(json.dumps({"lag": quantiles, "fewest": min(lines), "most": max(lines)}), flush=True)


if __name__ == "__main__":
    main()
