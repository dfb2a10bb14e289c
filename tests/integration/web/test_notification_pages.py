"""The pages of channels: each kind is made and changed in its form, tested, switched off, and says what was told."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from headway.api.inputs import Input
from headway.core.access.store import first_owner
from headway.core.deployments.status import Status
from headway.features.notifications import store
from headway.features.notifications.api.channels import FORMS
from headway.features.notifications.pages.channel_kinds import KINDS, SWITCHES
from headway.infra.db.transaction import Tx
from headway.operations import bare_registry
from headway.pages.forms import Kind
from tests.integration.http.notification_rows import FORMS as GIVEN
from tests.integration.http.test_notification import turn
from tests.integration.http.world import World
from tests.integration.web.browsers import OWN, fields_of, form_token_of, send, signed_in
from tests.support.notifications.receivers import receiver

SECRETS = ("c3c3c3c3", "abc-d_e", "AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr", "p@ss:w/rd", "AbCdEfGhIjKlMno", "tk_abc")


def test_every_kind_of_channel_has_its_form_and_the_form_its_fields() -> None:
    """A channel that is added to the operations is missed here."""
    assert {form.word for form in FORMS} | {"webhook", "apprise"} == set(KINDS)
    registry = bare_registry()
    wrong: dict[str, Any] = {}
    for word, kind in KINDS.items():
        for verb in ("create", "update"):
            operation = registry.named(f"notification.{verb}{kind.form or ''}")
            assert operation is not None
            fields = _names(operation.input)
            asked = {name.partition(".")[0] for name in kind.fields} | (set(SWITCHES) if kind.form else set())
            if not asked <= fields:
                wrong[f"{verb} {word}"] = asked - fields
    of_forms = {form.word: form for form in FORMS}
    for word, form in of_forms.items():
        names = {name: field.alias or name for name, field in form.model_fields.items()}
        needed = {names[name] for name, field in form.model_fields.items() if field.is_required()}
        hidden = {names[name] for name in form.hidden}
        shown = {name for name, each in KINDS[word].fields.items() if each.kind is not Kind.SECRET}
        if not needed <= set(KINDS[word].fields) or hidden & shown:
            wrong[word] = (needed - set(KINDS[word].fields), hidden & shown)
    assert wrong == {}


def _names(taken: type[Input]) -> set[str]:
    return {field.alias or name for name, field in taken.model_fields.items()}


@pytest.mark.parametrize("word", ["slack", "discord", "telegram", "email", "gotify"])
async def test_a_channel_is_made_and_changed_and_its_secrets_stay_where_they_are_empty(world: World, word: str) -> None:
    kind = KINDS[word]
    given = {name: str(value) for name, value in GIVEN[str(kind.form)].items()}
    given = {name: value.replace("c3", "c3c3c3c3").replace(",", "\n") for name, value in given.items()}
    async with signed_in(world) as client:
        made = await send(client, f"/notifications/create-{word}", name="ops", appBuildError="true", **given)
        assert made.status_code == 303, made.text
        path = made.headers["location"]
        page = await client.get(path)
        assert "Added." in page.text
        asked = (await client.get(f"{path}/change-{word}")).text
        assert "Empty: it stays as it is." in asked
        for name, each in kind.fields.items():
            if each.kind is Kind.SECRET:
                assert given[name] not in asked + page.text, name
        kept = {name: value for name, value in given.items() if kind.fields[name].kind is not Kind.SECRET}
        changed = await send(client, f"{path}/change-{word}", **{**kept, "name": "renamed"})
        assert (changed.status_code, changed.headers["location"]) == (303, path), changed.text
        assert "renamed" in (await client.get(path)).text
    (row,) = await world.get("notification.all")
    assert (row["name"], row["notificationType"], row["enabled"]) == ("renamed", word, True)
    assert "application.error" in row["events"]
    assert not any(each in str(row) for each in SECRETS)
    url = await world.services.db.read(lambda tx: _url(world, tx))
    assert any(each in unquote(url) for each in SECRETS), "the secret is kept"


def _path_in(made: httpx.Response) -> str:
    """Where the channel is that was made, by the answer that shows its secret."""
    found = re.search(r'href="(/notifications/[^"]+)"[^>]*>(?:<svg.*?</svg>)?<span>I have kept it', made.text)
    assert found is not None, made.text
    return found[1]


def _url(world: World, tx: Tx) -> str:
    owner = first_owner(tx)
    assert owner is not None
    (channel,) = store.of_organization(tx, owner[1], world.platform.data_dir.vault)
    return channel.target.url


async def test_what_is_wrong_stands_beside_its_field_and_no_secret_is_shown_again(world: World) -> None:
    async with signed_in(world) as client:
        path = "/notifications/create-telegram"
        answer = await send(client, path, name="ops", botToken="sesame-open", chatId="no chat")
        assert answer.status_code == 422
        assert 'id="chatId-problem"' in answer.text
        assert "sesame-open" not in answer.text
        assert 'value="no chat"' in answer.text
        refused = await send(client, path, name="ops", botToken="sesame-open", chatId="-100")
        assert refused.status_code == 400
        assert "The token of a bot of Telegram is a number, a colon and a word." in refused.text
    assert await world.get("notification.all") == []


async def test_the_secret_of_a_webhook_is_shown_once_and_goes_by_no_cookie(world: World) -> None:
    async with signed_in(world) as client:
        form = "/notifications/create-webhook"
        typed = {**await fields_of(client, form), "name": "ops", "endpoint": "http://127.0.0.1:1"}
        made = await client.post(form, data=typed, headers=OWN)
        assert made.status_code == 200, made.text
        assert (made.headers["cache-control"], made.headers.get("set-cookie")) == ("no-store", None)
        found = re.search(r'id="once-value"[^>]* value="([^"]{20,})"', made.text)
        assert found is not None, "the secret that it is signed with is shown"
        again = await client.post(form, data=typed, headers=OWN)
        assert (again.status_code, found[1] in again.text) == (200, True), "sent twice, it is made once"
        assert len(await world.get("notification.all")) == 1
        assert found[1] not in (await client.get(_path_in(made))).text


async def test_a_test_tells_what_the_other_side_answered(world: World) -> None:
    async with signed_in(world) as client:
        with receiver() as heard:
            made = await send(client, "/notifications/create-webhook", name="ops", endpoint=heard.url)
            path = _path_in(made)
            done = await send(client, f"{path}/test")
            assert done.status_code == 303, done.text
            assert "the other side has answered" in (await client.get(path)).text
            assert [each.told["type"] for each in heard.posted] == ["channel.test"]
        gone = await send(client, f"{path}/test")
        assert gone.status_code == 400
        assert "The test was not taken." in gone.text


async def test_what_was_told_is_listed_and_told_again(world: World) -> None:
    with receiver() as heard:
        made = await world.post("notification.create", name="ops", endpoint=heard.url, quietSeconds=0)
        deployment_id = await world.ended(await world.application("shop"), Status.ERROR)
        await turn(world)
        path = f"/notifications/{made['notificationId']}"
        async with signed_in(world) as client:
            text = (await client.get(path)).text
            assert "shop: " in text
            assert "application.error" in text
            found = re.search(r'href="(/notifications/notices/[^"]+)"', text)
            assert found is not None
            of_one = (await client.get(found[1])).text
            assert f'href="/deployments/{deployment_id}"' in of_one
            none = await client.get(f"{path}?state=failed")
            assert "Nothing is like that." in none.text
            assert (await client.get(f"{path}?state=odd")).status_code == 400
            again = await send(client, f"{found[1]}/tell-again")
            assert (again.status_code, again.headers["location"]) == (303, found[1])
            assert "It waits to be told again." in (await client.get(found[1])).text
            await turn(world)
        assert len(heard.posted) == 2
        assert len({each.headers["webhook-id"] for each in heard.posted}) == 1


async def test_a_channel_is_bound_to_events_switched_off_and_removed(world: World) -> None:
    made = await world.post("notification.create", name="ops", endpoint="http://nowhere.invalid/hook")
    path = f"/notifications/{made['notificationId']}"
    async with signed_in(world) as client:
        done = await send(client, f"{path}/events", events="*.done\n disk.low \n", quietSeconds="0")
        assert done.status_code == 303
        bad = await send(client, f"{path}/events", events="not a pattern!")
        assert bad.status_code == 422
        await send(client, f"{path}/switch-off")
        off = (await client.get(path)).text
        row = await world.get("notification.one", notificationId=made["notificationId"])
        assert (row["events"], row["quietSeconds"], row["enabled"]) == (["*.done", "disk.low"], 0, False)
        assert "switched off" in off
        assert f"{path}/switch-on" in off
        await send(client, f"{path}/switch-on")
        assert (await world.get("notification.one", notificationId=made["notificationId"]))["enabled"]
        assert (await client.get(f"{path}/change-slack")).status_code == 404, "it is none of Slack's"
        removed = await send(client, f"{path}/remove")
        assert removed.headers["location"] == "/notifications"
        assert (await client.get(path)).status_code == 404
    assert await world.get("notification.all") == []


async def test_channels_are_shown_and_changed_by_admins_alone(world: World) -> None:
    made = await world.post("notification.create", name="ops", endpoint="http://nowhere.invalid/hook")
    path = f"/notifications/{made['notificationId']}"
    async with signed_in(world, "member") as member, signed_in(world, "stranger") as stranger:
        for address in ("/notifications", "/notifications/create-slack", path, f"{path}/test", f"{path}/remove"):
            assert (await member.get(address)).status_code == 403, address
        fields = {"form_token": await form_token_of(member)}
        assert (await member.post(f"{path}/remove", data=fields, headers=OWN)).status_code == 403
        assert "ops" not in (await stranger.get("/notifications/-/rows")).text
        fields = {"form_token": await form_token_of(stranger)}
        for address in (path, f"{path}/test", f"{path}/remove"):
            assert (await stranger.get(address)).status_code == 404, address
        assert (await stranger.post(f"{path}/remove", data=fields, headers=OWN)).status_code == 404
    assert len(await world.get("notification.all")) == 1
