"""``notification.create…``: channels in the forms that clients know, each as an address of Apprise's."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

from pydantic import BeforeValidator, Field

from headway.faces.http.inputs import Input, untexted
from headway.faces.http.registry import Call, Procedure, mutation
from headway.faces.http.wire.notifications import NewNotification, new_notification
from headway.kernel.errors import InvalidInput
from headway.reactions.notifications.model import APPRISE, CHANNEL_FAILED, Target
from headway.reactions.notifications.service import Wish

_SLACK = re.compile(r"https://hooks\.slack\.com/services/([A-Za-z0-9]+)/([A-Za-z0-9]+)/([A-Za-z0-9]+)/?")
_DISCORD = re.compile(r"https://(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/([0-9]+)/([A-Za-z0-9_-]+)/?")
_SERVER = re.compile(r"(https?)://([A-Za-z0-9.\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?)")
_SMTPS, _SMTP = 465, 25

Name = Annotated[str, Field(min_length=1, max_length=255)]
Text = Annotated[str, Field(min_length=1, max_length=1_024)]
Word = Annotated[str, Field(max_length=1_024)]
Number = Annotated[int, Field(ge=1, le=65_535)]
Addresses = Annotated[
    list[Text], BeforeValidator(untexted, json_schema_input_type=list[Text] | Text), Field(min_length=1, max_length=100)
]

# What of the clients' switches happens here. A restart of the panel and the cleaning of images are told on no channel.
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "app_deploy": ("application.done", "compose.done"),
    "app_build_error": ("application.error", "compose.error", "previewDeployment.error"),
    "database_backup": ("backup.done", "backup.error"),
    "dokploy_backup": ("backup.done", "backup.error"),
    "volume_backup": ("volumeBackup.done", "volumeBackup.error"),
    "server_threshold": ("disk.low",),
}


def procedures() -> tuple[Procedure, ...]:
    """The procedures, beside those of ``notification``."""
    forms: tuple[type[Formed], ...] = (Slack, Discord, Telegram, Email, Gotify, Ntfy)
    return tuple(
        mutation(f"notification.create{form.__name__}", f"A channel to {form.title}", NewNotification, form, _create)
        for form in forms
    )


class Formed(Input):
    """The switches of all forms. ``title`` is what the documentation calls it."""

    title: ClassVar[str] = ""
    name: Name
    app_deploy: bool = False
    app_build_error: bool = False
    database_backup: bool = False
    dokploy_backup: bool = False
    volume_backup: bool = False
    server_threshold: bool = False

    @abstractmethod
    def url(self) -> str:
        """The address of Apprise's. Raises InvalidInput."""
        ...

    def events(self) -> tuple[str, ...]:
        """What is told; that another channel fails always is."""
        wanted = [event for name, events in _EVENTS.items() if getattr(self, name) for event in events]
        return tuple(dict.fromkeys((*wanted, CHANNEL_FAILED)))


class Slack(Formed):
    title: ClassVar[str] = "Slack"
    webhook_url: Text = Field(repr=False)
    channel: Word = ""

    def url(self) -> str:
        found = _SLACK.fullmatch(self.webhook_url)
        if found is None:
            raise InvalidInput("A webhook of Slack begins with https://hooks.slack.com/services/ and has three parts.")
        channel = f"/{quote('#' + self.channel.lstrip('#'), safe='')}" if self.channel else ""
        return f"slack://{found[1]}/{found[2]}/{found[3]}{channel}"


class Discord(Formed):
    title: ClassVar[str] = "Discord"
    webhook_url: Text = Field(repr=False)

    def url(self) -> str:
        found = _DISCORD.fullmatch(self.webhook_url)
        if found is None:
            raise InvalidInput("A webhook of Discord begins with https://discord.com/api/webhooks/ and has two parts.")
        return f"discord://{found[1]}/{found[2]}"


class Telegram(Formed):
    title: ClassVar[str] = "Telegram"
    bot_token: Annotated[str, Field(pattern=r"^[0-9]+:[A-Za-z0-9_-]+$", max_length=256)] = Field(repr=False)
    chat_id: Annotated[str, Field(pattern=r"^(-?[0-9]+|@[A-Za-z0-9_]+)$", max_length=64)]
    message_thread_id: Annotated[str, Field(pattern=r"^[0-9]*$", max_length=20)] = ""

    def url(self) -> str:
        topic = f":{self.message_thread_id}" if self.message_thread_id else ""
        return f"tgram://{self.bot_token}/{self.chat_id}{topic}/"


class Email(Formed):
    title: ClassVar[str] = "mail"
    smtp_server: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$", max_length=253)]
    smtp_port: Number
    username: Word = ""
    password: Word = Field(default="", repr=False)
    from_address: Text
    to_addresses: Addresses

    def url(self) -> str:
        scheme = "mailto" if self.smtp_port == _SMTP else "mailtos"
        login = {"user": self.username, "pass": self.password} if self.username else {}
        said = {"smtp": self.smtp_server, "from": self.from_address, "to": ",".join(self.to_addresses), **login}
        if scheme == "mailtos":
            said |= {"mode": "ssl" if self.smtp_port == _SMTPS else "starttls"}
        return f"{scheme}://{self.smtp_server}:{self.smtp_port}?{urlencode(said)}"


class Gotify(Formed):
    title: ClassVar[str] = "Gotify"
    server_url: Text
    app_token: Text = Field(repr=False)
    priority: Annotated[int, Field(ge=1, le=10)] = 5

    def url(self) -> str:
        scheme, place = _place(self.server_url, "gotify")
        return f"{scheme}://{place}/{quote(self.app_token, safe='')}?priority={self.priority}"


class Ntfy(Formed):
    title: ClassVar[str] = "ntfy"
    server_url: Text
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    access_token: Word = Field(default="", repr=False)
    priority: Annotated[int, Field(ge=1, le=5)] = 3

    def url(self) -> str:
        scheme, place = _place(self.server_url, "ntfy")
        token = f"{quote(self.access_token, safe='')}@" if self.access_token else ""
        return f"{scheme}://{token}{place}/{self.topic}?priority={self.priority}"


async def _create(call: Call[Any]) -> NewNotification:
    given = call.input
    wish = Wish(name=given.name, medium=APPRISE, target=Target(url=given.url()), events=given.events())
    return new_notification(await call.platform.notifications.create(call.actor, wish))


def _place(url: str, word: str) -> tuple[str, str]:
    """The scheme of Apprise's, and host, port and path of a server. Raises InvalidInput."""
    found = _SERVER.fullmatch(url.strip().rstrip("/"))
    if found is None:
        raise InvalidInput("The address of a server begins with https:// or http://, and holds no credentials.")
    return (f"{word}s" if found[1] == "https" else word), found[2]
