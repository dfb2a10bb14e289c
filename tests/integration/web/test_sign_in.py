"""Signing in by pages: a link, a password, where it is refused, and the way out."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from headway.infra.db.tables.access import sessions
from tests.integration.http.world import World, open_world
from tests.integration.web.browsers import (
    COOKIE,
    ORIGIN,
    OWN,
    PASSWORD,
    browser,
    form_token_of,
    link_for,
    send,
    signed_in,
)

TYPED = {"name": "Owner", "password": PASSWORD}


async def test_a_link_sets_a_password_once_and_opens_a_session(world: World) -> None:
    async with browser(world) as client:
        path = await link_for(world, "Owner")
        for _ in range(2):  # to look at it uses nothing up
            shown = await client.get(path)
            assert (shown.status_code, "Owner" in shown.text) == (200, True)
        taken = await client.post(path, data=TYPED, headers=OWN)
        assert (taken.status_code, taken.headers["location"]) == (303, "/")
        assert f"{COOKIE}=" in taken.headers["set-cookie"]
        assert "; Path=/; HttpOnly; SameSite=Lax" in taken.headers["set-cookie"]
        assert (await client.get("/deployments")).status_code == 200
    async with browser(world) as other:
        gone, unknown = await other.get(path), await other.get("/link/nobody-knows")
        again = await other.post(path, data=TYPED, headers=OWN)
        assert (gone.status_code, unknown.status_code, again.status_code) == (404, 404, 404)
        assert gone.text == unknown.text


async def test_a_password_opens_a_session_and_leads_back(world: World) -> None:
    async with signed_in(world):
        pass
    async with browser(world) as client:
        away = await client.get("/deployments?status=error")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=/deployments%3Fstatus%3Derror")
        shown = await client.get(away.headers["location"])
        assert 'value="/deployments?status=error"' in shown.text
        come = await send(client, away.headers["location"], **TYPED)
        assert (come.status_code, come.headers["location"]) == (303, "/deployments?status=error")
        first = client.cookies[COOKIE]
        await send(client, "/sign-in", **TYPED)
        assert client.cookies[COOKIE] != first, "no session is taken over from before"
        page = await client.get("/deployments")
        assert (page.status_code, "Owner" in page.text) == (200, True)


async def test_wrong_and_unknown_are_told_alike(world: World) -> None:
    async with signed_in(world):
        pass
    async with browser(world) as client:
        wrong = await send(client, "/sign-in", name="Owner", password="not the right one")
        unknown = await send(client, "/sign-in", name="Nobody", password="not the right one")
        assert (wrong.status_code, unknown.status_code) == (401, 401)
        assert wrong.text.replace("Owner", "Nobody") == unknown.text
        assert "The name or the password is wrong." in wrong.text
        assert "set-cookie" not in wrong.headers
        assert "not the right one" not in wrong.text


async def test_who_fails_too_often_is_told_when_to_come_back(world: World) -> None:
    async with browser(world) as client:
        answers = [await send(client, "/sign-in", name="Owner", password=f"guess {each}") for each in range(8)]
        last = answers[-1]
        assert last.status_code == 429
        assert int(last.headers["retry-after"]) >= 1
        assert "<form" in last.text


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "https://evil.example/deployments",
        "/\\evil.example",
        "javascript:alert(1)",
        "/x\r\na:b=c",
    ],
)
async def test_nobody_is_led_away(world: World, next_: str) -> None:
    async with signed_in(world):
        pass
    async with browser(world) as client:
        answer = await send(client, "/sign-in", **TYPED, next=next_)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert (await client.get("/sign-in", params={"next": next_})).text.count("evil") == 0


async def test_no_password_crosses_the_network_readable(world: World) -> None:
    path = await link_for(world, "Owner")
    async with signed_in(world, "member") as client:
        token = client.cookies[COOKIE]
    async with browser(world, "192.0.2.7", "http://192.0.2.1:3000") as far:
        for where in ("/sign-in", "/sign-in/code", path, "/invitation/x"):
            shown = await far.get(where)
            assert (shown.status_code, "HEADWAY_PLAIN_SIGN_IN" in shown.text) == (403, True), where
            own = {"origin": "http://192.0.2.1:3000"}
            assert (await far.post(where, data=TYPED, headers=own)).status_code == 403, where
        page = await far.get("/deployments", headers={"cookie": f"{COOKIE}={token}"})
        assert page.status_code == 303, "a cookie of the loopback opens nothing here"


async def test_a_name_that_is_not_the_panels_shows_nothing(world: World) -> None:
    async with browser(world, base_url="http://evil.example:3000") as client:
        for path in ("/", "/sign-in", "/deployments"):
            shown = await client.get(path)
            assert (shown.status_code, "HEADWAY_PUBLIC_URL" in shown.text) == (421, True), path


async def test_who_signs_out_is_out(world: World) -> None:
    async with signed_in(world) as client:
        token = client.cookies[COOKIE]
        refused = await client.post("/sign-out", headers=OWN, data={"form_token": "guessed"})
        assert refused.status_code == 403
        page = await client.get("/deployments")
        assert page.status_code == 200
        form_token = await form_token_of(client)
        out = await client.post("/sign-out", headers=OWN, data={"form_token": form_token})
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in?said=out")
        assert "You are signed out." in (await client.get("/sign-in?said=out")).text
        assert out.headers["clear-site-data"] == '"cache"'
        assert COOKIE not in client.cookies
        shown = await client.get("/deployments", headers={"cookie": f"{COOKIE}={token}"})
        assert shown.status_code == 303, "the session itself has ended"
        assert shown.headers["location"] == "/sign-in?next=/deployments&said=over"
        assert "your session has ended" in (await client.get(shown.headers["location"])).text
        assert "evil" not in (await client.get("/sign-in?said=evil")).text, "nobody else puts words there"


async def test_a_part_says_that_the_session_is_over(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    async with browser(world) as client:
        assert (await client.get(f"/deployments/{deployment_id}/-/state")).status_code == 401


async def test_a_program_reads_at_the_panels_address_what_it_did(world: World) -> None:
    async with browser(world) as client:
        told = await client.get("/", headers={"accept": "*/*"})
        assert (told.status_code, told.headers["content-type"]) == (200, "text/plain; charset=utf-8")
        shown = await client.get("/")
        assert (shown.status_code, shown.headers["location"]) == (303, "/sign-in?next=/")
        nowhere = await client.get("/elsewhere", headers={"accept": "*/*"})
        assert (nowhere.status_code, nowhere.json()["message"]) == (404, "Not found")
        assert (await client.get(f"{ORIGIN}/elsewhere")).headers["content-type"] == "text/html; charset=utf-8"


async def test_by_https_the_cookie_is_the_panels_alone(tmp_path: Path, sqlite_template: Path) -> None:
    public = "https://panel.example"
    async with world_with(tmp_path, sqlite_template, HEADWAY_PUBLIC_URL=public) as world:
        path = await link_for(world, "Owner")
        async with browser(world, base_url=public) as client:
            client.headers["x-forwarded-proto"] = "https"
            client.headers["x-forwarded-for"] = "192.0.2.7"
            own = {"origin": public, "sec-fetch-site": "same-origin"}
            taken = await client.post(path, data=TYPED, headers=own)
            assert taken.status_code == 303
            cookie = taken.headers["set-cookie"]
            assert cookie.startswith("__Host-headway=")
            assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
            assert (await client.get("/deployments")).status_code == 200
            token = client.cookies["__Host-headway"]
        async with browser(world) as here:
            for name in (COOKIE, "__Host-headway"):
                there = await here.get("/deployments", headers={"cookie": f"{name}={token}"})
                assert there.status_code == (200 if name == COOKIE else 303)
        async with browser(world, "192.0.2.7", public) as far:
            far.headers["x-forwarded-proto"] = "https"
            assert (await far.get("/sign-in")).status_code == 403, "who is no proxy of ours says nothing of the way"


async def test_who_says_so_signs_in_readable_and_is_told_on_every_page(tmp_path: Path, sqlite_template: Path) -> None:
    async with world_with(tmp_path, sqlite_template, HEADWAY_PLAIN_SIGN_IN="yes") as world:
        path = await link_for(world, "Owner")
        async with browser(world, "192.0.2.7", "http://192.0.2.1:3000") as far:
            assert "not encrypted" in (await far.get(path)).text
            taken = await far.post(path, data=TYPED, headers={"origin": "http://192.0.2.1:3000"})
            assert taken.status_code == 303
            assert "over plain HTTP" in (await far.get("/deployments")).text


async def test_forms_of_strangers_are_short_and_few_of_one_address_are_read_at_a_time(
    tmp_path: Path, sqlite_template: Path
) -> None:
    let_go = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"name=x&"
        await let_go.wait()
        yield b"password=y"

    here = "http://192.0.2.1:3000"
    own = {"origin": here, "content-type": "application/x-www-form-urlencoded"}
    async with (
        world_with(tmp_path, sqlite_template, HEADWAY_PLAIN_SIGN_IN="yes") as world,
        browser(world, "192.0.2.7", here) as far,
        browser(world, "192.0.2.8", here) as other,
    ):
        longest = {"name": "\U0001f5dd" * 254, "password": "\U0001f5dd" * 1_024}
        assert (await other.post("/sign-in", data=longest, headers=own)).status_code == 401
        too_long = await other.post("/sign-in", data={"name": "x" * 17_000}, headers=own)
        assert too_long.status_code == 413
        many = [asyncio.create_task(far.post("/sign-in", content=slow(), headers=own)) for _ in range(17)]
        try:
            done, _ = await asyncio.wait(many, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            assert [each.result().status_code for each in done] == [503]
            assert (await other.post("/sign-in", data=TYPED, headers=own)).status_code == 401
        finally:
            let_go.set()
            await asyncio.wait(many)


async def test_what_is_careful_is_confirmed_by_the_same_form(world: World) -> None:
    async with signed_in(world) as client:
        await world.services.db.run(
            lambda tx: tx.execute(update(sessions).values(confirmed_at=tx.now - timedelta(hours=1)))
        )
        world.services.access.forget()
        assert 'name="confirm"' in (await client.get("/members/invite")).text, "it is asked for with the rest"
        asked = await send(client, "/members/invite", email="mia@example.org", role="admin")
        assert (asked.status_code, 'name="confirm"' in asked.text) == (403, True)
        assert 'value="mia@example.org"' in asked.text, "what was typed stays"
        assert '<option value="admin" selected>' in asked.text
        wrong = await send(client, "/members/invite", email="mia@example.org", role="admin", confirm="not it")
        assert (wrong.status_code, 'name="confirm"' in wrong.text) == (401, True)
        assert "not it" not in wrong.text
        assert await world.get("organization.allInvitations") == []
        done = await send(client, "/members/invite", email="mia@example.org", role="admin", confirm=PASSWORD)
        assert (done.status_code, "/invitation/" in done.text) == (200, True)
        assert len(await world.get("organization.allInvitations")) == 1


async def test_who_is_invited_joins_with_a_password(world: World) -> None:
    made = await world.post("organization.inviteMember", email="mia@example.org", role="member")
    async with browser(world) as client:
        path = f"/invitation/{made['token']}"
        assert (await client.get(path)).status_code == 200
        short = await client.post(path, data={"name": "mia", "password": "short"}, headers=OWN)
        assert (short.status_code, 'value="mia"' in short.text, "short" in short.text) == (400, True, False)
        joined = await client.post(path, data={"name": "mia", "password": PASSWORD}, headers=OWN)
        assert (joined.status_code, joined.headers["location"]) == (303, "/")
        assert (await client.get("/deployments")).status_code == 200
        assert (await client.get(path)).status_code == 404
        assert (await client.get("/invitation/unknown")).status_code == 404


@asynccontextmanager
async def world_with(folder: Path, template: Path, **env: str) -> AsyncIterator[World]:
    """A world with other settings."""
    data = folder / "data"
    data.mkdir()
    shutil.copyfile(template, data / "headway.db")
    async with open_world(data, **env) as opened:
        yield opened
