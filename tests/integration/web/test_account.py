"""One's own account over the real panel: by its pages, with what is asked for again, and not by those of others."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import time
from datetime import timedelta

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import update

from headway.infra.db.tables.access import second_factors, sessions
from tests.integration.http.world import World
from tests.integration.web.browsers import (
    COOKIE,
    OWN,
    PASSWORD,
    browser,
    fields_of,
    form_token_of,
    send,
    signed_in,
)
from tests.integration.web.forged import FOREIGN

ANOTHER = "quite another password"
FORMS = (
    "name",
    "password",
    "second-factor",
    "confirm-second-factor",
    "remove-second-factor",
    "recovery-codes",
    "end-others",
    "end-all",
)


async def let_pass(world: World) -> None:
    """Ten minutes since anybody has confirmed that it is them."""
    await world.services.db.run(
        lambda tx: tx.execute(update(sessions).values(confirmed_at=tx.now - timedelta(hours=1)))
    )
    world.services.access.forget()


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> str:
    answer = await client.post("/sign-in", data={"name": name, "password": password}, headers=OWN)
    return str(answer.headers.get("location", answer.status_code))


async def session_ids(client: httpx.AsyncClient) -> list[str]:
    return re.findall(r'href="/account/sessions/([^"/]+)"', (await client.get("/account")).text)


def code_of(secret: str) -> str:
    shown = TOTP(base64.b32decode(secret), 6, SHA1(), 30)  # noqa: S303 - as RFC 6238 has it
    return shown.generate(int(time.time())).decode()


async def set_up(client: httpx.AsyncClient) -> tuple[str, str, list[str]]:
    """Sets up a second factor by its pages: its secret, the code that did it, and the recovery codes."""
    begun = await send(client, "/account/second-factor")
    assert begun.status_code == 200, begun.text
    found = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', begun.text)
    assert found is not None
    secret = found[1].replace(" ", "")
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', begun.text))
    code = code_of(secret)
    typed = {**fields, "code": code}
    on = await client.post("/account/confirm-second-factor", data=typed, headers=OWN)
    assert on.status_code == 200, on.text
    return secret, code, re.findall(r"<li><code>([a-z2-7-]+)</code></li>", on.text)


async def forget_counter(world: World) -> None:
    """A code of this half minute is good once more."""
    await world.services.db.run(lambda tx: tx.execute(update(second_factors).values(last_counter=None)))


async def test_somebody_changes_their_name(world: World) -> None:
    async with signed_in(world) as client:
        assert (await send(client, "/account/name", name="  Ona \t Ott ")).headers["location"] == "/account"
        assert "Ona Ott" in (await client.get("/account")).text
        empty = await send(client, "/account/name", name="")
        assert (empty.status_code, 'id="name-problem"' in empty.text) == (422, True)
        evil = "<script>alert(1)</script>"
        await send(client, "/account/name", name=evil)
        text = (await client.get("/account")).text
        assert (evil in text, html.escape(evil) in text) == (False, True)
        hidden = await send(client, "/account/name", name="a\u202eb")
        assert hidden.status_code == 400
    assert (await world.get("user.get"))["user"]["name"] == evil


async def test_another_password_ends_the_other_sessions_and_loses_nothing_that_was_typed(world: World) -> None:
    async with signed_in(world) as client, browser(world) as other:
        assert await sign_in(other, "owner", PASSWORD) == "/"
        path = "/account/password"
        differs = await send(client, path, password=ANOTHER, again="another one again")
        assert (differs.status_code, ANOTHER in differs.text) == (400, False)
        short = await send(client, path, password="short", again="short")
        assert (short.status_code, "at least 10" in short.text) == (400, True)
        await let_pass(world)
        asked = await client.post(
            path, data={"form_token": await form_token_of(client), "password": ANOTHER, "again": ANOTHER}, headers=OWN
        )
        assert (asked.status_code, 'name="confirm"' in asked.text) == (403, True)
        assert asked.text.count(f'value="{ANOTHER}"') == 2, "what was typed stays in the form"
        wrong = await send(client, path, password=ANOTHER, again=ANOTHER, confirm="not it")
        assert (wrong.status_code, wrong.text.count(f'value="{ANOTHER}"')) == (401, 2)
        assert (await other.get("/account")).status_code == 200
        done = await send(client, path, password=ANOTHER, again=ANOTHER, confirm=PASSWORD)
        assert (done.status_code, done.headers["location"]) == (303, "/account")
        assert (await client.get("/account")).status_code == 200
        assert (await other.get("/account")).status_code == 303
        assert (await sign_in(other, "owner", PASSWORD), await sign_in(other, "owner", ANOTHER)) == ("401", "/")


async def test_a_second_factor_is_set_up_by_its_pages_and_asked_for_then(world: World) -> None:
    async with signed_in(world) as client, browser(world) as other:
        assert "/account/second-factor" in (await client.get("/account")).text
        secret, code, codes = await set_up(client)
        assert (len(secret), len(codes)) == (32, 10)
        account = (await client.get("/account")).text
        assert ("/account/remove-second-factor" in account, '"/account/second-factor"' in account) == (True, False)
        assert not [each for each in (secret, *codes) if each in account]
        assert await sign_in(other, "owner", PASSWORD) == "/sign-in/code?next=/"
        used = await other.post("/sign-in/code", data={"code": code}, headers=OWN)
        assert used.status_code == 401, "it was good once, to set it up"
        await forget_counter(world)
        opened = await other.post("/sign-in/code", data={"code": code_of(secret)}, headers=OWN)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        again = await send(other, "/account/recovery-codes")
        renewed = re.findall(r"<li><code>([a-z2-7-]+)</code></li>", again.text)
        assert (len(renewed), set(renewed) & set(codes)) == (10, set())
        removed = await send(other, "/account/remove-second-factor")
        assert removed.headers["location"] == "/account"
        assert (await client.get("/account")).status_code == 303, "all others end"
        assert '"/account/second-factor"' in (await other.get("/account")).text


async def test_a_code_that_is_wrong_leaves_it_off_and_asks_again(world: World) -> None:
    async with signed_in(world) as client:
        await send(client, "/account/second-factor")
        wrong = await send(client, "/account/confirm-second-factor", code="000000")
        assert (wrong.status_code, "not the code" in wrong.text, 'value="000000"' in wrong.text) == (400, True, True)
        assert '"/account/second-factor"' in (await client.get("/account")).text


async def test_a_code_confirms_within_a_form(world: World) -> None:
    async with signed_in(world) as client:
        secret, _, _ = await set_up(client)
        await let_pass(world)
        await forget_counter(world)
        question = await client.get("/account/recovery-codes")
        assert 'name="confirm"' in question.text
        done = await send(client, "/account/recovery-codes", confirm=code_of(secret))
        assert (done.status_code, done.text.count("<li><code>")) == (200, 10)


async def test_what_is_shown_once_is_shown_to_who_clicks_twice_and_made_once(world: World) -> None:
    async with signed_in(world) as client:
        fields = await fields_of(client, "/keys/create")
        typed = {**fields, "name": "ci", "scopes.read": "true"}
        both = await asyncio.gather(*(client.post("/keys/create", data=typed, headers=OWN) for _ in range(2)))
        keys = [re.findall(r'id="once-value"[^>]* value="([^"]+)"', each.text) for each in both]
        assert (len(keys[0]), keys[0]) == (1, keys[1])
        assert {each.headers["cache-control"] for each in both} == {"no-store"}
        assert [each["name"] for each in await world.get("user.apiKeys")].count("ci") == 1
        more = await send(client, "/keys/create", name="ci", **{"scopes.read": "true"})
        assert re.findall(r'id="once-value"[^>]* value="([^"]+)"', more.text) != keys[0]


async def test_somebody_ends_one_session_all_others_and_all(world: World) -> None:
    async with signed_in(world) as client, browser(world) as one, browser(world) as two:
        for each in (one, two):
            assert await sign_in(each, "owner", PASSWORD) == "/"
        mine = await session_ids(client)
        assert len(mine) == 3
        texts = {each: (await client.get(f"/account/sessions/{each}")).text for each in mine}
        current = next(each for each, text in texts.items() if "the session that you use" in text)
        ended = await send(client, f"/account/sessions/{next(each for each in mine if each != current)}/end")
        assert ended.headers["location"] == "/account"
        assert sorted([(await each.get("/account")).status_code for each in (one, two)]) == [200, 303]
        await send(client, "/account/end-others")
        assert {(await each.get("/account")).status_code for each in (one, two)} == {303}
        assert await session_ids(client) == [current]
        await send(client, "/account/end-all")
        assert (await client.get("/account")).status_code == 303


async def test_nobody_sees_or_ends_the_session_of_somebody_else(world: World) -> None:
    async with signed_in(world) as client, signed_in(world, "member") as other:
        (theirs,) = await session_ids(other)
        assert (await client.get(f"/account/sessions/{theirs}")).status_code == 404
        fields = {"form_token": await form_token_of(client)}
        ended = await client.post(f"/account/sessions/{theirs}/end", data=fields, headers=OWN)
        assert (ended.status_code, (await other.get("/account")).status_code) == (404, 200)


async def test_forms_of_people_are_sent_by_pages_of_this_panel_alone(world: World) -> None:
    user_id = (await world.get("user.get"))["userId"]
    key_id = (await world.get("user.apiKeys"))[0]["id"]
    organization_id = (await world.get("organization.all"))[0]["id"]
    async with signed_in(world) as client, signed_in(world, "member") as other:
        (session_id,) = await session_ids(client)
        paths = [f"/account/{each}" for each in FORMS]
        paths += [f"/account/sessions/{session_id}/end", "/keys/create", "/members/invite", "/theme"]
        paths += [f"/keys/{key_id}/{each}" for each in ("rename", "off", "on", "remove")]
        paths += [f"/members/users/{user_id}/{each}" for each in ("role", "access", "remove")]
        paths += [f"/organization/{organization_id}"]
        token, theirs = await form_token_of(client), await form_token_of(other)
        typed = {"form_token": token, "theme": "dark", "name": "x", "password": ANOTHER, "again": ANOTHER}
        found = {}
        for path in paths:
            for why, headers in FOREIGN.items():
                found[path, why] = (await client.post(path, data=typed, headers=dict(headers))).status_code
            for why, sent in (("none", ""), ("of another session", theirs)):
                answer = await client.post(path, data={**typed, "form_token": sent}, headers=OWN)
                found[path, f"token: {why}"] = answer.status_code
        assert {key: status for key, status in found.items() if status != 403} == {}
        assert len(found) == len(paths) * (len(FOREIGN) + 2)
        assert (await client.get("/account")).status_code == 200
    assert len(await world.get("user.apiKeys")) >= 1


async def test_somebody_in_two_organisations_goes_from_one_to_the_other(world: World) -> None:
    made = await world.post("organization.create", name="Second <b>team</b>")
    async with signed_in(world) as client, signed_in(world, "member") as other:
        account = (await client.get("/account")).text
        path = f"/organization/{made['id']}"
        assert (f'action="{path}"' in account, "Second &lt;b&gt;team" in account) == (True, True)
        before = client.cookies[COOKIE]
        await let_pass(world)
        fields = {"form_token": await form_token_of(client)}
        gone = await client.post(path, data=fields, headers=OWN)
        assert (gone.status_code, gone.headers["location"]) == (303, "/")
        after = client.cookies[COOKIE]
        assert after != before
        here = await client.get("/account")
        assert 'action="/organization/' in here.text
        assert f'action="{path}"' not in here.text, "they are here"
        assert 'name="confirm"' in (await client.get("/keys/create")).text, "who has not confirmed has not by that"
        stale = await client.post("/theme", data={**fields, "theme": "dark"}, headers=OWN)
        assert stale.status_code == 403, "the forms of before are another session's"
        async with browser(world) as old:
            old.cookies.set(COOKIE, before)
            assert (await old.get("/account")).status_code == 303
        fields = {"form_token": await form_token_of(other)}
        assert (await other.post(path, data=fields, headers=OWN)).status_code == 404
        assert (await other.get(path)).status_code == 404
    rows = (await world.get("auditLog.all"))["logs"]
    assert "session.entered" not in [each["procedure"] for each in rows], "it is told where they went"


async def test_pages_are_light_or_dark_by_choice_and_by_that_of_nobody_else(world: World) -> None:
    async with signed_in(world) as client, signed_in(world, "member") as other:
        for theme, shown in (("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("system", "")):
            typed = {"form_token": await form_token_of(client), "theme": theme, "next": "/account"}
            answer = await client.post("/theme", data=typed, headers=OWN)
            assert (answer.status_code, answer.headers["location"]) == (303, "/account")
            for path in ("/account", "/deployments"):
                assert f'<html lang="en"{shown}>' in (await client.get(path)).text
            assert '<html lang="en">' in (await other.get("/account")).text
        for theme in ("", 'dark" onclick="x', "blue"):
            typed = {"form_token": await form_token_of(client), "theme": theme}
            assert (await client.post("/theme", data=typed, headers=OWN)).status_code == 400
        client.cookies.set("headway-theme-3000", 'x"><script>')
        assert '<html lang="en">' in (await client.get("/account")).text
        typed = {"form_token": await form_token_of(client), "theme": "dark", "next": "//evil.example"}
        assert (await client.post("/theme", data=typed, headers=OWN)).headers["location"] == "/"


async def test_who_has_no_session_is_led_to_sign_in(world: World) -> None:
    async with browser(world) as client:
        for path in ("/account", "/keys", "/audit", "/account/password"):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"].startswith("/sign-in?next=")) == (303, True)
        for path in ("/theme", "/organization/x"):
            answer = await client.post(path, data={"theme": "dark"}, headers=OWN)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


async def test_the_log_says_from_where_a_change_by_a_page_came(world: World) -> None:
    async with signed_in(world) as client:
        await send(client, "/account/name", name="Ona")
        row = (await world.get("auditLog.all"))["logs"][0]
        assert (row["procedure"], row["credential"], row["metadata"]["address"]) == (
            "account.setName",
            "session",
            "127.0.0.1",
        )
        assert "127.0.0.1" in (await client.get("/audit?procedure=account.setName")).text
