"""Channels in the forms that clients know: addresses that Apprise itself understands, whose secrets are not shown."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from headway.features.notifications import store
from headway.features.notifications.model import Channel
from tests.integration.http.notification_rows import FORMS, SCHEMES
from tests.integration.http.world import World
from tests.support.notifications.receivers import receiver

Json = Any

# In a process of its own, as channels are told: what it imports warns of its age.
UNDERSTANDS = """\
import apprise, json, sys
print(json.dumps({name: apprise.Apprise.instantiate(url) is not None for name, url in json.load(sys.stdin).items()}))
"""


HIDDEN = {"password", "botToken", "appToken", "accessToken", "apiKey", "userKey", "apiToken", "webhookUrl", "headers"}


async def stored(world: World, made: Json) -> Channel:
    """The channel as it is kept."""
    vault = world.services.git_providers.vault
    return await world.services.db.read(lambda tx: store.find(tx, made["notificationId"], vault))


def understood(urls: dict[str, str]) -> dict[str, bool]:
    """Of which of these Apprise knows where it leads."""
    argv = [sys.executable, "-c", UNDERSTANDS]
    ended = subprocess.run(argv, input=json.dumps(urls), capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, bool] = json.loads(ended.stdout)
    return found


async def test_apprise_understands_what_is_made_of_each_form(world: World) -> None:
    urls = {}
    for form, given in FORMS.items():
        made = await world.post(f"notification.create{form}", name="ops", appBuildError=True, **given)
        assert made["address"] == SCHEMES[form]
        assert made["events"] == ["application.error", "compose.error", "previewDeployment.error", "channel.failed"]
        urls[form] = (await stored(world, made)).target.url
        shown = str([made | {"secret": None}, await world.get("notification.all")])
        secrets = [value for name, value in given.items() if name in HIDDEN]
        assert [each for each in secrets if str(each) in shown] == [], form
    assert understood(urls) | {"Custom": True} == dict.fromkeys(FORMS, True)


@pytest.mark.parametrize("form", FORMS)
async def test_a_part_of_it_can_be_changed_and_the_rest_stays(world: World, form: str) -> None:
    word = form.lower()
    made = await world.post(f"notification.create{form}", name="ops", appDeploy=True, dockerCleanup=True, **FORMS[form])
    assert (made["notificationType"], made[f"{word}Id"]) == (word, made["notificationId"])
    before = await stored(world, made)
    one = {"notificationId": made["notificationId"], f"{word}Id": made["notificationId"]}
    await world.post(f"notification.update{form}", **one, name="renamed", serverThreshold=True)
    after = await stored(world, made)
    assert (after.name, after.target.url, after.target.secret) == ("renamed", before.target.url, before.target.secret)
    row = await world.get("notification.one", notificationId=made["notificationId"])
    switched = {"appDeploy": True, "serverThreshold": True, "dockerCleanup": True, "appBuildError": False}
    assert {name: row[name] for name in switched} == switched
    assert row["events"] == ["application.done", "compose.done", "disk.low", "channel.failed"]
    assert row[word] == made[word]
    assert [row[each.lower()] for each in FORMS if each != form] == [None] * (len(FORMS) - 1)


async def test_what_is_changed_of_its_form_leads_elsewhere(world: World) -> None:
    made = await world.post("notification.createNtfy", name="ops", **FORMS["Ntfy"])
    row = await world.post("notification.updateNtfy", notificationId=made["notificationId"], topic="dev")
    assert row["ntfy"]["topic"] == "dev"
    channel = await stored(world, made)
    assert channel.target.url == "ntfy://tk_abc@ntfy.example.org:81/dev?priority=3"


async def test_a_channel_of_another_form_wants_all_of_the_new_one(world: World) -> None:
    made = await world.post("notification.createNtfy", name="ops", **FORMS["Ntfy"])
    one = {"notificationId": made["notificationId"]}
    part = await world.owner.post("/notification.updateSlack", json={**one, "channel": "#dev"})
    (issue,) = part.json()["issues"]
    assert (part.status_code, issue["path"], issue["code"]) == (400, ["webhookUrl"], "custom")  # no schema says it
    assert issue["message"] == "Not given: a channel to Slack needs it, and this one has none to keep"
    row = await world.post("notification.updateSlack", **one, **FORMS["Slack"])
    assert (row["notificationType"], row["ntfyId"]) == ("slack", None)


async def test_events_that_were_chosen_one_by_one_stay(world: World) -> None:
    made = await world.post("notification.createNtfy", name="ops", appDeploy=True, **FORMS["Ntfy"])
    one = {"notificationId": made["notificationId"]}
    await world.post("notification.update", **one, events=["backup.*"])
    row = await world.post("notification.updateNtfy", **one, topic="dev")
    assert (row["events"], row["databaseBackup"], row["appDeploy"]) == (["backup.*"], True, False)


async def test_a_test_is_told_to_what_is_no_channel_yet(world: World) -> None:
    with receiver(lambda number: 200 if number == 0 else 500) as heard:
        given = {"endpoint": heard.url, "headers": {"X-Of": "ours"}}
        good = await world.owner.post("/notification.testCustomConnection", json=given)
        bad = await world.owner.post("/notification.testCustomConnection", json=given)
    assert (good.status_code, good.json(), heard.posted[0].headers["x-of"]) == (200, True, "ours")
    assert (bad.status_code, bad.json()["message"]) == (400, "The test was not taken. The receiver answered 500.")
    assert await world.get("notification.all") == []


async def test_channels_by_mail_are_found(world: World) -> None:
    for form in ("Email", "Resend", "Ntfy"):
        await world.post(f"notification.create{form}", name=form, **FORMS[form])
    found = await world.get("notification.getEmailProviders")
    assert [(each["name"], each["notificationType"]) for each in found] == [("Email", "email"), ("Resend", "resend")]


@pytest.mark.parametrize(
    ("form", "changed"),
    [
        ("Slack", {"webhookUrl": "https://hooks.slack.com/services/T1/B2"}),
        ("Discord", {"webhookUrl": "https://discord.com/api/webhooks/1"}),
        ("Telegram", {"botToken": "x/../y"}),
        ("Email", {"smtpServer": "a b"}),
        ("Gotify", {"serverUrl": "file:///etc"}),
        ("Ntfy", {"serverUrl": "https://u:p@ntfy.example"}),
        ("Resend", {"fromAddress": "nobody"}),
        ("Resend", {"apiKey": "re/x"}),
        ("Mattermost", {"webhookUrl": "https://chat.example/no/hook"}),
        ("Pushover", {"priority": 3}),
        ("Custom", {"endpoint": "ftp://example.org"}),
        ("Custom", {"headers": {"x": "a\r\nb: c"}}),
        ("Lark", {"webhookUrl": "https://evil.example/open-apis/bot/v2/hook/a"}),
        ("Teams", {"webhookUrl": "https://evil.example/workflows/a/triggers/manual/paths/invoke?sig=b"}),
    ],
)
async def test_what_is_none_of_its_form_is_refused(world: World, form: str, changed: Json) -> None:
    answer = await world.owner.post(f"/notification.create{form}", json={"name": "x", **FORMS[form], **changed})
    assert answer.status_code == 400, answer.text
