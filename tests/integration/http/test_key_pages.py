"""The pages of API keys: who sees which, what one is made with, and that it is shown once."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from headway.api.problems import Problem
from headway.features.access.pages.key import PAGE as ONE
from headway.features.access.pages.key_list import PAGE as LIST
from headway.features.access.pages.key_list import ROWS
from headway.kernel.errors import Forbidden, InvalidInput, NotFound
from tests.integration.http.page_visits import Person, person
from tests.integration.http.world import World

if TYPE_CHECKING:
    from headway.features.access.api.rows import NewApiKeyRow

EVIL = '"><script>alert(1)</script>'
READ = {"name": "ci", "scopes.read": "true"}


async def made(somebody: Person, **typed: str) -> NewApiKeyRow:
    return cast("NewApiKeyRow", await somebody.answered(LIST, "create", {**READ, **typed}))


async def test_a_key_has_what_was_chosen_and_is_shown_once(world: World) -> None:
    ann = await person(world)
    await world.application()
    project_id = (await world.get("project.all"))[0]["projectId"]
    typed = {"scopes.deploy": "true", f"projects.{project_id}": "true", "expiresIn": "604800", "rateLimitMax": "60"}
    row = await made(ann, **typed, pendingAs="running")
    assert (row["scopes"], row["projects"], row["pendingAs"]) == (["read", "deploy"], [project_id], "running")
    assert (row["rateLimitMax"], row["rateLimitTimeWindow"], row["expiresAt"] is not None) == (60, 60_000, True)
    shows = LIST.forms["create"].shows
    assert shows is not None
    view = shows(ann.visit({}, {}), row)
    assert (
        row["key"] in ann.templates.html(view, {"me": None, "form_token": "", "flash": None, "navigation": []}).decode()
    )
    for seen in (await ann.see(LIST), await ann.see(ONE, ids={"apiKeyId": row["id"]})):
        assert row["key"] not in seen.html
        assert "ci" in seen.text
    assert "60 in 1 min 00 s" in (await ann.see(ONE, ids={"apiKeyId": row["id"]})).text


async def test_a_key_is_good_for_nothing_that_was_not_chosen(world: World) -> None:
    ann = await person(world)
    with pytest.raises(InvalidInput, match="one scope"):
        await ann.answered(LIST, "create", {"name": "ci"})
    with pytest.raises(InvalidInput, match="whole number"):
        await made(ann, rateLimitMax="many")
    with pytest.raises(Problem):
        await made(ann, name="")
    with pytest.raises(Problem):
        await made(ann, **{"scopes.everything": "true"})
    with pytest.raises(NotFound):
        await made(ann, **{"projects.unknown": "true"})


async def test_an_owner_sees_all_keys_and_a_member_their_own(world: World) -> None:
    ann, bob, eve = await person(world), await person(world, "member"), await person(world, "stranger")
    mine = (await made(ann, name="of ann"))["id"]
    theirs = (await made(bob, name="of bob"))["id"]
    assert {f"/keys/{mine}", f"/keys/{theirs}"} <= set((await ann.see(LIST)).links.values())
    only = await ann.see(LIST, of=bob.actor.user_id)
    assert (f"/keys/{mine}" in only.links.values(), f"/keys/{theirs}" in only.links.values()) == (False, True)
    own = await bob.see(LIST)
    assert (f"/keys/{mine}" in own.links.values(), f"/keys/{theirs}" in own.links.values()) == (False, True)
    for somebody, key in ((bob, mine), (eve, mine), (eve, theirs)):
        with pytest.raises(NotFound):
            await somebody.see(ONE, ids={"apiKeyId": key})
        with pytest.raises((NotFound, Forbidden)):
            await somebody.send(ONE, "remove", None, apiKeyId=key)


async def test_a_key_is_renamed_switched_off_and_on_and_removed(world: World) -> None:
    ann = await person(world)
    row = await made(ann)
    ids = {"apiKeyId": row["id"]}
    asking = {"x-api-key": row["key"]}

    async def status() -> int:
        return (await world.nobody.get("/user.get", headers=asking)).status_code

    await ann.send(ONE, "rename", {"name": "deploys"}, **ids)
    seen = await ann.see(ONE, ids=ids)
    assert (seen.view.title, seen.links["Switch off"], await status()) == ("deploys", f"/keys/{row['id']}/off", 200)
    assert (await ann.asked(ONE, "off", **ids)).danger
    await ann.send(ONE, "off", None, **ids)
    seen = await ann.see(ONE, ids=ids)
    assert ("Switch off" in seen.links, "Switch on" in seen.links, await status()) == (False, True, 401)
    await ann.send(ONE, "on", None, **ids)
    assert await status() == 200
    _, then = await ann.send(ONE, "remove", None, **ids)
    assert (then, await status()) == ("/keys", 401)
    with pytest.raises(NotFound):
        await ann.see(ONE, ids=ids)


async def test_a_key_that_is_over_says_so(world: World) -> None:
    ann = await person(world)
    row = await made(ann, expiresIn="604800")
    assert "over" not in (await ann.see(ONE, ids={"apiKeyId": row["id"]})).text
    assert "over" in (await ann.later(8 * 24 * 3600).see(ONE, ids={"apiKeyId": row["id"]})).text


async def test_many_keys_come_in_pages_and_none_is_left_out(world: World) -> None:
    ann = await person(world)
    for number in range(ROWS + 5):
        await made(ann, name=f"key {number}")
    found: list[str] = []
    seen = await ann.see(LIST)
    while True:
        found += [href for href in seen.links.values() if href.startswith("/keys/") and href != "/keys/create"]
        older = seen.links.get("Older")
        if older is None:
            break
        seen = await ann.see(LIST, after=older.rpartition("after=")[2])
    assert len(set(found)) == len(await world.get("user.apiKeys"))


async def test_names_of_keys_stay_text(world: World) -> None:
    ann = await person(world)
    row = await made(ann, name=EVIL)
    for seen in (await ann.see(LIST), await ann.see(ONE, ids={"apiKeyId": row["id"]})):
        assert "<script>alert" not in seen.html
        assert EVIL in seen.text
    assert EVIL in (await ann.asked(ONE, "remove", apiKeyId=row["id"])).title
