"""``settings.*`` and ``user.*``: what clients ask about the panel and themselves."""

from __future__ import annotations

import re

from tests.integration.http.world import World


async def test_the_panel_is_well(world: World) -> None:
    assert await world.get("settings.health") == {"status": "ok"}


async def test_the_version_of_the_wire_can_be_compared(world: World) -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", await world.get("settings.getDokployVersion"))


async def test_a_caller_learns_who_it_is(world: World) -> None:
    owner = await world.get("user.get")
    member = (await world.member.get("/user.get")).json()
    assert (owner["role"], member["role"]) == ("owner", "member")
    assert owner["organizationId"] == member["organizationId"]
    assert owner["userId"] != member["userId"]
    assert member["user"]["name"] == "member"
