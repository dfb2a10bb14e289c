"""What a deployment still owes is taken back also where its record was removed, by whatever way."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy import select, update

from headway.core.deployments import pending_undos, store
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.status import Status
from headway.core.engine.run_end import take_back
from headway.drivers.buildplan.toolchains.store import UNDO as TOOLCHAIN
from headway.drivers.runtimes.container.exec_session import ExecSession
from headway.features.schedules.run import INSIDE
from headway.features.servers.auxiliary_run import UNDO
from headway.features.services.application.build_server import WORKSHOP
from headway.infra.db.tables.deployments import removed_deployments
from headway.infra.db.transaction import Tx
from tests.integration.http.schedule_rows import schedule_of
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.world import World


async def owed(world: World) -> list[str]:
    """The deployments that owe something on the panel's machine."""
    return await world.services.db.read(lambda tx: pending_undos.on(tx, LOCAL_HOST))


async def a_run_that_owes(world: World, schedule_id: str, gate: Path) -> str:
    """A run of a schedule that has failed; what it started inside a container could not be ended."""
    run_id: str = (await world.post("schedule.runManually", scheduleId=schedule_id))["deploymentId"]
    await world.end(await world.claim(), Status.ERROR, "It has failed.")
    session = ExecSession(container_id="c" * 64, run_id=run_id, group=None, gate=str(gate))
    gate.touch()
    await world.services.db.run(lambda tx: store.add_undo(tx, run_id, INSIDE, json.dumps(asdict(session))))
    assert await owed(world) == [run_id]
    return run_id


async def works_off(world: World, deployment_id: str) -> None:
    """Takes it back, as the janitor does."""
    deployment = await world.services.db.read(lambda tx: pending_undos.find(tx, deployment_id))
    assert await take_back(world.platform.engine._parts, deployment, None) is None
    await world.services.db.run(lambda tx: pending_undos.settle(tx, deployment_id))


async def test_the_record_of_a_failed_deploy_goes_and_what_it_owes_stays(world: World) -> None:
    deployment_id = await world.ended(await world.application(), Status.ERROR)
    await world.services.db.run(lambda tx: store.add_undo(tx, deployment_id, "release", "{}"))
    await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    answer = await world.owner.get("/deployment.one", params={"deploymentId": deployment_id})
    assert answer.status_code == 404
    assert await owed(world) == [deployment_id]


async def test_what_a_removed_run_of_a_schedule_owes_is_worked_off(world: World, tmp_path: Path) -> None:
    schedule = await schedule_of(world, await world.application())
    run_id = await a_run_that_owes(world, schedule["schedule"], tmp_path / "gate")
    await world.post("deployment.removeDeployment", deploymentId=run_id)
    assert await owed(world) == [run_id]
    await works_off(world, run_id)
    assert (await owed(world), (tmp_path / "gate").exists()) == ([], False)


async def test_what_the_runs_of_a_deleted_schedule_owe_is_worked_off(world: World, tmp_path: Path) -> None:
    schedule = await schedule_of(world, await world.application())
    run_id = await a_run_that_owes(world, schedule["schedule"], tmp_path / "gate")
    run = await world.services.db.read(lambda tx: store.find(tx, run_id))
    await world.post("schedule.delete", scheduleId=schedule["schedule"])
    assert await owed(world) == [run_id]
    # The loop that clears schedules may have read it before, and comes second.
    assert not await world.services.db.run(lambda tx: pending_undos.keep(tx, run))
    await works_off(world, run_id)
    assert (await owed(world), (tmp_path / "gate").exists()) == ([], False)


@pytest.mark.parametrize("records", ["kept", "removed"])
async def test_a_server_that_is_removed_is_owed_nothing_and_what_lies_here_is_still_taken_back(
    world: World, records: str
) -> None:
    server_id = await a_server(world)
    on_both, built_there, there = [await world.ended(await world.application(), Status.ERROR) for _ in range(3)]

    def place(tx: Tx) -> None:
        store.set_fields(tx, on_both, release_host_id=server_id)
        store.set_fields(tx, built_there, host_id=server_id, release_host_id=LOCAL_HOST)
        store.set_fields(tx, there, host_id=server_id)
        for each in (on_both, built_there, there):
            store.add_undo(tx, each, "release", "{}")

    await world.services.db.run(place)
    for each in (on_both, built_there, there) if records == "removed" else ():
        await world.post("deployment.removeDeployment", deploymentId=each)
    await world.post("server.remove", serverId=server_id, force=True)
    assert sorted(await owed(world)) == sorted([on_both, built_there])
    assert await world.services.db.read(lambda tx: pending_undos.on(tx, server_id)) == []
    for each in (on_both, built_there):
        found = await world.services.db.read(lambda tx, id_=each: pending_undos.find(tx, id_))  # type: ignore[misc]
        assert found.host_ids == (LOCAL_HOST,), "it waits for nobody that is no more"
    assert await world.services.db.read(lambda tx: store.undos_of(tx, there)) == []


