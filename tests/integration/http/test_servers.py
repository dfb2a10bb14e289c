"""`server.*` against a real sshd: what is kept, what is refused, and what a deployment on a server is."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from headway.features.servers import store as servers_store
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.ssh_target import fingerprint
from tests.integration.http.test_servers_access import asked as queried
from tests.integration.http.test_servers_access import told
from tests.integration.http.working import working
from tests.integration.http.world import World
from tests.support.databases.databases import nothing_is_written
from tests.support.machines.local_hosts import with_argument
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server
from tests.support.panel.scripted import KIND, ScriptedKind, request

pytestmark = [
    pytest.mark.slow,
    pytest.mark.root,
    pytest.mark.skipif(SSHD is None, reason="needs sshd (apt-get install openssh-server)"),
]
Json = Any


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshServer]:
    with ssh_server(tmp_path / "server") as server:
        yield server


@dataclass(frozen=True)
class Site:
    """A panel whose engine runs, and a server that it knows."""

    world: World
    ssh: SshServer
    server_id: str

    async def one(self) -> Json:
        return await self.world.get("server.one", serverId=self.server_id)

    async def setup(self, **wants: bool) -> str:
        answer = await self.world.owner.post("/server.setup", json={"serverId": self.server_id, **wants})
        assert answer.status_code == 200, answer.text
        return answer.headers["x-deployment-id"]

    async def row(self, deployment_id: str) -> Json:
        return await self.world.get("deployment.one", deploymentId=deployment_id)

    async def until(self, deployment_id: str, *statuses: str, seconds: float = 40) -> Json:
        deadline = time.monotonic() + seconds
        while (row := await self.row(deployment_id))["status"] not in statuses:
            assert time.monotonic() < deadline, row
            await asyncio.sleep(0.05)
        return row

    async def until_said(self, deployment_id: str, text: str, seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while text not in await self.world.get("deployment.readLogs", deploymentId=deployment_id):
            assert time.monotonic() < deadline, await self.row(deployment_id)
            await asyncio.sleep(0.05)


@pytest.fixture
async def site(world: World, ssh: SshServer) -> AsyncIterator[Site]:
    key = await world.post("sshKey.create", name="k", privateKey=ssh.key.reveal())
    made = await world.post("server.create", name="one", ipAddress="127.0.0.1", port=ssh.port, sshKeyId=key["sshKeyId"])
    async with working(world):
        yield Site(world, ssh, made["serverId"])
        await world.post("server.remove", serverId=made["serverId"], force=True)


async def test_a_server_is_looked_at_and_its_key_is_pinned(site: Site) -> None:
    found = await site.world.get("server.validate", serverId=site.server_id)
    assert found["problems"] == []
    assert found["facts"]["cores"] > 0
    assert found["facts"]["memoryBytes"] > 1 << 28
    assert abs(found["facts"]["clockDriftSeconds"]) < 5
    row = await site.one()
    assert row["hostKeyFingerprint"] == fingerprint(site.ssh.host_key)
    assert row["reach"]["isUp"]
    assert row["reach"]["lastSeenAt"] is not None
    assert "privateKey" not in row


async def test_a_key_that_could_not_be_kept_is_not_trusted_by_a_host_that_is_made_anew(
    world: World, ssh: SshServer
) -> None:
    """Else a panel that dies then has asked something of a server whose key the next one does not know."""
    key = await world.post("sshKey.create", name="k", privateKey=ssh.key.reveal())
    given = {"name": "one", "ipAddress": "127.0.0.1", "port": ssh.port, "sshKeyId": key["sshKeyId"]}
    server_id = (await world.post("server.create", **given))["serverId"]
    fleet = world.platform.fleet
    with nothing_is_written(world.platform.data_dir.path), pytest.raises(HostUnreachable, match="cannot be kept"):
        await fleet.server(server_id).boot_id()
    await fleet.load()  # as whenever a server changes
    fleet.server(server_id).retry_at_once()
    await fleet.server(server_id).boot_id()
    kept = await world.services.db.read(lambda tx: servers_store.find(tx, server_id).host_key)
    assert kept == ssh.host_key
    await world.post("server.remove", serverId=server_id, force=True)
    await fleet.aclose()


async def test_a_server_that_was_set_up_anew_is_refused_until_its_key_is_forgotten(site: Site) -> None:
    await site.world.get("server.validate", serverId=site.server_id)
    site.ssh.stop()
    site.ssh.change_host_key()
    site.ssh.start()
    answer = await site.world.owner.get("/server.validate", params={"serverId": site.server_id})
    assert answer.status_code == 503
    assert "host key of one" in answer.json()["message"]
    assert "has changed" in answer.json()["message"]
    await site.world.post("server.update", serverId=site.server_id, forgetHostKey=True)
    await site.world.get("server.validate", serverId=site.server_id)


async def test_a_key_stays_pinned_over_another_port_and_back(site: Site, tmp_path: Path) -> None:
    """Who comes to listen on another port of the machine is not taken for it."""
    await site.world.get("server.validate", serverId=site.server_id)
    pinned = (await site.one())["hostKeyFingerprint"]
    with ssh_server(tmp_path / "other") as other:
        assert other.host_key != site.ssh.host_key
        changes: tuple[dict[str, object], ...] = (
            {"port": other.port},
            {"port": site.ssh.port, "ipAddress": "localhost"},
            {"port": other.port, "ipAddress": "127.0.0.1", "username": "root"},
            {"port": site.ssh.port},
        )
        for change in changes:
            await site.world.post("server.update", serverId=site.server_id, **change)
            answer = await site.world.owner.get("/server.validate", params={"serverId": site.server_id})
            is_itself = change["port"] == site.ssh.port
            assert (answer.status_code, "has changed" in answer.text) == ((200, False) if is_itself else (503, True))
            assert (await site.one())["hostKeyFingerprint"] == pinned == fingerprint(site.ssh.host_key)
        assert "Accepted publickey" not in (other.folder / "log").read_text(), "nobody logged in there"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"ipAddress": "-oProxyCommand=x"}, "no address of a server"),
        ({"ipAddress": "a b"}, "no address of a server"),
        ({"username": "root;id"}, "no name of a user"),
        ({"name": "a\x07b"}, "control character"),
        ({"port": 0}, "Input validation failed"),
        ({"concurrency": 0}, "Input validation failed"),
    ],
)
async def test_what_cannot_be_is_refused(world: World, given: dict[str, object], sentence: str) -> None:
    body = {"name": "s", "ipAddress": "127.0.0.1", "port": 22, "username": "root", **given}
    answer = await world.owner.post("/server.create", json=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]


async def test_a_key_of_others_and_a_way_through_itself_are_refused(world: World) -> None:
    theirs = (await world.stranger.post("/sshKey.create", json={"name": "k"})).json()
    body = {"name": "s", "ipAddress": "127.0.0.1"}
    refused = await world.owner.post("/server.create", json={**body, "sshKeyId": theirs["sshKeyId"]})
    assert (refused.status_code, refused.json()["message"]) == (404, "SSH key not found")
    made = await world.post("server.create", **body)
    circle = await world.owner.post(
        "/server.update", json={"serverId": made["serverId"], "jumpServerId": made["serverId"]}
    )
    assert (circle.status_code, "through itself" in circle.text) == (400, True)


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_a_service_is_put_on_a_server_of_its_own_organisation_that_takes_releases(
    world: World, kind: str
) -> None:
    place = (await world.post("project.create", name="p"))["environment"]["environmentId"]
    theirs = (await world.stranger.post("/server.create", json={"name": "s", "ipAddress": "s.invalid"})).json()
    ours = await world.post("server.create", name="far", ipAddress="127.0.0.1")
    builds = await world.post("server.create", name="builds", ipAddress="127.0.0.1", serverType="build")
    for server_id, status, sentence in (
        (theirs["serverId"], 404, "Server not found"),
        ("no-such-server", 404, "Server not found"),
        (builds["serverId"], 400, "choose one of the type deploy"),
    ):
        asked = {"name": "a", "environmentId": place, "serverId": server_id}
        refused = await world.owner.post(f"/{kind}.create", json=asked)
        assert (refused.status_code, sentence in refused.json()["message"]) == (status, True)
    made = await world.post(f"{kind}.create", name="a", environmentId=place)
    mine = {f"{kind}Id": made[f"{kind}Id"]}
    refused = await world.owner.post(f"/{kind}.update", json={**mine, "serverId": theirs["serverId"]})
    assert (refused.status_code, made["serverId"]) == (404, None)
    await world.post(f"{kind}.update", **mine, serverId=ours["serverId"])
    assert (await world.get(f"{kind}.one", **mine))["serverId"] == ours["serverId"]
    refused = await world.owner.post("/server.remove", json={"serverId": ours["serverId"], "force": True})
    assert (refused.status_code, "a is on this server" in refused.json()["message"]) == (409, True)
    await world.post(f"{kind}.update", **mine, serverId="")
    await world.post(f"{kind}.delete", **mine)
    await world.post("server.remove", serverId=ours["serverId"])


async def test_what_is_deployed_stays_where_it_is_and_a_stack_stays_with_the_swarm(world: World) -> None:
    place, server = await world.environment(), await world.post("server.create", name="far", ipAddress="127.0.0.1")
    there = {"environmentId": place, "serverId": server["serverId"]}
    refused = await world.owner.post("/compose.create", json={"name": "s", "composeType": "stack", **there})
    assert (refused.status_code, "is on no server" in refused.json()["message"]) == (400, True)
    file = {"composeFile": "services: {web: {image: none}}"}
    compose_id = (await world.post("compose.create", name="a", **file, **there))["composeId"]
    refused = await world.owner.post("/compose.update", json={"composeId": compose_id, "composeType": "stack"})
    assert (refused.status_code, "is on no server" in refused.json()["message"]) == (400, True)
    deploy = await world.owner.post("/compose.deploy", json={"composeId": compose_id})
    assert deploy.status_code == 200
    listed = await world.get("deployment.allByServer", serverId=server["serverId"])
    assert [row["deploymentId"] for row in listed] == [deploy.headers["x-deployment-id"]]
    refused = await world.owner.post("/compose.update", json={"composeId": compose_id, "serverId": ""})
    assert (refused.status_code, "is on another machine" in refused.json()["message"]) == (409, True)
    backup = {"backupType": "compose", "databaseType": "postgres", "database": "d", "serviceName": "web"}
    made = await world.owner.post("/backup.create", json={**backup, "schedule": "@daily", "composeId": compose_id})
    assert made.status_code == 200, made.text


async def test_a_set_up_is_a_deployment_of_the_server(site: Site) -> None:
    deployment_id = await site.setup(docker=False, native=True, dryRun=True)
    row = await site.until(deployment_id, "done", "error")
    assert (row["status"], row["serverId"], row["title"]) == ("done", site.server_id, "Setup Server")
    for procedure, given in (
        ("deployment.allByServer", {"serverId": site.server_id}),
        ("deployment.allByType", {"id": site.server_id, "type": "server"}),
    ):
        assert [each["deploymentId"] for each in await site.world.get(procedure, **given)] == [deployment_id]
        stranger = await site.world.stranger.get(f"/{procedure}", params=given)
        assert (stranger.status_code, stranger.json()["message"]) == (404, "Server not found")
    log = await site.world.get("deployment.readLogs", deploymentId=deployment_id)
    assert log.endswith("Nothing was changed: this was a dry run.\n")
    for procedure in ("killProcess", "removeDeployment"):
        for client in (site.world.stranger, site.world.member):
            refused = await client.post(f"/deployment.{procedure}", json={"deploymentId": deployment_id})
            assert refused.status_code == 404
    await site.world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert await site.world.get("deployment.allByServer", serverId=site.server_id) == []


@pytest.mark.parametrize("wire", ["rest", "trpc"])
async def test_a_run_on_a_server_is_killed_and_removed_by_whom_it_belongs_to(site: Site, wire: str) -> None:
    world = site.world
    world.platform.engine._kinds[KIND] = ScriptedKind()
    asked = request(site.server_id, (await site.one())["organizationId"], "echo begun; exec sleep 98767")
    ledger, first = world.services.deployments._ledger, await site.setup(docker=False, native=True, dryRun=True)
    await site.until(first, "done", "error")
    deployment_id = (await world.services.db.run(lambda tx: ledger.enqueue(tx, asked))).deployment_id
    mine = {"deploymentId": deployment_id}
    await site.until_said(deployment_id, "begun")
    for procedure in ("deployment.killProcess", "deployment.removeDeployment"):
        for other in (world.stranger, world.member):
            assert await told(other, procedure, **mine) == {404}
    assert ((await site.row(deployment_id))["status"], len(with_argument("98767"))) == ("running", 1)
    for procedure, given in (
        ("deployment.allByServer", {"serverId": site.server_id}),
        ("deployment.allByType", {"id": site.server_id, "type": "server"}),
    ):
        listed = await world.get(procedure, **given)
        assert [(row["deploymentId"], row["serverId"]) for row in listed] == [
            (deployment_id, site.server_id),
            (first, site.server_id),
        ]
        assert await queried(world.stranger, procedure, **given) == {404}

    path, body = ("", mine) if wire == "rest" else ("/trpc", {"json": mine})
    answer = await world.owner.post(f"{path}/deployment.killProcess", json=body)
    assert (answer.status_code, with_argument("98767")) == (200, [])
    assert (await site.row(deployment_id))["reason"] == "killed"
    answer = await world.owner.post(f"{path}/deployment.removeDeployment", json=body)
    assert answer.status_code == 200
    assert (await world.owner.get("/deployment.one", params=mine)).status_code == 404


async def test_what_waits_for_a_server_that_is_away_starts_when_it_answers(site: Site) -> None:
    site.ssh.stop()
    deployment_id = await site.setup(docker=False, native=True, dryRun=True)
    deadline = time.monotonic() + 20
    while (row := await site.row(deployment_id))["waitsFor"]["what"] != "server":
        assert time.monotonic() < deadline, row
        await asyncio.sleep(0.05)
    assert (row["status"], row["queuePosition"]) == ("pending", 1)
    assert re.match(r"Its server \w+ has been out of reach since 20", row["waitsFor"]["message"])
    site.ssh.start()
    assert (await site.until(deployment_id, "done", "error"))["status"] == "done"


async def test_one_where_something_waits_is_removed_by_force_only(site: Site) -> None:
    site.ssh.stop()
    deployment_id = await site.setup(docker=False, native=True, dryRun=True)
    refused = await site.world.owner.post("/server.remove", json={"serverId": site.server_id})
    assert refused.status_code == 409
    assert "1 deployment waits or runs on this server" in refused.json()["message"]
    through = await site.world.post("server.create", name="two", ipAddress="127.0.0.1", jumpServerId=site.server_id)
    refused = await site.world.owner.post("/server.remove", json={"serverId": site.server_id, "force": True})
    assert "two can only be reached through this server" in refused.json()["message"]
    await site.world.post("server.remove", serverId=through["serverId"])
    row = await site.row(deployment_id)
    assert (row["status"], row["reason"]) == ("error", "cancelled")
