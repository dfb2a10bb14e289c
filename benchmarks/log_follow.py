"""How far 1,000 followers of one log lag behind: spool, pump, mask, log, broadcast, server-sent events over HTTP.

The server is a process of its own, and so is the client; every line carries the moment at which it was printed.
"""

from __future__ import annotations

import asyncio
import re
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import uvicorn
import uvloop

from headway.infra.logs.broadcast import Broadcast, Chunk
from headway.infra.logs.mask import Masker
from headway.infra.logs.paths import LogPaths
from headway.infra.logs.pump import Pump
from tests.integration.logs.spool import Spool

_LINES_A_SECOND = 200
_SECONDS = 10
_PRINTED = re.compile(rb"@(\d+)@")
_SECRETS = tuple(f"secret-value-number-{n}" for n in range(10))

Send = Callable[[dict[str, Any]], Awaitable[None]]


async def serve(folder: Path) -> None:
    """Serves a log to whoever asks; a line on standard input lets it begin to grow, a second one ends the server."""
    paths = LogPaths(folder)
    broadcast = Broadcast(paths)
    spool = Spool(folder / "spool")
    pump = Pump(spool, paths.log("a"), Masker(_SECRETS), lambda size: broadcast.grew("a", size))

    async def app(_scope: object, _receive: object, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        async with aclosing(broadcast.follow("a", expected=True)) as follower:
            await send({"type": "http.response.body", "body": b": hello\n\n", "more_body": True})
            async for item in follower:
                if isinstance(item, Chunk):
                    await send({"type": "http.response.body", "body": item.sse, "more_body": True})
        await send({"type": "http.response.body", "body": b"event: end\ndata: \n\n"})

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    print(listener.getsockname()[1], flush=True)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listener]))
        group.create_task(pump.run())
        await asyncio.to_thread(sys.stdin.readline)
        begin = time.monotonic()
        for n in range(_LINES_A_SECOND * _SECONDS):
            await asyncio.sleep(max(0.0, begin + n / _LINES_A_SECOND - time.monotonic()))
            await spool.append(
                b"line %d of a build, with secret-value-number-3 in it @%d@\n" % (n, time.monotonic_ns())
            )
        await pump.finish()
        broadcast.ended("a")
        await asyncio.to_thread(sys.stdin.readline)
        server.should_exit = True


def measure(followers: int, folder: Path) -> None:
    """Starts a server, follows with as many connections, and says how late lines came."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        clients, used = uvloop.run(_follow(server, followers))
    lags = sorted(lag / 1e6 for client in clients for lag in client.lags)
    assert len(lags) == followers * _LINES_A_SECOND * _SECONDS
    print(
        f"{followers:5} followers: lag {lags[len(lags) // 2]:.0f} ms at the median, "
        f"{lags[len(lags) * 99 // 100]:.0f} ms at p99, {lags[-1]:.0f} ms at most; "
        f"{clients[0].pieces / _SECONDS:.0f} events a second each; "
        f"server at {used / _SECONDS * 100:.0f} % of a processor"
    )


async def _follow(server: subprocess.Popen[str], followers: int) -> tuple[list[_Follower], float]:
    """The clients once the log has ended, and the processor time that serving them took, in seconds."""
    assert server.stdin
    assert server.stdout
    clients = await _connect(followers, int(server.stdout.readline()))
    before = _processor_seconds(server.pid)
    server.stdin.write("go\n")
    server.stdin.flush()
    await asyncio.gather(*(client.ended.wait() for client in clients))
    used = _processor_seconds(server.pid) - before
    server.stdin.write("stop\n")
    server.stdin.flush()
    return clients, used


async def _connect(followers: int, port: int) -> list[_Follower]:
    clients = []
    for _ in range(followers):
        _, client = await asyncio.get_running_loop().create_connection(_Follower, "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.answered.wait() for client in clients))
    return clients


class _Follower(asyncio.Protocol):
    """A client that only notes how old each line is when it comes."""

    def __init__(self) -> None:
        self.lags: list[int] = []
        self.pieces = 0
        self._rest = b""
        self.answered, self.ended = asyncio.Event(), asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.answered.set()
        self.pieces += 1
        whole, _, self._rest = (self._rest + data).rpartition(b"\n")
        self.lags += [now - int(printed) for printed in _PRINTED.findall(whole)]
        if b"event: end" in whole:
            self.ended.set()


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _allow_connections() -> None:
    """Server and client hold a socket for each follower."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    else:
        _allow_connections()
        print(f"one log, {_LINES_A_SECOND} lines a second, for {_SECONDS} s")
        for count in [int(argument) for argument in sys.argv[1:]] or [1, 100, 1000]:
            with tempfile.TemporaryDirectory() as temporary:
                measure(count, Path(temporary))
