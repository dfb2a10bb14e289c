"""Passkeys by the pages: made in the account, shown at the door, and where there are none."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.integration.http.world import World
from tests.integration.web.browsers import COOKIE, OWN, PASSWORD, browser, link_for, send, signed_in
from tests.integration.web.test_account import let_pass
from tests.support.panel.authenticator import LOCAL, Authenticator

LOCALLY = {"origin": LOCAL, "sec-fetch-site": "same-origin"}
ASKED = "headway-passkey-3000"


@asynccontextmanager
async def at_localhost(world: World, person: str = "Owner") -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who has signed in through a tunnel, at a name."""
    async with browser(world, base_url=LOCAL) as client:
        path = await link_for(world, person)
        taken = await client.post(path, data={"name": person, "password": PASSWORD}, headers=LOCALLY)
        assert taken.status_code == 303, taken.text
        yield client


async def begun(client: httpx.AsyncClient, **typed: str) -> tuple[str, dict[str, str]]:
    """What the page has the browser asked for a new passkey, and the hidden fields of its form."""
    question = await client.get("/account/passkey")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', question.text))
    shown = await client.post("/account/passkey", data={**fields, **typed}, headers=LOCALLY)
    assert shown.status_code == 200, shown.text
    options = re.search(r'data-options="([^"]+)"', shown.text)
    assert options is not None
    form = shown.text.partition('action="/account/add-passkey"')[2]
    return html.unescape(options[1]), dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


async def added(client: httpx.AsyncClient, device: Authenticator, name: str = "my telephone") -> httpx.Response:
    options, fields = await begun(client)
    typed = {**fields, "name": name, "answer": device.make(options)}
    return await client.post("/account/add-passkey", data=typed, headers=LOCALLY)


async def shown(client: httpx.AsyncClient, device: Authenticator, name: str = "", then: str = "/") -> httpx.Response:
    asked = await client.post("/sign-in/passkey-options", data={"name": name}, headers=LOCALLY)
    assert (asked.status_code, asked.headers["content-type"]) == (200, "application/json"), asked.text
    answer = device.show(asked.text)
    return await client.post("/sign-in/passkey", data={"answer": answer, "next": then}, headers=LOCALLY)


async def test_a_passkey_is_made_in_the_account_and_opens_the_door(world: World) -> None:
    device = Authenticator()
    async with at_localhost(world) as client, browser(world, base_url=LOCAL) as other:
        assert "/account/passkey" in (await client.get("/account")).text
        done = await added(client, device)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        account = (await client.get("/account")).text
        assert ("my telephone" in account, "localhost" in account) == (True, True)
        door = (await other.get("/sign-in?next=/account")).text
        assert 'data-asks="/sign-in/passkey-options"' in door
        come = await shown(other, device, then="/account")
        assert (come.status_code, come.headers["location"]) == (303, "/account")
        assert ASKED not in other.cookies, "what was asked is over"
        assert (await other.get("/account")).status_code == 200
        named = await shown(other, device, name="owner")
        assert named.status_code == 303
        told = (await client.get("/audit?procedure=session.signIn")).text
        assert "session.signIn" in told


async def test_who_adds_one_confirms_first_and_loses_nothing(world: World) -> None:
    async with at_localhost(world) as client:
        await let_pass(world)
        question = await client.get("/account/passkey")
        assert 'name="confirm"' in question.text
        fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', question.text))
        refused = await client.post("/account/passkey", data=fields, headers=LOCALLY)
        assert (refused.status_code, 'name="confirm"' in refused.text) == (403, True)
        options, _ = await begun(client, confirm=PASSWORD)
        assert json.loads(options)["rp"]["id"] == "localhost"


async def test_what_comes_to_nothing_is_told_with_the_way_to_begin_anew(world: World) -> None:
    device = Authenticator(origin="http://localhost:3001")
    async with at_localhost(world) as client, browser(world, base_url=LOCAL) as other:
        wrong = await added(client, device)
        assert (wrong.status_code, 'href="/account/passkey"' in wrong.text) == (400, True)
        assert "shows no new passkey" in wrong.text
        refused = await shown(other, await _known(client))
        assert (refused.status_code, "Sign in" in refused.text) == (401, True)
        assert "does not show that passkey" in refused.text
        assert COOKIE not in other.cookies
        asked = await other.post("/sign-in/passkey", data={"answer": "{}"}, headers=LOCALLY)
        assert asked.status_code == 401, "nothing waits for an answer any more"


async def _known(client: httpx.AsyncClient) -> Authenticator:
    """A device with a passkey of the panel's, whose browser is at another address now."""
    device = Authenticator()
    assert (await added(client, device)).status_code == 303
    device.origin = "http://localhost:3001"
    return device


async def test_a_passkey_is_renamed_and_removed_by_its_page(world: World) -> None:
    device = Authenticator()
    async with at_localhost(world) as client, browser(world, base_url=LOCAL) as other:
        evil = "<b>my</b> key"
        await added(client, device, evil)
        account = (await client.get("/account")).text
        assert (evil in account, html.escape(evil) in account) == (False, True)
        found = re.search(r'href="(/account/passkeys/[^"/]+)"', account)
        assert found is not None
        path = found[1]
        assert html.escape(evil) in (await client.get(path)).text
        await shown(other, device)
        for form, typed, then in (("rename", {"name": "a key"}, path), ("remove", {}, "/account")):
            question = await client.get(f"{path}/{form}")
            fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', question.text))
            done = await client.post(f"{path}/{form}", data={**fields, **typed}, headers=LOCALLY)
            assert (done.status_code, done.headers["location"]) == (303, then)
        assert (await other.get("/account")).status_code == 303, "whoever has the device is signed out"
        assert (await client.get(path)).status_code == 404
        assert (await shown(other, device)).status_code == 401


async def test_at_an_address_of_numbers_pages_say_why_there_are_none(world: World) -> None:
    async with signed_in(world) as client, browser(world) as other:
        account, door = (await client.get("/account")).text, (await other.get("/sign-in")).text
        for text in (account, door):
            assert "localhost" in text
        assert ('href="/account/passkey"' in account, "data-passkey" in door) == (False, False)
        question = await client.get("/account/passkey")
        assert ("Go on" in question.text, "bound to a host name" in question.text) == (False, True)
        sent = await send(client, "/account/passkey")
        assert (sent.status_code, "bound to a host name" in sent.text) == (400, True)
        asked = await other.post("/sign-in/passkey-options", data={"name": ""}, headers=OWN)
        assert asked.status_code == 400


async def test_only_pages_of_this_panel_ask_and_answer(world: World) -> None:
    async with browser(world, base_url=LOCAL) as client:
        for path in ("/sign-in/passkey-options", "/sign-in/passkey"):
            for origin in ("http://localhost:3001", "https://evil.example", "null"):
                assert (await client.post(path, data={}, headers={"origin": origin})).status_code == 403
            looked = await client.get(path)
            assert (looked.status_code, looked.headers["location"]) == (303, "/sign-in")
        too_long = await client.post("/sign-in/passkey", data={"answer": "x" * 70_000}, headers=LOCALLY)
        assert too_long.status_code == 413


@pytest.mark.parametrize("tries", [31])
async def test_who_asks_too_often_is_told_so(world: World, tries: int) -> None:
    async with browser(world, base_url=LOCAL) as client:
        answers = [
            await client.post("/sign-in/passkey-options", data={"name": ""}, headers=LOCALLY) for _ in range(tries)
        ]
        assert [each.status_code for each in answers] == [*([200] * (tries - 1)), 429]
