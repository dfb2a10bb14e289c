"""Services that are deleted while their server cannot be asked: always gone for everybody, and nothing of it unsaid."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from headway.core.deployments import store as deployments
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.status import Status
from headway.features.services import store
from headway.features.services.compose.failback import ComposeFailback, ReplacedContainers
from headway.features.services.compose.reconciler import ComposeReconciler
from headway.features.services.reconciler import ServiceReconciler
from headway.infra.daemons.daemon import MARKER
from headway.infra.db.transaction import Tx
from tests.integration.http.test_keeper import NONE, keeper_with
from tests.integration.http.test_taken import ended
from tests.integration.http.working import working
from tests.integration.http.world import World
from tests.support.machines.ssh_servers import SSHD, SshServer, ssh_server

Json = Any
NOWHERE = {"ipAddress": "127.0.0.1", "port": 9}
KINDS: Json = {"application": {}, "compose": {"composeFile": "services: {web: {image: none}}"}}


class Announced(asyncio.Lock):
    """Says when somebody waits for it, or has it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def acquire(self) -> Literal[True]:
        self.asked.set()
        return await super().acquire()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[SshServer]:
    """A server without Python."""
    if SSHD is None:
        pytest.skip("needs sshd (apt-get install openssh-server)")
    missing = tmp_path / "python3"
    missing.write_text("#!/bin/sh\necho python3: not found >&2\nexit 127\n")
    missing.chmod(0o755)
    hide = f'mount --bind {missing} "$(readlink --canonicalize /usr/bin/python3)" && exec "$@"'
    with ssh_server(tmp_path / "server", within=("unshare", "--mount", "sh", "-c", hide, "sh")) as server:
        yield server


async def server_of(world: World, **access: Json) -> str:
    key = await world.post("sshKey.create", name="k", **access.pop("key", {}))
    made = await world.post("server.create", name="far", sshKeyId=key["sshKeyId"], **(NOWHERE | access))
    server_id: str = made["serverId"]
    return server_id


async def service_on(world: World, kind: str, server_id: str | None) -> Json:
    """A service in a project of its own, not deployed."""
    given = {"environmentId": await world.environment("p"), "serverId": server_id, **KINDS[kind]}
    if kind == "application":
        given["customGitUrl"] = "https://git.example/team/app.git"
    return await world.post(f"{kind}.create", name="shop", **given)


async def project(world: World) -> Json:
    (found,) = await world.get("project.all")
    return {"projectId": found["projectId"]}


async def deployed(world: World, kind: str, service: Json) -> None:
    """One deployment of it was let onto its server, and has ended."""
    answer = await world.owner.post(f"/{kind}.deploy", json={f"{kind}Id": service[f"{kind}Id"]})
    deployment_id = answer.headers["x-deployment-id"]
    await world.post("deployment.cancel", deploymentId=deployment_id)

    def begun(tx: Tx) -> None:
        deployments.set_fields(tx, deployment_id, started_at=tx.now)

    await world.services.db.run(begun)


async def test_what_was_never_deployed_goes_without_its_server(world: World, kind: str) -> None:
    server_id = await server_of(world)
    service = await service_on(world, kind, server_id)
    await world.post(f"{kind}.delete", **{f"{kind}Id": service[f"{kind}Id"]})
    await world.post("project.remove", **await project(world))
    await world.post("server.remove", serverId=server_id)


