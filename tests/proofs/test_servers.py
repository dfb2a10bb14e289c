"""The truth across a link: kills with a cable that is pulled, other boots, and an sshd that is started again."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.http.working import working
from tests.integration.http.world import World, open_world
from tests.support.machines.local_hosts import with_argument
from tests.support.machines.namespaces import Cable, namespace
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server
from tests.support.panel.scripted import KIND, ScriptedKind, request

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
Json = Any
KILLS = 300


@dataclass(frozen=True)
class Site:
    """A panel whose engine runs, and a server behind a cable."""

    world: World
    ssh: SshServer
    cable: Cable
    server: Json

    async def run(self, *lines: str) -> str:
        ledger = self.world.services.deployments._ledger
        asked = request(self.server["serverId"], self.server["organizationId"], *lines)
        return (await self.world.services.db.run(lambda tx: ledger.enqueue(tx, asked))).deployment_id

    async def row(self, deployment_id: str) -> Json:
        return await self.world.get("deployment.one", deploymentId=deployment_id)

    async def until(self, deployment_id: str, what: str, seconds: float = 60) -> Json:
        """Waits until the row has a status, or has a field."""
        deadline = time.monotonic() + seconds
        while True:
            row = await self.row(deployment_id)
            if row["status"] == what or (row.get(what)):
                return row
            assert time.monotonic() < deadline, f"not {what} in {seconds} s: {row}"
            await asyncio.sleep(0.02)

    async def log(self, deployment_id: str) -> str:
        text: str = await self.world.get("deployment.readLogs", deploymentId=deployment_id, tail=10000)
        return text

    async def until_said(self, deployment_id: str, text: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while text not in await self.log(deployment_id):
            assert time.monotonic() < deadline, await self.row(deployment_id)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _site(tmp_path: Path, **env: str) -> AsyncIterator[Site]:
    with namespace() as cable, ssh_server(tmp_path / "server", cable.address, cable.within) as ssh:
        async with open_world(tmp_path / "data", **env) as world:
            key = await world.post("sshKey.create", name="k", privateKey=ssh.key.reveal())
            given = {"ipAddress": ssh.address, "port": ssh.port, "sshKeyId": key["sshKeyId"], "concurrency": 8}
            server = await world.post("server.create", name="one", **given)
            world.platform.engine._kinds[KIND] = ScriptedKind()
            async with working(world):
                yield Site(world, ssh, cable, server)
                await world.post("server.remove", serverId=server["serverId"], force=True)


def numbered(count: int, pause: float) -> str:
    return f"for n in $(seq {count}); do echo line $n; sleep {pause}; done"


def lines(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


async def test_a_kill_without_a_link_is_kept_and_carried_out(tmp_path: Path) -> None:
    async with _site(tmp_path) as site:
        deployment_id = await site.run("echo begun; exec sleep 98761")
        await site.until_said(deployment_id, "begun\n")
        site.cable.pull()
        await site.until(deployment_id, "outOfReachSince")
        answer = await site.world.owner.post("/deployment.killProcess", json={"deploymentId": deployment_id})
        assert answer.status_code == 503
        assert (await site.row(deployment_id))["killRequestedAt"] is not None
        assert len(with_argument("98761")) == 1
        site.cable.plug()
        row = await site.until(deployment_id, "error")
        assert row["reason"] == "killed"
        assert with_argument("98761") == []


async def test_another_boot_is_recognised_when_the_server_is_back(tmp_path: Path) -> None:
    async with _site(tmp_path) as site:
        deployment_id = await site.run("echo begun; exec sleep 98763")
        await site.until_said(deployment_id, "begun\n")
        site.ssh.stop()
        site.ssh.boot_id.write_text("another-boot\n")
        site.ssh.start()
        row = await site.until(deployment_id, "error", 60)
        assert (row["reason"], row["errorMessage"].startswith("The machine was restarted")) == ("lost", True)
        for pid in with_argument("98763"):  # in truth it was not restarted
            os.kill(pid, signal.SIGKILL)


async def test_a_restarted_sshd_is_not_noticed(tmp_path: Path) -> None:
    async with _site(tmp_path) as site:
        deployment_id = await site.run(numbered(200, 0.02))
        for mark in ("line 20\n", "line 80\n", "line 140\n"):
            await site.until_said(deployment_id, mark)
            site.ssh.stop()
            site.ssh.start()
        await site.until(deployment_id, "done", 60)
        assert await site.log(deployment_id) == f"{lines(200)}All lines are done.\n"


async def test_a_server_that_stays_away_is_given_up_and_cleared_before_anything_new(
    tmp_path: Path,
) -> None:
    async with _site(tmp_path, HEADWAY_REACH_DEADLINE="5") as site:
        deployment_id = await site.run("echo begun; (setsid sleep 98762 &); exec sleep 98762")
        await site.until_said(deployment_id, "begun\n")
        site.cable.pull()
        row = await site.until(deployment_id, "error")
        assert (row["reason"], "HEADWAY_REACH_DEADLINE" in row["errorMessage"]) == ("lost", True)
        waiting = await site.run("ps -eo args | grep -c '[s]leep 98762'; true")
        await asyncio.sleep(3)
        assert (await site.row(waiting))["status"] == "pending"
        assert len(with_argument("98762")) == 2  # nobody can reach it
        site.cable.plug()
        await site.until(waiting, "done")
        assert (await site.log(waiting)).startswith("0\n")
        assert (await site.row(deployment_id))["errorMessage"] == row["errorMessage"]


async def test_a_changed_host_key_holds_a_run_up_until_somebody_trusts_it(tmp_path: Path) -> None:
    async with _site(tmp_path) as site:
        deployment_id = await site.run(numbered(100, 0.1))
        await site.until_said(deployment_id, "line 20\n")
        site.ssh.stop()
        site.ssh.change_host_key()
        site.ssh.start()
        await site.until(deployment_id, "outOfReachSince")
        await asyncio.sleep(12)
        assert (await site.row(deployment_id))["status"] == "running"
        told = await site.world.get("server.one", serverId=site.server["serverId"])
        assert "has changed" in str(told), told
        await site.world.post("server.update", serverId=site.server["serverId"], forgetHostKey=True)
        await site.until(deployment_id, "done")
        assert await site.log(deployment_id) == f"{lines(100)}All lines are done.\n"


async def test_a_minute_without_a_link_costs_a_build_nothing(tmp_path: Path) -> None:
    async with _site(tmp_path) as site:
        deployment_id = await site.run(numbered(800, 0.1))
        await site.until_said(deployment_id, "line 50\n")
        site.cable.pull()
        await asyncio.sleep(60)
        site.cable.plug()
        await site.until(deployment_id, "done", 90)
        assert await site.log(deployment_id) == f"{lines(800)}All lines are done.\n"


async def test_kills_leave_nothing_and_are_quick(tmp_path: Path) -> None:
    escaping = (
        "(setsid sleep 98764 &) & env -i setsid sleep 98764 & (sh -c 'sleep 98764 & sleep 98764' &); "
        "echo up; exec sleep 98764"
    )
    took = []
    async with _site(tmp_path) as site:
        for _ in range(KILLS):
            deployment_id = await site.run(escaping)
            await site.until_said(deployment_id, "up\n")
            began = time.monotonic()
            await site.world.post("deployment.killProcess", deploymentId=deployment_id)
            took.append(time.monotonic() - began)
            assert (await site.row(deployment_id))["reason"] == "killed"
            assert with_argument("98764") == []
    took.sort()
    print(f"kills: median {statistics.median(took) * 1e3:.0f} ms, p99 {took[int(len(took) * 0.99)] * 1e3:.0f} ms")
