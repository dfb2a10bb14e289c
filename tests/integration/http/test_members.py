"""``user.*`` and ``organization.*``: inviting, joining, being given something, becoming more, leaving."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.integration.http.world import World, client_with

Json = Any


async def invite(world: World, role: str = "member", **more: Json) -> Json:
    return await world.post("organization.inviteMember", email="mia@example.org", role=role, **more)


async def joined(world: World, role: str = "member", email: str = "mia@example.org", **more: Json) -> Json:
    """Somebody who has accepted an invitation."""
    made = await world.post("organization.inviteMember", email=email, role=role, **more)
    answer = await world.nobody.post("/organization.acceptInvitation", json={"token": made["token"], "name": "Mia"})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def status(world: World, key: str, procedure: str, **given: Json) -> int:
    async with client_with(world.app, key) as client:
        return (await client.post(f"/{procedure}", json=given)).status_code


async def test_whoever_has_the_token_joins_without_a_key_and_gets_one(world: World) -> None:
    application_id = await world.application()
    someone = await joined(world, accessedServices=[application_id])
    assert len(someone["key"]) == 64
    async with client_with(world.app, someone["key"]) as client:
        me = (await client.get("/user.get")).json()
        assert (me["role"], me["user"]["name"], me["user"]["email"]) == ("member", "Mia", "mia@example.org")
        assert (await client.get("/application.one", params={"applicationId": application_id})).status_code == 200
    (invitation,) = await world.get("organization.allInvitations")
    assert invitation["status"] == "accepted"


async def test_over_trpc_a_guest_joins_too_and_does_nothing_else(world: World) -> None:
    token = (await invite(world))["token"]
    answer = await world.nobody.post("/trpc/organization.acceptInvitation", json={"json": {"token": token}})
    assert answer.json()["result"]["data"]["json"]["role"] == "member"
    batch = "/trpc/organization.acceptInvitation,project.create?batch=1"
    assert (await world.nobody.post(batch, json={})).status_code == 401
    assert (await world.nobody.get("/organization.acceptInvitation")).status_code == 404


async def test_a_token_is_good_once_and_not_after_it_was_removed_or_replaced(world: World) -> None:
    first = await invite(world)
    second = await invite(world)
    assert [each["id"] for each in await world.get("organization.allInvitations")] == [second["id"]]
    tokens = [first["token"], second["token"], second["token"]]
    answers = [await world.nobody.post("/organization.acceptInvitation", json={"token": token}) for token in tokens]
    assert [answer.status_code for answer in answers] == [404, 200, 404]
    assert answers[0].json()["message"] == "Invitation not found"
    third = await world.post("organization.inviteMember", email="other@example.org", role="member")
    await world.post("organization.removeInvitation", invitationId=third["id"])
    answer = await world.nobody.post("/organization.acceptInvitation", json={"token": third["token"]})
    assert answer.status_code == 404


async def test_who_is_there_already_is_not_invited_again(world: World) -> None:
    await joined(world)
    answer = await world.owner.post("/organization.inviteMember", json={"email": "MIA@example.org", "role": "admin"})
    assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


async def test_what_a_member_is_given_and_loses_counts_at_once(world: World) -> None:
    application_id = await world.application()
    project_id = (await world.get("project.all"))[0]["projectId"]
    someone = await joined(world)
    deploy = {"procedure": "application.deploy", "applicationId": application_id}
    assert await status(world, someone["key"], **deploy) == 404
    given = await world.post("user.assignPermissions", id=someone["userId"], accessedProjects=[project_id])
    assert given["accessedProjects"] == [project_id]
    assert await status(world, someone["key"], **deploy) == 200
    await world.post("user.assignPermissions", id=someone["userId"], accessedServices=[application_id])
    await world.post("user.assignPermissions", id=someone["userId"], accessedProjects=[])
    assert await status(world, someone["key"], **deploy) == 200
    await world.post("user.assignPermissions", id=someone["userId"], accessedServices=[])
    assert await status(world, someone["key"], **deploy) == 404


async def test_what_clients_keep_with_a_member_is_given_back_and_decides_nothing(world: World) -> None:
    someone = await joined(world)
    sent = {"canCreateProjects": True, "canAccessToAPI": True, "accessedEnvironments": ["e"]}
    await world.post("user.assignPermissions", id=someone["userId"], **sent)
    found = await world.get("user.one", userId=someone["userId"])
    assert {name: found[name] for name in sent} == sent
    assert found["canDeleteProjects"] is False
    assert await status(world, someone["key"], "project.create", name="no") == 403


@pytest.mark.parametrize("field", ["accessedProjects", "accessedServices"])
async def test_what_the_organisation_has_not_is_given_to_nobody(world: World, field: str) -> None:
    someone = await joined(world)
    answer = await world.owner.post("/user.assignPermissions", json={"id": someone["userId"], field: ["theirs"]})
    noun = "Project" if field == "accessedProjects" else "Service"
    assert (answer.status_code, answer.json()["message"]) == (404, f"{noun} not found")


async def test_nobody_lifts_themselves_nor_anybody_above_themselves(world: World) -> None:
    someone, admin = await joined(world), await joined(world, "admin", "ada@example.org")
    for caller, target, role, expected in (
        (someone, someone, "admin", 403),
        (admin, admin, "owner", 403),
        (admin, someone, "owner", 403),
        (admin, someone, "admin", 200),
    ):
        member_id = (await world.get("user.one", userId=target["userId"]))["id"]
        given = {"memberId": member_id, "role": role}
        assert await status(world, caller["key"], "organization.updateMemberRole", **given) == expected
    invited = {"email": "x@example.org", "role": "owner"}
    assert await status(world, admin["key"], "organization.inviteMember", **invited) == 403


async def test_an_admin_does_nothing_to_owners_and_their_keys(world: World) -> None:
    admin = await joined(world, "admin")
    me = await world.get("user.get")
    key_id = me["user"]["apiKeys"][0]["id"]
    assert await status(world, admin["key"], "user.remove", userId=me["userId"]) == 403
    assert await status(world, admin["key"], "user.deleteApiKey", apiKeyId=key_id) == 403
    given = {"memberId": me["id"], "role": "member"}
    assert await status(world, admin["key"], "organization.updateMemberRole", **given) == 403


async def test_the_last_owner_stays_one(world: World) -> None:
    me = await world.get("user.get")
    for procedure, given in (
        ("user.remove", {"userId": me["userId"]}),
        ("organization.updateMemberRole", {"memberId": me["id"], "role": "admin"}),
    ):
        answer = await world.owner.post(f"/{procedure}", json=given)
        assert (answer.status_code, "last owner" in answer.json()["message"]) == (409, True)
    await joined(world, "owner")
    await world.post("organization.updateMemberRole", memberId=me["id"], role="admin")


async def test_keys_and_invitations_of_who_is_removed_end(world: World) -> None:
    admin = await joined(world, "admin")
    async with client_with(world.app, admin["key"]) as client:
        more = (await client.post("/user.createApiKey", json={"name": "more"})).json()["key"]
        invited = await client.post("/organization.inviteMember", json={"email": "x@example.org", "role": "admin"})
    await world.post("user.remove", userId=admin["userId"])
    for key in (admin["key"], more):
        assert await status(world, key, "project.create", name="n") == 401
    token = invited.json()["token"]
    assert (await world.nobody.post("/organization.acceptInvitation", json={"token": token})).status_code == 404


async def test_an_organisation_is_made_with_a_key_to_it_and_removed_when_it_is_empty(world: World) -> None:
    made = await world.post("organization.create", name="Second")
    assert {each["name"] for each in await world.get("organization.all")} == {"My organisation", "Second"}
    async with client_with(world.app, made["apiKey"]) as client:
        assert (await client.get("/project.all")).json() == []
        assert await _delete(world.owner, made["id"]) == 404
        project = (await client.post("/project.create", json={"name": "n"})).json()["project"]
        assert await _delete(client, made["id"]) == 409
        await client.post("/project.remove", json={"projectId": project["projectId"]})
        assert await _delete(client, made["id"]) == 200
        assert (await client.get("/project.all")).status_code == 401
    assert [each["name"] for each in await world.get("organization.all")] == ["My organisation"]


async def _delete(client: httpx.AsyncClient, organization_id: str) -> int:
    return (await client.post("/organization.delete", json={"organizationId": organization_id})).status_code