async def test_what_lies_on_a_server_that_does_not_answer_is_gone_for_everybody_and_the_rest_is_said(
    world: World, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    server_id = await server_of(world)
    service = await service_on(world, kind, server_id)
    mine, place = {f"{kind}Id": service[f"{kind}Id"]}, await project(world)
    await deployed(world, kind, service)

    async def refused(procedure: str, **given: Json) -> tuple[int, str]:
        answer = await world.owner.post(f"/{procedure}", json=given)
        return answer.status_code, answer.json()["message"]

    status, told = await refused(f"{kind}.delete", **mine)
    assert (status, told.startswith("shop is deleted, and goes from its server")) == (503, True)
    assert "remove the server (server.remove): what lies there stays there." in told
    assert (await world.owner.get(f"/{kind}.one", params=mine)).status_code == 404
    status, told = await refused("project.remove", **place)
    assert (status, "not gone from its server yet: shop on far." in told) == (409, True)
    status, told = await refused("server.remove", serverId=server_id)
    assert (status, told.startswith("shop is deleted, and not gone from this server yet.")) == (409, True)

    await finish(world, kind, server_id)
    noun = {"application": "application", "compose": "compose service"}[kind]
    assert f"{noun} {service[f'{kind}Id']} is not gone from its host yet: " in caplog.text
    assert (await refused("project.remove", **place))[0] == 409
    await world.post("server.remove", serverId=server_id, force=True)
    with caplog.at_level(logging.WARNING):
        await finish(world, kind, server_id)
    assert "shop has on the server that was removed stays there" in caplog.text
    await world.post("project.remove", **place)


async def test_a_deletion_that_somebody_else_finishes_is_not_done_again(world: World, kind: str) -> None:
    service_id = (await service_on(world, kind, None))[f"{kind}Id"]
    keeper, turn = keeper_of(world, kind, LOCAL_HOST), Announced()
    keeper.lifecycle = replace(keeper.lifecycle, turns={service_id: turn})
    lifecycle, reader = keeper.lifecycle, keeper.lifecycle.driver.reader
    await world.services.db.run(lambda tx: store.begin_deletion(tx, service_id))
    async with lifecycle.turn(service_id), asyncio.timeout(10):
        turn.asked.clear()
        await keeper.finish_deletions()  # which is left to who has the turn: no round waits for that
        late = asyncio.create_task(keeper._finish_deletion(service_id))
        await turn.asked.wait()
        (service,) = await world.services.db.read(lambda tx: reader.being_deleted(tx, lifecycle.vault))
        await lifecycle.remove(service)
        folder = Path(lifecycle.tools.folders.all_of(service_id)[-1])
        folder.mkdir(parents=True)  # which a second removal would take away
    await late
    assert folder.exists()


async def test_a_server_that_cannot_be_entered_any_more_is_not_one_that_was_removed(world: World, kind: str) -> None:
    server_id = await server_of(world)
    service = await service_on(world, kind, server_id)
    await deployed(world, kind, service)
    (key,) = await world.get("sshKey.all")
    await world.post("sshKey.remove", sshKeyId=key["sshKeyId"])
    await world.platform.fleet.load()
    answer = await world.owner.post(f"/{kind}.delete", json={f"{kind}Id": service[f"{kind}Id"]})
    assert (answer.status_code, "The server far has no SSH key" in answer.text) == (503, True)


async def test_what_ran_on_a_server_that_cannot_be_entered_any_more_ends_when_that_is_removed(world: World) -> None:
    server_id = await server_of(world)
    service = await service_on(world, "application", server_id)
    answer = await world.owner.post("/application.deploy", json={"applicationId": service["applicationId"]})
    deployment_id = answer.headers["x-deployment-id"]

    def begun(tx: Tx) -> None:
        running = {"status": Status.RUNNING, "epoch": 1, "ready": False}
        deployments.set_fields(tx, deployment_id, started_at=tx.now, out_of_reach_since=tx.now, **running)

    await world.services.db.run(begun)
    (key,) = await world.get("sshKey.all")
    await world.post("sshKey.remove", sshKeyId=key["sshKeyId"])
    await world.platform.fleet.load()
    gone = await world.owner.post("/application.delete", json={"applicationId": service["applicationId"]})
    assert gone.status_code == 503, gone.text

    await world.post("server.remove", serverId=server_id, force=True)

    row = await world.get("deployment.one", deploymentId=deployment_id)
    assert (row["status"], row["reason"]) == ("error", "lost")
    assert await world.get("server.all") == []


async def test_a_run_on_a_server_that_cannot_be_entered_any_more_is_given_up_in_time(world: World) -> None:
    server_id = await server_of(world)
    service = await service_on(world, "application", server_id)
    answer = await world.owner.post("/application.deploy", json={"applicationId": service["applicationId"]})
    deployment_id = answer.headers["x-deployment-id"]
    deadline = world.platform.base.settings.reach_deadline

    def begun(tx: Tx) -> None:
        running = {"status": Status.RUNNING, "epoch": 1, "ready": False}
        deployments.set_fields(tx, deployment_id, started_at=tx.now, out_of_reach_since=tx.now - deadline, **running)

    await world.services.db.run(begun)
    (key,) = await world.get("sshKey.all")
    await world.post("sshKey.remove", sshKeyId=key["sshKeyId"])
    async with working(world):
        row = await ended(world, deployment_id)
    assert (row["status"], row["reason"]) == ("error", "lost")
    assert "HEADWAY_REACH_DEADLINE" in row["errorMessage"]


@pytest.mark.slow
@pytest.mark.root
async def test_what_was_deployed_in_vain_goes_from_a_server_without_python(world: World, bare: SshServer) -> None:
    server_id = await server_of(world, port=bare.port, key={"privateKey": bare.key.reveal()})
    services = {each: await service_on(world, each, server_id) for each in KINDS}
    for each, service in services.items():
        await deployed(world, each, service)
        await world.post(f"{each}.delete", **{f"{each}Id": service[f"{each}Id"]})
    for found in await world.get("project.all"):
        await world.post("project.remove", projectId=found["projectId"])
    await world.post("server.remove", serverId=server_id)
    await world.platform.fleet.aclose()


@pytest.mark.slow
@pytest.mark.root
async def test_nothing_of_headway_stays_on_a_server_that_is_removed(world: World, bare: SshServer) -> None:
    server_id = await server_of(world, port=bare.port, key={"privateKey": bare.key.reveal()})
    await world.get("server.validate", serverId=server_id)
    work = Path(world.platform.fleet.server(server_id).work)
    (work / "edge").mkdir(parents=True)
    kept_up = [
        subprocess.Popen(["sleep", "60"], env={MARKER: f"{work}/{each}/daemon.json"})
        for each in ("edge", "native/supervisord")
    ]
    await world.post("server.remove", serverId=server_id)
    assert [each.wait(5) for each in kept_up] == [-signal.SIGKILL] * 2
    assert not work.exists()
    await world.platform.fleet.aclose()


async def finish(world: World, kind: str, server_id: str) -> None:
    """What the keeper does about deletions that were cut off."""
    await keeper_of(world, kind, server_id).finish_deletions()


def keeper_of(world: World, kind: str, host_id: str) -> ServiceReconciler[Any, Any]:
    """What looks after the services of a kind on a host."""
    if kind == "application":
        return keeper_with(world, {}, host_id)
    lifecycle, ledger = world.services.composes.lifecycle, world.services.deployments._ledger
    failback = ComposeFailback(lifecycle=lifecycle, ledger=ledger, window=NONE)
    return ComposeReconciler(
        host_id=host_id,
        lifecycle=lifecycle,
        replaced=lambda compose_id: ReplacedContainers(failback=failback, compose_id=compose_id, watch_time=NONE),
        ledger=ledger,
        watch_time=NONE,
        drain_time=NONE,
        troubles=world.services.troubles,
    )
