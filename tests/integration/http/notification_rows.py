"""The rows of the table of access that are about notifications, and the things that they are called with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from headway.infra.db.tables.notifications import notices
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from tests.integration.http.access_rows import ADMIN, MUTATION, ORGANISATION, OWN, QUERY, READ, SET, Row
from tests.integration.http.world import World

A_CHANNEL = {"name": "ops", "endpoint": "http://nowhere.invalid/hook"}
NOTIFICATION = {"notificationId": "{notification}"}

# What clients send for each form, as far as it is needed here.
FORMS: Mapping[str, Mapping[str, str | int]] = {
    "Slack": {"webhookUrl": "https://hooks.slack.com/services/T1/B2/c3", "channel": "#ops"},
    "Discord": {"webhookUrl": "https://discord.com/api/webhooks/1234/abc-d_e"},
    "Telegram": {
        "botToken": "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr",
        "chatId": "-100123",
        "messageThreadId": "",
    },
    "Email": {
        "smtpServer": "mail.example.org",
        "smtpPort": 587,
        "username": "me",
        "password": "p@ss:w/rd",
        "fromAddress": "headway@example.org",
        "toAddresses": "ops@example.org,dev@example.org",
    },
    "Gotify": {"serverUrl": "https://gotify.example.org/sub", "appToken": "AbCdEfGhIjKlMno", "priority": 5},
    "Ntfy": {"serverUrl": "http://ntfy.example.org:81", "topic": "ops", "accessToken": "tk_abc", "priority": 3},
    "Resend": {
        "apiKey": "re_AbCdEfGhIj",
        "fromAddress": "Headway <headway@example.org>",
        "toAddresses": "ops@example.org,dev@example.org",
    },
    "Mattermost": {
        "webhookUrl": "https://chat.example.org:8065/sub/hooks/k3yk3yk3yk3y",
        "channel": "ops",
        "username": "headway",
    },
    "Pushover": {
        "userKey": "u" * 30,
        "apiToken": "a" * 30,
        "priority": 2,
        "retry": 60,
        "expire": 600,
    },
    "Custom": {"endpoint": "http://nowhere.invalid/hook"},
    "Lark": {"webhookUrl": "https://open.larksuite.com/open-apis/bot/v2/hook/abc-123-def"},
    "Teams": {
        "webhookUrl": "https://prod-01.westeurope.logic.azure.com:443/workflows/643e69f83c8944/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu",
    },
}
# The same, leading to nobody: a test of a channel must not leave the machine.
NOWHERE: Mapping[str, Mapping[str, str | int]] = {
    "Slack": {**FORMS["Slack"], "webhookUrl": "https://nowhere.example"},
    "Discord": {"webhookUrl": "https://nowhere.example"},
    "Telegram": {**FORMS["Telegram"], "botToken": "nothing"},
    "Email": {**FORMS["Email"], "smtpServer": "127.0.0.1", "smtpPort": 1},
    "Gotify": {**FORMS["Gotify"], "serverUrl": "http://127.0.0.1:1"},
    "Ntfy": {**FORMS["Ntfy"], "serverUrl": "http://127.0.0.1:1"},
    "Resend": {**FORMS["Resend"], "apiKey": "no key"},
    "Mattermost": {**FORMS["Mattermost"], "webhookUrl": "http://127.0.0.1:1/hooks/k3y"},
    "Pushover": {**FORMS["Pushover"], "userKey": "no key"},
    "Custom": FORMS["Custom"],
    "Lark": {"webhookUrl": "https://nowhere.example"},
    "Teams": {"webhookUrl": "https://nowhere.example"},
}
# Where each leads, by the word that Apprise has for it.
SCHEMES: Mapping[str, str] = {
    "Slack": "slack://",
    "Discord": "discord://",
    "Telegram": "tgram://",
    "Email": "mailtos://",
    "Gotify": "gotifys://",
    "Ntfy": "ntfy://",
    "Resend": "resend://",
    "Mattermost": "mmosts://",
    "Pushover": "pover://",
    "Custom": "http://nowhere.invalid",
    "Lark": "lark://",
    "Teams": "https://",
}

NOTIFICATION_ROWS: Mapping[str, Row] = {
    **{
        f"notification.create{form}": Row(MUTATION, {"name": "ops", **given}, ADMIN, SET, OWN)
        for form, given in FORMS.items()
    },
    **{
        f"notification.update{form}": Row(MUTATION, NOTIFICATION | {"name": "ops", **given}, ADMIN, SET, ORGANISATION)
        for form, given in FORMS.items()
    },
    **{f"notification.test{form}Connection": Row(MUTATION, given, ADMIN, SET, OWN) for form, given in FORMS.items()},
    "notification.getEmailProviders": Row(QUERY, {}, ADMIN, READ, OWN),
    "notification.all": Row(QUERY, {}, ADMIN, READ, OWN),
    "notification.create": Row(MUTATION, A_CHANNEL, ADMIN, SET, OWN),
    "notification.deliveries": Row(QUERY, NOTIFICATION, ADMIN, READ, ORGANISATION),
    "notification.notice": Row(QUERY, {"noticeId": "{notice}"}, ADMIN, READ, ORGANISATION),
    "notification.one": Row(QUERY, NOTIFICATION, ADMIN, READ, ORGANISATION),
    "notification.remove": Row(MUTATION, NOTIFICATION, ADMIN, SET, ORGANISATION),
    "notification.resend": Row(MUTATION, {"noticeId": "{notice}"}, ADMIN, SET, ORGANISATION),
    "notification.test": Row(MUTATION, NOTIFICATION, ADMIN, SET, ORGANISATION),
    "notification.update": Row(MUTATION, NOTIFICATION | {"name": "renamed"}, ADMIN, SET, ORGANISATION),
}


async def _channel(world: World) -> tuple[str, ...]:
    channel_id: str = (await world.post("notification.create", **A_CHANNEL))["notificationId"]
    notice_id = new_id()

    def add(tx: Tx) -> int:
        values = {
            "notice_id": notice_id,
            "channel_id": channel_id,
            "event": "application.error",
            "about": "x",
            "sameness": "",
            "payload": {},
            "state": "failed",
            "attempts": 1,
            "due_at": tx.now,
            "created_at": tx.now,
        }
        return tx.execute(notices.insert().values(values)).rowcount

    await world.services.db.run(add)
    return channel_id, notice_id


NOTIFICATION_THINGS: Mapping[tuple[str, ...], Callable[[World], Awaitable[tuple[str, ...]]]] = {
    ("notification", "notice"): _channel,
}
