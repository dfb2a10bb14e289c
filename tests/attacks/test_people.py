"""Nobody lasts longer, rises higher or sees more by way of somebody else than they were given."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from headway.core.access import store
from headway.core.access.model import Grants, Role
from headway.http.metrics import create_metrics_app
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.secret import Secret
from headway.operations import http_needs
from tests.integration.http.world import Json, World, add_person, client_with, open_world

FORBIDDEN, MISSING = 403, 404


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder, HEADWAY_KEYS_PER_PERSON="5") as opened:
        yield opened


async def ending(world: World) -> httpx.AsyncClient:
    """A client with a key of the owner's that ends in five minutes."""
    made = await world.post("user.createApiKey", name="short", expiresIn=300)
    return client_with(world.app, made["key"])


@pytest.mark.parametrize("role", ["owner", "admin"])
async def test_a_key_that_ends_makes_nobody_more_than_a_member(world: World, role: str) -> None:
    joined = await invited(world, world.owner, "member")
    member_id = (await world.get("user.one", userId=joined["userId"]))["id"]
    async with await ending(world) as client:
        asked = await client.post("/organization.inviteMember", json={"email": "a@b.example", "role": role})
        assert (asked.status_code, "outlast" in asked.json()["message"]) == (FORBIDDEN, True)
        raised = await client.post("/organization.updateMemberRole", json={"memberId": member_id, "role": role})
        assert raised.status_code == FORBIDDEN
        given = {"email": "c@b.example", "role": "member", "expiresIn": 864_000}
        made = (await client.post("/organization.inviteMember", json=given)).json()
    key = next(each for each in await world.get("user.apiKeys") if each["name"] == "short")
    assert made["expiresAt"] == key["expiresAt"], "it counts no longer than the key"


async def invited(world: World, client: httpx.AsyncClient, role: str) -> Json:
    """Somebody who has joined on an invitation."""
    made = (await client.post("/organization.inviteMember", json={"email": f"{role}@x.example", "role": role})).json()
    return await world.post("organization.acceptInvitation", token=made["token"])


@pytest.mark.parametrize("end", ["removed", "disabled"])
async def test_an_invitation_ends_with_the_key_that_made_it(world: World, end: str) -> None:
    made = await world.post("user.createApiKey", name="lent")
    async with client_with(world.app, made["key"]) as client:
        given = {"email": "late@x.example", "role": "admin"}
        invitation = (await client.post("/organization.inviteMember", json=given)).json()
    if end == "removed":
        await world.post("user.deleteApiKey", apiKeyId=made["id"])
    else:
        await world.post("user.updateApiKey", apiKeyId=made["id"], enabled=False)
    late = await world.nobody.post("/organization.acceptInvitation", json={"token": invitation["token"]})
    assert late.status_code == MISSING


async def test_an_invitation_ends_where_its_maker_is_less(world: World) -> None:
    joined = await invited(world, world.owner, "admin")
    async with client_with(world.app, joined["key"]) as client:
        given = {"email": "late@x.example", "role": "admin"}
        invitation = (await client.post("/organization.inviteMember", json=given)).json()
    member_id = (await world.get("user.one", userId=joined["userId"]))["id"]
    await world.post("organization.updateMemberRole", memberId=member_id, role="member")
    late = await world.nobody.post("/organization.acceptInvitation", json={"token": invitation["token"]})
    assert late.status_code == MISSING


async def test_an_admin_sets_nothing_of_an_owner(world: World) -> None:
    owner = await world.get("user.get")
    joined = await invited(world, world.owner, "admin")
    async with client_with(world.app, joined["key"]) as client:
        given: dict[str, Json]
        for given in ({"canAccessToDocker": True}, {"accessedProjects": []}, {"accessedServers": ["x"]}):
            answer = await client.post("/user.assignPermissions", json={"id": owner["userId"], **given})
            assert answer.status_code == FORBIDDEN, given


async def test_a_key_that_manages_no_keys_is_told_of_itself_alone(world: World) -> None:
    await world.post("user.createApiKey", name="another")
    project = (await world.post("project.create", name="p"))["project"]["projectId"]
    for wish in ({"scopes": ["read"]}, {"projects": [project]}, {"scopes": ["read", "deploy"], "projects": [project]}):
        made = await world.post("user.createApiKey", name="narrow", **wish)
        async with client_with(world.app, made["key"]) as client:
            told = (await client.get("/user.apiKeys")).json()
            assert [each["id"] for each in told] == [made["id"]], wish
        await world.post("user.deleteApiKey", apiKeyId=made["id"])


