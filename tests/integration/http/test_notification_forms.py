"""Channels in the forms that clients know: addresses that Apprise itself understands, whose secrets are not shown."""

from __future__ import annotations

import subprocess
import sys

import pytest

from headway.reactions.notifications import store
from tests.integration.http.notification_rows import FORMS
from tests.integration.http.world import World

SCHEMES = {
    "Slack": "slack",
    "Discord": "discord",
    "Telegram": "tgram",
    "Email": "mailtos",
    "Gotify": "gotifys",
    "Ntfy": "ntfy",
}


# In a process of its own, as channels are told: what it imports warns of its age.
UNDERSTANDS = "import apprise, sys; print(apprise.Apprise.instantiate(sys.stdin.read()) is not None)"


def is_understood(url: str) -> bool:
    """Whether Apprise knows where this leads."""
    argv = [sys.executable, "-c", UNDERSTANDS]
    ended = subprocess.run(argv, input=url, capture_output=True, text=True, timeout=60, check=True)
    return ended.stdout.strip() == "True"


@pytest.mark.parametrize("form", FORMS)
async def test_apprise_understands_what_is_made_of_it(world: World, form: str) -> None:
    made = await world.post(f"notification.create{form}", name="ops", appBuildError=True, **FORMS[form])
    assert (made["address"], made["secret"]) == (f"{SCHEMES[form]}://", None)
    assert made["events"] == ["application.error", "compose.error", "previewDeployment.error", "channel.failed"]
    vault = world.platform.services.previews.vault
    channel = await world.services.db.read(lambda tx: store.find(tx, made["notificationId"], vault))
    assert is_understood(channel.target.url), channel.target.url
    shown = str([made, await world.get("notification.all")])
    secrets = [value for name, value in FORMS[form].items() if name in {"password", "botToken", "appToken"}]
    assert all(str(each) not in shown for each in secrets)


@pytest.mark.parametrize(
    ("form", "changed"),
    [
        ("Slack", {"webhookUrl": "https://evil.example/services/T1/B2/c3"}),
        ("Discord", {"webhookUrl": "https://discord.com/api/webhooks/1"}),
        ("Telegram", {"botToken": "x/../y"}),
        ("Email", {"smtpServer": "a b"}),
        ("Gotify", {"serverUrl": "file:///etc"}),
        ("Ntfy", {"serverUrl": "https://u:p@ntfy.example"}),
    ],
)
async def test_what_is_none_of_its_form_is_refused(world: World, form: str, changed: dict[str, str]) -> None:
    answer = await world.owner.post(f"/notification.create{form}", json={"name": "x", **FORMS[form], **changed})
    assert answer.status_code == 400, answer.text
