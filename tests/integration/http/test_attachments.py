"""``mounts.*`` and ``port.*``: what is attached to an application's container, and what cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from headway.features.services.application import store
from tests.integration.http.world import World

Json = Any


@pytest.fixture
async def application_id(world: World) -> str:
    made = await world.post("project.create", name="bench")
    where = made["environment"]["environmentId"]
    return str((await world.post("application.create", name="boxed", environmentId=where))["applicationId"])


def volume(application_id: str, **fields: Json) -> dict[str, Json]:
    plain = {"serviceId": application_id, "type": "volume", "volumeName": "files", "mountPath": "/data"}
    return {**plain, **fields}


async def test_a_mount_is_made_shown_changed_and_removed(world: World, application_id: str) -> None:
    made = await world.post("mounts.create", **volume(application_id))
    assert (made["type"], made["volumeName"], made["hostPath"], made["mountPath"]) == ("volume", "files", None, "/data")
    assert await world.get("mounts.one", mountId=made["mountId"]) == made
    assert await world.get("mounts.listByServiceId", serviceType="application", serviceId=application_id) == [made]
    assert (await world.get("application.one", applicationId=application_id))["mounts"] == [made]

    changed = await world.post("mounts.update", mountId=made["mountId"], mountPath="/files")
    assert changed == {**made, "mountPath": "/files"}
    file = await world.post(
        "mounts.create", serviceId=application_id, type="file", content="a: 1\n", filePath="app.yml", mountPath="/c"
    )
    assert (file["content"], file["filePath"], file["volumeName"]) == ("a: 1\n", "app.yml", None)
    assert await world.get("mounts.allNamedByApplicationId", applicationId=application_id) == [changed]

    assert await world.post("mounts.remove", mountId=made["mountId"]) == changed
    answer = await world.owner.get("/mounts.one", params={"mountId": made["mountId"]})
    assert (answer.status_code, answer.json()["message"]) == (404, "Mount not found")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"mountPath": "data"}, "absolute path"),
        ({"volumeName": "../other"}, "cannot be called"),
        ({"volumeName": None}, "cannot be called"),
        ({"type": "bind", "volumeName": None, "hostPath": "relative"}, "no path of the host"),
    ],
)
async def test_a_mount_that_no_container_could_have_is_refused(
    world: World, application_id: str, fields: dict[str, Json], told: str
) -> None:
    answer = await world.owner.post("/mounts.create", json=volume(application_id, **fields))
    assert (answer.status_code, told in answer.json()["message"]) == (400, True), answer.text
    assert (await world.get("application.one", applicationId=application_id))["mounts"] == []


@pytest.mark.parametrize(
    ("field", "value", "type_"), [("content", "a: 1", "file"), ("hostPath", "/srv", "bind"), ("volumeName", "b", None)]
)
async def test_what_a_mount_of_another_type_has_is_refused_unless_it_becomes_one(
    world: World, application_id: str, field: str, value: str, type_: str | None
) -> None:
    made = await world.post("mounts.create", **volume(application_id))
    before = made
    if type_ is None:
        before = await world.post("mounts.update", mountId=made["mountId"], type="bind", hostPath="/srv")
    answer = await world.owner.post("/mounts.update", json={"mountId": made["mountId"], field: value})
    assert (answer.status_code, f"{field} is what" in answer.json()["message"]) == (400, True), answer.text
    assert await world.get("mounts.one", mountId=made["mountId"]) == before
    nothing: dict[str, Json] = {"content": "", "hostPath": None, "volumeName": None}
    sent = {**nothing, field: value, "type": type_ or "volume"}
    changed = await world.post("mounts.update", mountId=made["mountId"], **sent)
    assert (changed[field], changed["type"]) == (value, type_ or "volume")


async def test_two_mounts_at_one_place_are_refused(world: World, application_id: str) -> None:
    await world.post("mounts.create", **volume(application_id))
    answer = await world.owner.post("/mounts.create", json=volume(application_id, volumeName="other"))
    assert (answer.status_code, "same place" in answer.text) == (400, True)


async def test_services_of_other_kinds_have_none(world: World, application_id: str) -> None:
    answer = await world.owner.post("/mounts.create", json=volume(application_id, serviceType="postgres"))
    assert answer.status_code == 404


async def test_a_port_is_published_changed_and_published_no_more(world: World, application_id: str) -> None:
    await world.post("port.create", applicationId=application_id, publishedPort=5000, targetPort=3000)
    (port,) = (await world.get("application.one", applicationId=application_id))["ports"]
    assert (port["publishedPort"], port["targetPort"], port["protocol"]) == (5000, 3000, "tcp")
    await world.post("port.update", portId=port["portId"], publishedPort=53, targetPort=53, protocol="udp")
    changed = await world.get("port.one", portId=port["portId"])
    assert (changed["publishedPort"], changed["protocol"]) == (53, "udp")
    assert await world.post("port.delete", portId=port["portId"]) == changed
    assert (await world.get("application.one", applicationId=application_id))["ports"] == []


async def test_a_port_is_published_once(world: World, application_id: str) -> None:
    fields = {"applicationId": application_id, "publishedPort": 5000, "targetPort": 3000}
    await world.post("port.create", **fields)
    assert (await world.owner.post("/port.create", json=fields)).status_code == 409


async def test_a_copy_has_mounts_and_ports_of_its_own(world: World, application_id: str) -> None:
    made = await world.post("mounts.create", **volume(application_id))
    application = await world.get("application.one", applicationId=application_id)
    copied = await world.post("project.duplicate", sourceEnvironmentId=application["environmentId"], name="copy")
    (environment,) = (await world.get("project.one", projectId=copied["projectId"]))["environments"]
    (copy,) = environment["applications"]
    (mount,) = (await world.get("application.one", applicationId=copy["applicationId"]))["mounts"]
    assert mount["mountId"] != made["mountId"]
    assert mount["mountPath"] == "/data"


async def test_a_registrys_password_is_not_given_back_and_stays(world: World, application_id: str) -> None:
    given = {"dockerImage": "nginx:1", "username": "u", "password": "s3cret", "registryUrl": "registry.example.org"}
    await world.post("application.saveDockerProvider", applicationId=application_id, **given)
    shown = await world.get("application.one", applicationId=application_id)
    assert (shown["sourceType"], shown["dockerImage"], shown["username"]) == ("docker", "nginx:1", "u")
    assert shown["password"] is None
    await world.post("application.update", applicationId=application_id, password=None, dockerImage="nginx:2")
    assert await _password(world, application_id) == "s3cret"
    await world.post("application.saveDockerProvider", applicationId=application_id, dockerImage="nginx:2", username="")
    assert await _password(world, application_id) is None


async def _password(world: World, application_id: str) -> str | None:
    vault = world.platform.data_dir.vault
    found = await world.services.db.read(lambda tx: store.find(tx, application_id, vault))
    return found.settings.docker.password


@pytest.mark.parametrize("image", ["--help", "team/UPPER", "a b", "$(id)", "x" * 600, "name:tag:tag"])
async def test_what_is_no_image_is_refused(world: World, application_id: str, image: str) -> None:
    sent = {"applicationId": application_id, "dockerImage": image}
    answer = await world.owner.post("/application.saveDockerProvider", json=sent)
    assert answer.status_code == 400
    assert (await world.get("application.one", applicationId=application_id))["dockerImage"] is None


@pytest.mark.parametrize(("limit", "shown"), [("0.5", "0.5"), ("2000000000", "2"), ("0", None)])
async def test_a_limit_of_processors_is_a_number_or_billionths(
    world: World, application_id: str, limit: Json, shown: str | None
) -> None:
    await world.post("application.update", applicationId=application_id, cpuLimit=limit)
    assert (await world.get("application.one", applicationId=application_id))["cpuLimit"] == shown
