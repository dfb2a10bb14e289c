"""Groups of a provider: who may name one, and so is told who is in it."""

from __future__ import annotations

import httpx

from headway.core.access.model import Role
from tests.integration.http.world import World, add_person, client_with


async def name(client: httpx.AsyncClient, group: str, role: str = "member") -> int:
    """What naming a group is answered."""
    answer = await client.post("/organization.setGroupRule", json={"name": group, "role": role})
    if answer.status_code == 403:
        assert "who is in it" in answer.json()["message"]
    return answer.status_code


async def test_a_group_is_named_by_whom_the_first_organisation_trusts_with_who_is_in_it(world: World) -> None:
    theirs = (await world.stranger.get("/user.get")).json()["organizationId"]
    assert await name(world.owner, "employees") == 200
    assert await name(world.stranger, "employees") == 403
    assert (await world.stranger.get("/organization.groupRules")).json()["rules"] == []

    await world.post("organization.grantMachine", organizationId=theirs, least="owner")
    assert await name(world.stranger, "employees") == 200
    await world.post("organization.withdrawMachine", organizationId=theirs)
    assert await name(world.stranger, "everyone") == 403
    assert await name(world.stranger, "employees", "admin") == 200, "its people are known already"


async def test_who_owns_both_names_it_and_other_owners_change_it(world: World) -> None:
    made = await world.post("organization.create", name="Second")
    await world.services.db.run(lambda tx: add_person(tx, "second", made["id"], Role.OWNER))
    async with client_with(world.app, made["apiKey"]) as both, client_with(world.app, "second".ljust(64, "-")) as own:
        assert await name(own, "shop") == 403
        assert await name(both, "shop") == 200
        assert await name(own, "shop", "admin") == 200
        (rule,) = (await own.get("/organization.groupRules")).json()["rules"]
        given = {"groupRuleId": rule["groupRuleId"]}
        assert (await own.post("/organization.removeGroupRule", json=given)).status_code == 200
        assert await name(own, "shop") == 403, "it is named anew"


async def test_who_owns_the_first_no_more_names_none_elsewhere(world: World) -> None:
    made = await world.post("organization.create", name="Second")
    mine = await world.get("user.get")
    await world.services.db.run(lambda tx: add_person(tx, "successor", mine["organizationId"], Role.OWNER))
    async with client_with(world.app, "successor".ljust(64, "-")) as successor:
        lessened = {"memberId": mine["id"], "role": "admin"}
        assert (await successor.post("/organization.updateMemberRole", json=lessened)).status_code == 200
    async with client_with(world.app, made["apiKey"]) as was_both:
        assert await name(was_both, "shop") == 403
