"""``settings.*`` and ``user.*``: what clients ask about the panel and themselves."""

from __future__ import annotations

import re

from headway.kernel.errors import HeadwayError
from tests.integration.http.world import World


async def test_the_panel_is_well(world: World) -> None:
    assert await world.get("settings.health") == {"status": "ok"}


async def test_what_a_loop_could_not_do_is_told_to_whom_the_machine_is_theirs(world: World) -> None:
    async def broken() -> None:
        raise HeadwayError("The secret cannot be opened.")

    for _ in range(2):
        await world.services.troubles.attempt("timer", "schedule one", broken)
    told = await world.get("settings.health")
    (trouble,) = told["troubles"]
    assert (trouble["loop"], trouble["item"], trouble["message"]) == (
        "timer",
        "schedule one",
        "The secret cannot be opened.",
    )
    assert (await world.member.get("/settings.health")).json() == {"status": "ok"}
    assert (await world.stranger.get("/settings.health")).json() == {"status": "ok"}
    assert 'headway_troubles{loop="timer"} 1.0' in (await world.owner.get("http://headway.test/metrics")).text


async def test_the_version_of_the_wire_can_be_compared(world: World) -> None:
    assert re.fullmatch(r"v\d+\.\d+\.\d+", await world.get("settings.getDokployVersion"))


async def test_a_caller_learns_who_it_is(world: World) -> None:
    owner = await world.get("user.get")
    member = (await world.member.get("/user.get")).json()
    assert (owner["role"], member["role"]) == ("owner", "member")
    assert owner["organizationId"] == member["organizationId"]
    assert owner["userId"] != member["userId"]
    assert member["user"]["name"] == "member"
