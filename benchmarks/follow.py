"""How far 1,000 followers of one deployment lag behind through the whole HTTP face: keys, policy, log and steps.

As ``log_follow``, but over ``deployment.follow`` of an open platform, with a step that begins or ends every second.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.log_follow import _allow_connections, _Follower, _processor_seconds
from headway.core.deployments.store import begin_step
from headway.http.server import Server
from headway.kernel.events import DeploymentMoved
from tests.integration.http.world import KEYS, World, open_world

_LINES_A_SECOND = 200
_SECONDS = 10


async def serve(folder: Path) -> None:
    """Serves a running deployment; a line on standard input lets its log grow, a second one ends the server."""
    async with open_world(folder) as world:
        deployment_id = await world.deploy(await world.application())
        await world.claim()
        server = Server(world.app, "127.0.0.1", 0)
        await server.start()
        print(server.port, deployment_id, flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.run())
            await asyncio.to_thread(sys.stdin.readline)
            await _write(world, deployment_id)
            world.services.broadcast.ended(deployment_id)
            await asyncio.to_thread(sys.stdin.readline)
            server.stop()


async def _write(world: World, deployment_id: str) -> None:
    begin = time.monotonic()
    with (world.platform.data_dir.logs / f"{deployment_id}.log").open("ab", buffering=0) as log:
        for n in range(_LINES_A_SECOND * _SECONDS):
            await asyncio.sleep(max(0.0, begin + n / _LINES_A_SECOND - time.monotonic()))
            log.write(b"line %d of a build, which says what it does @%d@\n" % (n, time.monotonic_ns()))
            world.services.broadcast.grew(deployment_id, log.tell())
            if n % _LINES_A_SECOND == 0:
                await _begin_step(world, deployment_id, f"step {n}")


async def _begin_step(world: World, deployment_id: str, name: str) -> None:
    await world.services.db.run(lambda tx: begin_step(tx, deployment_id, name, 1, 0))
    world.services.events.announce(DeploymentMoved(deployment_id=deployment_id, status="running"))


def measure(followers: int, folder: Path) -> None:
    """Starts a server, follows with as many connections, and says how late lines came."""
    with subprocess.Popen(
        [sys.executable, __file__, "serve", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        clients, used, grown = uvloop.run(_follow(server, followers))
    lags = sorted(lag / 1e6 for client in clients for lag in client.lags)
    assert len(lags) == followers * _LINES_A_SECOND * _SECONDS
    print(
        f"{followers:5} followers: lag {lags[len(lags) // 2]:.0f} ms at the median, "
        f"{lags[len(lags) * 99 // 100]:.0f} ms at p99, {lags[-1]:.0f} ms at most; "
        f"server at {used / _SECONDS * 100:.0f} % of a processor, {grown:.0f} MiB more for them"
    )


async def _follow(server: subprocess.Popen[str], followers: int) -> tuple[list[_Deployment], float, float]:
    assert server.stdin
    assert server.stdout
    port, deployment_id = server.stdout.readline().split()
    empty = _memory_mib(server.pid)
    clients = await _connect(followers, int(port), deployment_id)
    grown = _memory_mib(server.pid) - empty
    before = _processor_seconds(server.pid)
    server.stdin.write("go\n")
    server.stdin.flush()
    most = _LINES_A_SECOND * _SECONDS
    while any(len(client.lags) < most for client in clients):  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.5)
    used = _processor_seconds(server.pid) - before
    server.stdin.write("stop\n")
    server.stdin.flush()
    return clients, used, grown


async def _connect(followers: int, port: int, deployment_id: str) -> list[_Deployment]:
    clients = []
    for _ in range(followers):
        make = lambda: _Deployment(deployment_id)  # noqa: E731 - of this loop's one deployment
        _, client = await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port)
        clients.append(client)
    await asyncio.gather(*(client.answered.wait() for client in clients))
    return clients


class _Deployment(_Follower):
    """A client that follows a deployment with the owner's key."""

    def __init__(self, deployment_id: str) -> None:
        super().__init__()
        self._deployment_id = deployment_id

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        target = f"/api/deployment.follow?deploymentId={self._deployment_id}"
        request = f"GET {target} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEYS['owner']}\r\n\r\n"
        cast("asyncio.Transport", transport).write(request.encode())


def _memory_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / (1 << 20)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        uvloop.run(serve(Path(sys.argv[2])))
    else:
        _allow_connections()
        print(f"one deployment, {_LINES_A_SECOND} lines and a step a second, for {_SECONDS} s")
        for count in [int(argument) for argument in sys.argv[1:]] or [1, 1000]:
            with tempfile.TemporaryDirectory() as temporary:
                measure(count, Path(temporary) / "data")