async def test_nobody_has_keys_without_end(world: World) -> None:
    for number in range(4):
        await world.post("user.createApiKey", name=f"k{number}")
    more = await world.owner.post("/user.createApiKey", json={"name": "one more"})
    assert (more.status_code, "HEADWAY_KEYS_PER_PERSON" in more.json()["message"]) == (409, True)


async def test_a_member_asks_no_server_on_which_it_sees_nothing(world: World) -> None:
    key = await world.post("sshKey.create", name="k")
    given = {"ipAddress": "192.0.2.7", "port": 22, "username": "deployer", "sshKeyId": key["sshKeyId"]}
    server_id = (await world.post("server.create", name="hidden-name", **given))["serverId"]
    application_id = await world.application()
    project_id = (await world.get("application.one", applicationId=application_id))["projectId"]

    def grant(tx: Tx) -> None:
        owner = store.first_owner(tx)
        assert owner is not None
        _, member_id = add_person(tx, "of-one", owner[1], Role.MEMBER)
        store.give(tx, member_id, Grants(projects=frozenset({project_id})))

    await world.services.db.run(grant)
    narrow = await world.post("user.createApiKey", name="narrow", projects=[project_id])
    procedures = ("getContainers", "getContainersByAppNameMatch", "getStackContainersByAppName")
    for shown in ("of-one".ljust(64, "-"), narrow["key"]):
        async with client_with(world.app, shown) as client:
            for procedure in procedures:
                answer = await client.get(f"/docker.{procedure}", params={"serverId": server_id, "appName": "x"})
                assert (answer.status_code, answer.json()["message"]) == (MISSING, "Server not found")
            restart = {"containerId": "c0ffee", "serverId": server_id}
            assert (await client.post("/docker.restartContainer", json=restart)).status_code == MISSING
            usage = (await client.get("/disk.usage")).text
            assert "hidden-name" not in usage
            assert "192.0.2.7" not in usage

    def move(tx: Tx) -> None:
        tx.execute(update(services).where(services.c.service_id == application_id).values(host_id=server_id))

    await world.services.db.run(move)
    async with client_with(world.app, narrow["key"]) as client:
        answer = await client.get("/docker.getContainers", params={"serverId": server_id})
        assert answer.status_code == 200, "what it sees is there"


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "Content-Length", "Cookie", "Transfer-Encoding", "Connection", "TE", "Upgrade", "Trailer"),
        *("Proxy-Authorization", "Keep-Alive", "X_Forwarded_For", "X-Forwarded-For", "X-Real-IP", "Metadata-Flavor"),
    ],
)
async def test_a_webhook_carries_no_header_but_what_opens_it(world: World, name: str) -> None:
    given = {"name": "ops", "endpoint": "https://example.org/x"}
    headers = {"Authorization": "Bearer x", "X-Token": "y"}
    await world.post("notification.createCustom", **given, headers=headers)
    refused = await world.owner.post("/notification.createCustom", json={**given, "headers": {name: "1"}})
    assert (refused.status_code, "Authorization" in refused.json()["message"]) == (400, True), name


async def test_the_metrics_port_always_asks_for_a_key(world: World) -> None:
    for key, headers, status in (
        ("metrics-key", {}, 401),
        ("metrics-key", {"x-api-key": "metrics-kez"}, 401),
        ("metrics-key", {"x-api-key": "metrics-key"}, 200),
        ("metrics-key", {"authorization": "Bearer metrics-key"}, 200),
        ("metrics-key", {"x-api-key": "o" * 64}, 200),
        (None, {}, 401),
        (None, {"x-api-key": ""}, 401),
        (None, {"x-api-key": "o" * 64}, 200),
    ):
        app = create_metrics_app(
            http_needs(world.platform.base, world.platform.features), lambda: 0, None if key is None else Secret(key)
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://h", headers=headers
        ) as client:
            assert (await client.get("/metrics")).status_code == status, headers


@pytest.mark.parametrize("address", ["::1%lo", "fe80::1%eth0", "::1%25lo"])
async def test_no_address_of_a_server_names_a_device(world: World, address: str) -> None:
    key = await world.post("sshKey.create", name="k")
    given = {"name": "s", "ipAddress": address, "port": 22, "username": "root", "sshKeyId": key["sshKeyId"]}
    assert (await world.owner.post("/server.create", json=given)).status_code == 400
