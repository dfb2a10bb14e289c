"""The command palette: what is found by a few words, for whom, and where it leads."""

from __future__ import annotations

import html
import re

import httpx
import pytest

from headway.features.home.pages import palette
from headway.features.home.pages.palette import MOST
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in

_ROW = re.compile(r'<li><a href="([^"]*)" title="([^"]*)"')
EVIL = "</title><script>alert(1)</script>"


async def _found(client: httpx.AsyncClient, text: str) -> dict[str, str]:
    """What each command is called, with where it leads, as they come."""
    answer = await client.get("/palette/-/found", params={"text": text})
    assert answer.status_code == 200, answer.text
    return {html.unescape(title): html.unescape(href) for href, title in _ROW.findall(answer.text)}


async def test_what_is_typed_leads_to_pages_and_to_questions(world: World) -> None:
    application_id = await world.application("Shop")
    await world.application("shopping list")
    about = "application, bench / production"
    async with signed_in(world) as client:
        found = await _found(client, "shop")
        assert list(found)[:2] == [f"Shop, {about}", f"shopping list, {about}"], "what is called just so comes first"
        assert found[f"Shop, {about}"] == f"/services/{application_id}"
        assert found[f"Deploy Shop, {about}"] == f"/services/{application_id}/deploy-application"
        assert list(await _found(client, "shop bench DEPLOY list")) == [f"Deploy shopping list, {about}"]
        for href in found.values():
            assert (await client.get(href)).status_code == 200, href

        pages = {each for each in await _found(client, "se") if each.endswith(", page")}
        assert pages == {"Services, page", "Servers, page", "Panel settings, page"}, "those of which a word begins so"
        assert "bench, project" in await _found(client, "bench")
        assert await _found(client, "nothing is called so") == {}
        assert "Nothing that you may see" in (await client.get("/palette", params={"text": "nothing so"})).text


async def test_what_is_meant_is_found_however_many_services_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(palette, "_MOST_ACTED_ON", 2)
    for name in ("api", "blog", "docs", "shop"):
        await world.application(name)
    async with signed_in(world) as client:
        found = await _found(client, "deploy shop")
        assert list(found) == ["Deploy shop, application, bench / production"]
        assert len([each for each in await _found(client, "settings of") if "Settings of" in each]) == 2


async def test_what_is_under_way_is_offered_to_be_ended(world: World) -> None:
    application_id = await world.application("shop")
    running = await world.deploy(application_id, title="the first")
    await world.claim()
    waiting = await world.deploy(application_id, title="the second")
    async with signed_in(world) as client:
        found = await _found(client, "the")
        assert {title: href for title, href in found.items() if title.endswith(", shop")} == {
            "the first, running, shop": f"/deployments/{running}",
            "Cancel the first, running, shop": f"/deployments/{running}/cancel",
            "Kill the first, running, shop": f"/deployments/{running}/kill",
            "the second, pending, shop": f"/deployments/{waiting}",
            "Cancel the second, pending, shop": f"/deployments/{waiting}/cancel",
        }
        assert f"/deployments/{running}" in (await _found(client, "")).values(), (
            "which is shown before anything is typed"
        )


async def test_nobody_is_shown_what_is_not_theirs(world: World) -> None:
    application_id = await world.application("shop")
    await world.deploy(application_id, title="the first")
    async with signed_in(world, "member") as client:
        assert {each for each in await _found(client, "") if "shop" in each} == set()
        assert await _found(client, "bench") == {}
        project_id = (await world.get("service.one", serviceId=application_id))["environment"]["project"]["projectId"]
        member = next(each for each in await world.get("user.all") if each["role"] == "member")
        await world.post("user.assignPermissions", id=member["userId"], accessedProjects=[project_id])
        found = await _found(client, "shop")
        assert f"/services/{application_id}" in found.values()
        for href in found.values():
            assert (await client.get(href)).status_code == 200, "what would be refused is not offered"


async def test_there_are_not_more_than_can_be_read(world: World) -> None:
    environment_id = await world.environment()
    for number in range(MOST):
        await world.post("application.create", name=f"worker {number:02}", environmentId=environment_id)
    async with signed_in(world) as client:
        assert len(await _found(client, "worker")) == MOST
        assert "more: type another word" in (await client.get("/palette/-/found", params={"text": "worker"})).text
        assert len(await _found(client, "worker 07")) < MOST


async def test_text_from_outside_stays_text(world: World) -> None:
    await world.application(EVIL)
    async with signed_in(world) as client:
        for path in ("/palette", "/palette/-/found"):
            for typed in ("", EVIL, "\x00\u202e" + "long " * 10_000):
                answer = await client.get(path, params={"text": typed})
                assert answer.status_code == 200
                assert "<script>alert" not in answer.text
        assert any(EVIL in each for each in await _found(client, "script>alert"))
