"""What is known of compose services whose deployments' records are removed: their containers serve on all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from headway.core.access.allowances import NotAllowed
from headway.core.deployments import store as deployments
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.engine.poller import Poller
from headway.features.services import releases_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Record
from headway.infra.db.transaction import Tx
from headway.infra.docker import labels
from tests.integration.http.world import World, open_world
from tests.support.docker.told_engine import told_engine

Json = Any
FILE = "services: {web: {image: nginx}}"


@pytest.fixture
async def careful(tmp_path: Path) -> AsyncIterator[World]:
    """A panel that keeps one deployment of each subject, on a machine without an engine."""
    absent = f"unix://{tmp_path / 'no.sock'}"
    async with open_world(tmp_path / "data", HEADWAY_KEEP_DEPLOYMENTS="1", HEADWAY_DOCKER_HOST=absent) as world:
        yield world


async def test_containers_are_asked_for_as_long_as_a_release_is_there(careful: World) -> None:
    assert await careful.get("docker.getContainers") == []
    _, deployment_id = await served(careful)
    await careful.post("deployment.removeDeployment", deploymentId=deployment_id)
    answer = await careful.owner.get("/docker.getContainers")
    assert answer.status_code == 503, "the engine that they run on is away, which is not that there are none"


async def test_a_container_is_told_as_the_engine_lists_it(tmp_path: Path) -> None:
    marks = dict[str, str]()
    said = ("Up 3 seconds (healthy)", "Up 2 minutes (unhealthy)", "Restarting (1) 5 seconds ago")

    def tell(path: str) -> Json:
        if path == "/containers/json":
            return [{"Id": str(number), "Status": each} for number, each in enumerate(said)]
        state = {"State": {"Status": "running"}, "Config": {"Labels": marks}, "HostConfig": {}}
        return {"Id": path.split("/")[2], "Name": path, **state}

    address = f"unix://{tmp_path / 'engine.sock'}"
    async with told_engine(tmp_path, tell), open_world(tmp_path / "data", HEADWAY_DOCKER_HOST=address) as world:
        compose_id, _ = await served(world)
        marks |= {labels.PANEL: "this", labels.COMPOSE: compose_id}
        listed = await world.get("docker.getContainers")
        assert [(each["status"], each["state"]) for each in listed] == [(each, "running") for each in said]


async def test_the_record_of_what_serves_outlives_newer_ones(careful: World) -> None:
    compose_id, serving = await served(careful)
    newer = [await ended(careful, compose_id) for _ in range(3)]
    (pruning,) = (each for each in careful.platform.engine._pollers if each.name == "retention")
    await one_round(pruning)
    rows = await careful.get("deployment.allByCompose", composeId=compose_id)
    assert [row["deploymentId"] for row in rows] == [newer[-1], serving]


async def test_what_was_replaced_is_drained_also_when_the_record_of_its_successor_is_removed(careful: World) -> None:
    _, deployment_id = await served(careful)
    await careful.post("deployment.removeDeployment", deploymentId=deployment_id)
    db = careful.services.db
    assert not await db.read(lambda tx: store.has_drained(tx, deployment_id, tx.now - timedelta(seconds=60)))
    assert await db.read(lambda tx: store.has_drained(tx, deployment_id, tx.now))


@pytest.mark.parametrize("ports", [(), (81,)], ids=["fails later", "is refused"])
async def test_a_port_stays_allowed_while_what_is_deployed_has_it(careful: World, ports: tuple[int, ...]) -> None:
    compose_id, deployment_id = await served(careful)
    vault, allowing = careful.platform.data_dir.vault, {powers.ALLOWS: {"user_id": "x", "name": "Ann"}}

    def read(tx: Tx, given: Json, *numbers: int) -> Record:
        web = {"image": "x", "ports": [{"published": str(each)} for each in numbers]}
        record, compose = Record(file={"services": {"web": web}}), store.find(tx, compose_id, vault)
        deployment = replace(deployments.find(tx, deployment_id), input=given)
        try:
            powers.require_record(tx, deployment, compose, record)
        except NotAllowed:
            return Record(file={"services": {}})
        return record

    def deploys(tx: Tx) -> list[bool]:
        first = read(tx, allowing, 80)
        powers.deployed(tx, compose_id, first, LOCAL_HOST)
        read(tx, {}, *ports)
        again = read(tx, {}, 80)
        powers.deployed(tx, compose_id, read(tx, {}), LOCAL_HOST)
        taken_out = read(tx, {}, 80)
        return [bool(each.file["services"]) for each in (first, again, taken_out)]

    assert await careful.services.db.run(deploys) == [True, True, False]


async def test_a_release_that_is_removed_takes_the_names_of_its_images_with_it(tmp_path: Path) -> None:
    names, asked = list[str](), list[str]()

    def tell(path: str) -> Json:
        asked.append(path)
        return [{"RepoTags": names}] if path == "/images/json" else {}

    address = f"unix://{tmp_path / 'engine.sock'}"
    async with told_engine(tmp_path, tell), open_world(tmp_path / "data", HEADWAY_DOCKER_HOST=address) as world:
        made = await world.post(
            "compose.create", name="stack", environmentId=await world.environment(), composeFile=FILE
        )
        names += [f"headway-compose/{made['appName']}/web:{each}" for each in ("old", "now")]
        _, old = await served(world, made["composeId"], names[0])
        await served(world, made["composeId"], names[1])
        await world.post("rollback.delete", rollbackId=old)
    assert [each for each in asked if each.startswith("/images/headway")] == [f"/images/{names[0]}"]


async def served(world: World, compose_id: str | None = None, image: str | None = None) -> tuple[str, str]:
    """A compose service (None: a new one) and the deployment whose release serves, of this image."""
    if compose_id is None:
        place = {"environmentId": await world.environment(), "composeFile": FILE}
        compose_id = str((await world.post("compose.create", name="stack", **place))["composeId"])
    deployment_id = await ended(world, compose_id)

    def write(tx: Tx) -> None:
        record = Record(file={"services": {} if image is None else {"web": {"image": image}}})
        vault = world.platform.data_dir.vault
        of = {"release_id": deployment_id, "compose_id": compose_id}
        store.write_release(tx, vault, **of, folder="/x", record=record, commit_hash=None)
        releases_store.make_serving(tx, compose_id, deployment_id)

    await world.services.db.run(write)
    return compose_id, deployment_id


async def ended(world: World, compose_id: str) -> str:
    """A deployment of a compose service that has ended."""
    await world.post("compose.deploy", composeId=compose_id)
    lease = await world.claim()
    await world.end(lease)
    return lease.deployment_id


async def one_round(poller: Poller) -> None:
    """One round of a loop."""
    await poller._work()


async def test_while_a_reference_leads_nowhere_no_secret_that_it_could_be_shows(careful: World) -> None:
    project = await careful.post("project.create", name="shared", env="SHARED_TOKEN=of-the-project")
    inside = project["environment"]["environmentId"]
    await careful.post("environment.update", environmentId=inside, env="INSIDE_TOKEN=of-the-environment")
    made = await careful.post("compose.create", name="shop", environmentId=inside, composeFile=FILE)
    env = "OWN_TOKEN=of-the-service\nLOST=${{project.NOBODYS}}"
    await careful.post("compose.update", composeId=made["composeId"], env=env)

    secrets = await careful.services.composes.lifecycle.driver.secrets(made["composeId"])

    assert secrets >= {"of-the-project", "of-the-environment", "of-the-service"}
