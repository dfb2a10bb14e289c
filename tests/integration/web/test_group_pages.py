"""Whoever may not name a group of the provider is offered no form for it, and told why."""

from __future__ import annotations

from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in

ADD = "/members/groups/add"


async def test_only_who_may_let_a_group_in_is_offered_to(world: World) -> None:
    theirs = (await world.stranger.get("/user.get")).json()["organizationId"]
    async with signed_in(world) as owner, signed_in(world, "stranger") as stranger:
        assert f'href="{ADD}"' in (await owner.get("/members/groups")).text
        page = (await stranger.get("/members/groups")).text
        assert f'href="{ADD}"' not in page
        assert "is told who is in it" in page
        form = await stranger.get(ADD)
        assert (form.status_code, 'name="name"' in form.text, "Let it in" in form.text) == (200, False, False)
        assert "is told who is in it" in form.text
        assert (await world.stranger.get("/organization.groupRules")).json()["mayName"] is False

        await world.post("organization.grantMachine", organizationId=theirs, least="owner")
        assert f'href="{ADD}"' in (await stranger.get("/members/groups")).text
        assert "Let it in" in (await stranger.get(ADD)).text