async def a_server(world: World) -> str:
    """One that does not answer."""
    key = await world.post("sshKey.create", name="k")
    server_id: str = (await world.post("server.create", sshKeyId=key["sshKeyId"], **A_SERVER))["serverId"]
    return server_id


async def built_on(world: World, server_id: str, folder: Path) -> tuple[str, list[str]]:
    """A deployment that was built there and released here, and has failed; the undos that it owes on the server."""
    application_id = await world.application()
    built = await world.ended(application_id, Status.ERROR)
    owes = {
        WORKSHOP: {"folder": str(folder / "workshop")},
        UNDO: {"host": server_id, "id": built},
        TOOLCHAIN: {"host_id": server_id, "folder": str(folder / "toolchain")},
        "release": {"application_id": application_id, "new": built},
    }

    def place(tx: Tx) -> None:
        store.set_fields(tx, built, host_id=server_id, release_host_id=LOCAL_HOST)
        for name, data in owes.items():
            store.add_undo(tx, built, name, json.dumps(data))

    await world.services.db.run(place)
    return built, [UNDO, TOOLCHAIN, WORKSHOP]


async def names_owed(world: World, deployment_id: str) -> list[str]:
    """The undos that are still to be carried out."""
    return sorted(name for _, name, _ in await world.services.db.read(lambda tx: store.undos_of(tx, deployment_id)))


async def test_what_is_owed_here_waits_for_no_server_that_does_not_answer(world: World, tmp_path: Path) -> None:
    built, there = await built_on(world, await a_server(world), tmp_path)
    janitor = world.platform.engine._janitor
    for _ in range(2):  # the second asks nobody
        assert await janitor.clear(LOCAL_HOST)
        assert await names_owed(world, built) == sorted(there)
    assert world.platform.engine.troubles.all() == []
    await world.platform.fleet.aclose()


async def test_what_is_owed_here_is_taken_back_also_after_its_build_server_was_removed(
    world: World, tmp_path: Path
) -> None:
    server_id = await a_server(world)
    built, _ = await built_on(world, server_id, tmp_path)
    await world.post("server.remove", serverId=server_id, force=True)
    assert await owed(world) == [built]
    assert await world.platform.engine._janitor.clear(LOCAL_HOST)
    assert (await owed(world), await names_owed(world, built)) == ([], [])


@pytest.mark.parametrize("of", ["its record", "its service"])
async def test_what_is_owed_where_an_application_was_built_outlives_it(world: World, tmp_path: Path, of: str) -> None:
    server_id = await a_server(world)
    application_id = await world.application()
    built, here = [await world.ended(application_id, Status.ERROR) for _ in range(2)]
    release = {"application_id": application_id, "new": built}
    owes = {
        "release": release,
        "restart": {**release, "old": "gone", "port": 5000},
        "route": {"id": application_id, "route": {"release_id": "gone"}},
        WORKSHOP: {"folder": str(tmp_path / "workshop")},
    }

    def place(tx: Tx) -> None:
        store.set_fields(tx, built, host_id=server_id, release_host_id=LOCAL_HOST)
        store.add_undo(tx, here, "release", json.dumps(release))
        for name, data in owes.items():
            store.add_undo(tx, built, name, json.dumps(data))

    await world.services.db.run(place)
    for each in (built, here) if of == "its record" else ():
        await world.post("deployment.removeDeployment", deploymentId=each)
    await world.post("application.delete", applicationId=application_id)
    assert await owed(world) == [built], "of this machine nothing is left"

    def arrive(tx: Tx) -> None:  # as if the server were this machine, which can be asked
        record = json.dumps(
            {**json.loads(tx.execute(select(removed_deployments.c.record)).scalar_one()), "host_id": LOCAL_HOST}
        )
        tx.execute(update(removed_deployments).values(record=record, host_id=LOCAL_HOST))

    await world.services.db.run(arrive)
    (tmp_path / "workshop").mkdir()
    await works_off(world, built)
    assert (await owed(world), (tmp_path / "workshop").exists()) == ([], False)
