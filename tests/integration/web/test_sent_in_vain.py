"""Forms that do nothing: they say so, say what is not right, and lose nothing of what was typed."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import httpx
import pytest

from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, browser, send, signed_in

ANEW = "You have signed in anew since this page was opened. Look it over and send it again."
SECRET = "correct-horse-battery"


def hidden_in(text: str, path: str) -> Mapping[str, str]:
    """What the form at a path holds without being seen."""
    _, found, form = text.partition(f'action="{path}"')
    assert found, text
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {html.unescape(name): html.unescape(value) for name, value in pairs}


async def test_what_is_not_right_is_said_on_top_with_the_way_there(world: World) -> None:
    async with signed_in(world) as client:
        bad = await send(client, "/servers/add", name="far", ipAddress="", port="70000")
        assert bad.status_code == 422
        top, _, fields = bad.text.partition("<main")[2].partition('name="form_token"')
        assert 'role="alert" tabindex="-1" data-focus' in top
        assert "Nothing was done: 2 fields are not right." in top
        assert re.findall(r'<a href="#field-(\w+)">([^<]+)</a>', top) == [("ipAddress", "Address"), ("port", "Port")]
        assert {'id="field-ipAddress"', 'id="field-port"'} <= set(re.findall(r'id="field-\w+"', fields))
        assert "<title>Not done: " in bad.text
        wrong = await send(client, f"{(await _server(world))}/remove", typed="another")
        assert re.findall(r'<a href="#field-typed">([^<]+)</a>', wrong.text) == ["What has to be typed"]
        several = (await client.get("/keys/create")).text
        assert 'id="field-scopes"' in several, "where several can be ticked, too"
        assert 'role="alert"' not in several


async def test_a_name_or_password_that_is_wrong_is_heard_and_the_field_keeps_the_focus(world: World) -> None:
    async with browser(world) as client:
        answer = await client.post("/sign-in", data={"name": "Owner", "password": "no"}, headers=OWN)
        assert answer.status_code == 401
        assert re.search(r'<div class="problem tone-bad" role="alert">', answer.text)
        assert re.search(r'<input id="field-password"[^>]* autofocus', answer.text)


@pytest.mark.parametrize(
    ("path", "needed"),
    [
        ("/servers/add", {"name", "ipAddress"}),
        ("/schedules/in/dokploy-server/here/create", {"name", "cronExpression"}),
        ("/services/{}/domains/add-application", {"host"}),
    ],
)
async def test_what_is_needed_is_marked_before_it_is_sent(world: World, path: str, needed: set[str]) -> None:
    address = path.format(await world.application())
    async with signed_in(world) as client:
        text = (await client.get(address)).text
    assert set(re.findall(r'<(?:input|textarea|select) id="field-(\w+)"[^>]* required', text)) >= needed
    assert not re.search(r'id="field-description"[^>]* required', text)


async def test_how_large_a_file_may_be_is_said_before_it_is_sent(world: World) -> None:
    application_id = await world.application()
    async with signed_in(world) as client:
        text = (await client.get(f"/new/services/{application_id}/upload")).text
    most = world.platform.base.settings.upload_limit_bytes
    assert f'data-most-bytes="{most}"' in text
    assert re.search(r"of at most [\d,]+ [KMG]iB\.", text)


async def _server(world: World) -> str:
    made = await world.post(
        "server.create",
        name="far",
        ipAddress="127.0.0.1",
        port=1,
        username="root",
        serverType="deploy",
        sshKeyId=None,
        description="",
    )
    return f"/servers/{made['serverId']}"


def _marks(answer: httpx.Response) -> tuple[str, str]:
    return answer.headers["x-headway-me"], answer.headers["x-headway-files"]
