"""What a channel wants to be told, how often it is tried, and what people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headway.features.notifications.media import hidden, signature
from headway.features.notifications.messages import body_of, calling_nobody, message_title
from headway.features.notifications.model import (
    DEFAULT_EVENTS,
    MOST_ATTEMPTS,
    Channel,
    ChannelTarget,
    Happening,
    wait_after,
    wants,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANNEL = Channel(
    channel_id="channel",
    organization_id="org",
    name="ops",
    medium="webhook",
    target=ChannelTarget(url="https://example.org"),
    events=DEFAULT_EVENTS,
    projects=(),
    services=(),
    quiet_seconds=0,
    failing_since=None,
    last_error=None,
    created_at=NOW,
    disabled_at=None,
)
FAILED = Happening(
    event="application.error",
    about="deployment",
    organization_id="org",
    project_id="project",
    services=frozenset({"service"}),
    payload={},
)


@pytest.mark.parametrize(
    ("channel", "happening", "told"),
    [
        (CHANNEL, FAILED, True),
        (CHANNEL, replace(FAILED, event="application.done"), False),
        (CHANNEL, replace(FAILED, event="application.superseded"), False),
        (replace(CHANNEL, events=("application.*",)), replace(FAILED, event="application.done"), True),
        (replace(CHANNEL, events=("backup.error",)), FAILED, False),
        (CHANNEL, replace(FAILED, organization_id="other"), False),
        (CHANNEL, replace(FAILED, event="disk.low", organization_id=None, project_id=None, services=frozenset()), True),
        (replace(CHANNEL, projects=("project",)), FAILED, True),
        (replace(CHANNEL, projects=("other",)), FAILED, False),
        (replace(CHANNEL, services=("service",)), FAILED, True),
        (replace(CHANNEL, services=("other",)), FAILED, False),
        (replace(CHANNEL, services=("service",)), replace(FAILED, services=frozenset({"backup", "service"})), True),
        (replace(CHANNEL, disabled_at=NOW), FAILED, False),
        (CHANNEL, replace(FAILED, event="channel.failed", about="channel"), False),
        (CHANNEL, replace(FAILED, event="channel.failed", about="another"), True),
    ],
)
def test_a_channel_wants_what_its_patterns_and_bounds_say(
    channel: Channel, happening: Happening, *, told: bool
) -> None:
    assert wants(channel, happening) is told


def test_the_waits_grow_and_end() -> None:
    waits = [wait_after(attempts) for attempts in range(1, MOST_ATTEMPTS)]
    assert waits[:4] == [timedelta(seconds=each) for each in (5, 10, 20, 40)]
    assert waits[-1] == timedelta(hours=2)
    assert wait_after(MOST_ATTEMPTS) is None


def test_people_read_what_has_happened_and_under_which_id() -> None:
    payload = {"subjectName": "shop", "title": "Fix the till", "errorMessage": "exit status 1", "quiet": 3}
    assert message_title("application.error", payload) == "shop: Fix the till has failed"
    body = body_of("application.error", "the-id", payload)
    assert "Error: exit status 1" in body
    assert "3 more times" in body
    assert body.endswith("Notification the-id")


def test_nothing_that_people_read_calls_anybody() -> None:
    written = "Fix <@12> <!channel> @everyone @Here [docs](http://evil.example) for ann@example.org <3"
    read = calling_nobody(written)
    assert read.replace("\u200b", "") == written
    assert all(each not in read for each in ("<@", "<!", "@everyone", "@Here", "]("))
    assert "ann@example.org <3" in read


def test_a_signature_is_that_of_standard_webhooks() -> None:
    # The example of the specification's own libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_stands_in_an_address_shows_nowhere() -> None:
    text = hidden("401 for user bob with hunter22 at chat", "mailto://bob:hunter22@chat.example.org?token=abcdef1")
    assert "hunter22" not in text
    assert "chat" in text
