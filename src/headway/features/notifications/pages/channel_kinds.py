"""The kinds of channels as forms ask for them: what each needs, in words, and which of it is a secret."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from headway.kernel.dataclass import dataclass
from headway.pages.forms import Field, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelField:
    """A field: how its text becomes a value, how it is shown, and what stands in it at first. One that ``empties`` may
    be left empty; ``away`` is what takes away one that is never shown, None where it is needed.
    """

    kind: Kind
    shown: Field
    first: str = ""
    empties: bool = False
    away: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind:
    """A kind of channels. Where ``form`` is given, there are operations of its own for it, such as
    ``notification.createSlack``; ``makes`` is False for one that is made by another way.
    """

    title: str
    fields: Mapping[str, ChannelField]
    form: str | None = None
    makes: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """The labels of what is shown to nobody."""
        return tuple(each.shown.label for each in self.fields.values() if each.kind is Kind.SECRET)


def _text(label: str, hint: str = "") -> ChannelField:
    return ChannelField(kind=Kind.TEXT, shown=Field(label=label, hint=hint))


def _optional(label: str, hint: str) -> ChannelField:
    return ChannelField(kind=Kind.TEXT, shown=Field(label=label, hint=hint), empties=True)


def _secret(label: str, hint: str = "", away: Mapping[str, object] | None = None) -> ChannelField:
    return ChannelField(kind=Kind.SECRET, shown=Field(label=label, hint=hint), away=away)


def _whole(label: str, hint: str = "", first: str = "") -> ChannelField:
    return ChannelField(kind=Kind.WHOLE, shown=Field(label=label, hint=hint), first=first)


_TO = ChannelField(kind=Kind.LINES, shown=Field(label="To", hint="Mail addresses, one to a line"))
_FROM = _text("From", "A mail address, such as headway@example.org")
_AUTHORIZATION = _secret(
    "Authorization header", "Sent along where the receiver asks for it, such as Bearer KEY", {"headers": {}}
)

KINDS: Mapping[str, ChannelKind] = MappingProxyType(
    {
        "email": ChannelKind(
            title="mail",
            form="Email",
            fields={
                "smtpServer": _text("SMTP server", "A host name, such as mail.example.org"),
                "smtpPort": _whole(
                    "Port", "465 is encrypted from the start, 25 in the clear, others by STARTTLS", "587"
                ),
                "username": _optional("User name", "Empty: without signing in"),
                "password": _secret("Password"),
                "fromAddress": _FROM,
                "toAddresses": _TO,
            },
        ),
        "slack": ChannelKind(
            title="Slack",
            form="Slack",
            fields={
                "webhookUrl": _secret("Webhook address", "https://hooks.slack.com/services/…"),
                "channel": _optional("Channel", "Such as #ops; empty: that of the webhook"),
            },
        ),
        "discord": ChannelKind(
            title="Discord",
            form="Discord",
            fields={"webhookUrl": _secret("Webhook address", "https://discord.com/api/webhooks/…")},
        ),
        "telegram": ChannelKind(
            title="Telegram",
            form="Telegram",
            fields={
                "botToken": _secret("Token of the bot", "A number, a colon and a word, as BotFather tells it"),
                "chatId": _text("Chat", "Its number, such as -100123, or @name"),
                "messageThreadId": _optional("Topic", "Its number; empty: none"),
            },
        ),
        "teams": ChannelKind(
            title="Teams",
            form="Teams",
            fields={"webhookUrl": _secret("Webhook address", "That of a workflow, as Teams shows it")},
        ),
        "mattermost": ChannelKind(
            title="Mattermost",
            form="Mattermost",
            fields={
                "webhookUrl": _secret("Webhook address", "It ends with /hooks/ and its token"),
                "channel": _optional("Channel", "Empty: that of the webhook"),
                "username": _optional("Shown as", "Empty: as the webhook says"),
            },
        ),
        "lark": ChannelKind(
            title="Lark or Feishu",
            form="Lark",
            fields={"webhookUrl": _secret("Webhook address", "https://open.larksuite.com/open-apis/bot/v2/hook/…")},
        ),
        "gotify": ChannelKind(
            title="Gotify",
            form="Gotify",
            fields={
                "serverUrl": _text("Server", "https://gotify.example.org"),
                "appToken": _secret("Token of the application"),
                "priority": _whole("Priority", "1 to 10", "5"),
            },
        ),
        "ntfy": ChannelKind(
            title="ntfy",
            form="Ntfy",
            fields={
                "serverUrl": _text("Server", "https://ntfy.sh, or your own"),
                "topic": _text("Topic"),
                "accessToken": _secret("Access token", "Empty: without one", {"accessToken": ""}),
                "priority": _whole("Priority", "1 to 5", "3"),
            },
        ),
        "pushover": ChannelKind(
            title="Pushover",
            form="Pushover",
            fields={
                "userKey": _secret("Key of the user"),
                "apiToken": _secret("Token of the application"),
                "priority": _whole("Priority", "-2 to 2", "0"),
            },
        ),
        "resend": ChannelKind(
            title="Resend",
            form="Resend",
            fields={"apiKey": _secret("API key", "A word such as re_123"), "fromAddress": _FROM, "toAddresses": _TO},
        ),
        "custom": ChannelKind(
            title="a webhook",
            form="Custom",
            makes=False,  # as "webhook", which may have a secret of one's own
            fields={"endpoint": _secret("Address"), "headers.authorization": _AUTHORIZATION},
        ),
        "webhook": ChannelKind(
            title="a webhook",
            fields={
                "endpoint": _secret("Address", "Where messages are sent to as signed JSON: https://…"),
                "secret": _secret("Secret to sign with", "Empty: one is made, and shown to you once"),
                "headers.authorization": _AUTHORIZATION,
            },
        ),
        "apprise": ChannelKind(
            title="another service, by Apprise",
            fields={"url": _secret("Address", "As Apprise has it: SERVICE://…, for some hundred services")},
        ),
    }
)
# Which events a channel of a form tells at first, by the switches of its operation: what each is, and whether it is on.
SWITCHES: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "appBuildError": ("Deployments that fail", True),
        "appDeploy": ("Deployments that are done", False),
        "databaseBackup": ("Backups of databases, done and failed", False),
        "volumeBackup": ("Backups of volumes, done and failed", False),
        "serverThreshold": ("A disk that is nearly full", True),
    }
)
