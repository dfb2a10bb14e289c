"""The forms of channels that clients know: what each takes, and where it leads; most as an address of Apprise's."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parseaddr
from typing import Annotated, Any, ClassVar
from urllib.parse import quote, urlencode

from pydantic import BeforeValidator, Field

from headway.api.inputs import Input, Keyed, untexted
from headway.features.notifications.model import APPRISE, WEBHOOK, ChannelTarget
from headway.kernel.errors import InvalidInput, PasswordForgotten

_SLACK = re.compile(r"https://hooks\.slack\.com/services/([A-Za-z0-9]+)/([A-Za-z0-9]+)/([A-Za-z0-9]+)/?")
_DISCORD = re.compile(r"https://(?:[a-z]+\.)?discord(?:app)?\.com/api/webhooks/([0-9]+)/([A-Za-z0-9_-]+)/?")
_SERVER = re.compile(r"(https?)://([A-Za-z0-9.\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?)")
_BOT = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_LARK = re.compile(r"https://open\.(larksuite\.com|feishu\.cn)/open-apis/bot/v2/hook/([A-Za-z0-9-]+)/?")
_TEAMS = re.compile(
    r"https://[A-Za-z0-9_.-]+\.(logic\.azure\.[a-z]{2,12}|(power|apps)platform(\.[A-Za-z0-9-]{2,24}){1,3})(:[0-9]{1,5})?"
    r"(/powerautomate/automations/direct(/cu/[0-9]+)?)?"
    r"/workflows/[A-Za-z0-9_-]+/triggers/manual/paths/invoke/?\?[A-Za-z0-9%&=._~/-]+"
)
_SMTPS, _SMTP = 465, 25
_EMERGENCY, _PUSHOVER_RETRY, _PUSHOVER_EXPIRE = 2, 60, 3_600

Text = Annotated[str, Field(min_length=1, max_length=1_024)]
Word = Annotated[str, Field(max_length=1_024)]
Number = Annotated[int, Field(ge=1, le=65_535)]
# There is one between the commas: Python takes away more around it than what is white space to a schema's pattern.
Listed = Annotated[Text, Field(pattern=r"[^\s,\x1c-\x1f\x85]")]
Addresses = Annotated[
    list[Text],
    BeforeValidator(untexted, json_schema_input_type=list[Text] | Listed),
    Field(min_length=1, max_length=100),
]


class ChannelForm(Input):
    """Where a channel of this form leads. ``word`` is what clients call the form, ``title`` what the documentation
    does, ``hidden`` what of it is shown to nobody, ``leads`` what of it says where that is sent.
    """

    word: ClassVar[str]
    title: ClassVar[str]
    hidden: ClassVar[frozenset[str]] = frozenset({"webhook_url"})
    leads: ClassVar[frozenset[str]] = frozenset()
    medium: ClassVar[str] = APPRISE

    @abstractmethod
    def url(self) -> str:
        """The address. Raises InvalidInput."""
        ...

    def target(self) -> ChannelTarget:
        """Where it leads, with all that was given, so that parts of it can be changed. Raises InvalidInput."""
        given = self.model_dump(mode="json", by_alias=True)
        return ChannelTarget(url=self.url(), form=self.word, given=given)

    @classmethod
    def changed(cls, before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
        """What was given before, with what is sent now. Raises PasswordForgotten where something hidden would be sent
        to another address than it was given for.
        """
        after = {**before, **sent}
        names = {field.alias or name: name for name, field in cls.model_fields.items()}
        moved = [each for each in sent if names.get(each) in cls.leads and before and sent[each] != before.get(each)]
        for each, name in names.items():
            if moved and name in cls.hidden - cls.leads and before.get(each) and not sent.get(each):
                raise PasswordForgotten("the channel", each)
        return after

    @classmethod
    def shown(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """As much of what was given as is no secret."""
        names = {field.alias or name for name, field in cls.model_fields.items() if name not in cls.hidden}
        return {name: value for name, value in given.items() if name in names}


class Slack(ChannelForm):
    word: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"
    webhook_url: Text = Field(repr=False)
    channel: Word = ""

    def url(self) -> str:
        found = _SLACK.fullmatch(self.webhook_url)
        if found is None:
            return _as_json(self.webhook_url, "text", "slack.com", {"channel": self.channel})
        channel = f"/{quote('#' + self.channel.lstrip('#'), safe='')}" if self.channel else ""
        return f"slack://{found[1]}/{found[2]}/{found[3]}{channel}"


class Discord(ChannelForm):
    word: ClassVar[str] = "discord"
    title: ClassVar[str] = "Discord"
    webhook_url: Text = Field(repr=False)

    def url(self) -> str:
        found = _DISCORD.fullmatch(self.webhook_url)
        if found is None:
            return _as_json(self.webhook_url, "content", "discord.com", {})
        return f"discord://{found[1]}/{found[2]}"


class Telegram(ChannelForm):
    word: ClassVar[str] = "telegram"
    title: ClassVar[str] = "Telegram"
    hidden: ClassVar[frozenset[str]] = frozenset({"bot_token"})
    bot_token: Text = Field(repr=False)
    chat_id: Annotated[str, Field(pattern=r"^(-?[0-9]+|@[A-Za-z0-9_]+)$", max_length=64)]
    message_thread_id: Annotated[str, Field(pattern=r"^[0-9]*$", max_length=20)] = ""

    def url(self) -> str:
        if _BOT.fullmatch(self.bot_token) is None:
            raise InvalidInput("The token of a bot of Telegram is a number, a colon and a word.")
        topic = f":{self.message_thread_id}" if self.message_thread_id else ""
        return f"tgram://{self.bot_token}/{self.chat_id}{topic}/"


class Email(ChannelForm):
    word: ClassVar[str] = "email"
    title: ClassVar[str] = "mail"
    hidden: ClassVar[frozenset[str]] = frozenset({"password"})
    leads: ClassVar[frozenset[str]] = frozenset({"smtp_server", "smtp_port"})
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


class Gotify(ChannelForm):
    word: ClassVar[str] = "gotify"
    title: ClassVar[str] = "Gotify"
    hidden: ClassVar[frozenset[str]] = frozenset({"app_token"})
    leads: ClassVar[frozenset[str]] = frozenset({"server_url"})
    server_url: Text
    app_token: Text = Field(repr=False)
    priority: Annotated[int, Field(ge=1, le=10)] = 5

    def url(self) -> str:
        scheme, place = _place(self.server_url, "gotify")
        return f"{scheme}://{place}/{quote(self.app_token, safe='')}?priority={self.priority}"


class Ntfy(ChannelForm):
    word: ClassVar[str] = "ntfy"
    title: ClassVar[str] = "ntfy"
    hidden: ClassVar[frozenset[str]] = frozenset({"access_token"})
    leads: ClassVar[frozenset[str]] = frozenset({"server_url"})
    server_url: Text
    topic: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    access_token: Word = Field(default="", repr=False)
    priority: Annotated[int, Field(ge=1, le=5)] = 3

    def url(self) -> str:
        scheme, place = _place(self.server_url, "ntfy")
        token = f"{quote(self.access_token, safe='')}@" if self.access_token else ""
        return f"{scheme}://{token}{place}/{self.topic}?priority={self.priority}"


class Resend(ChannelForm):
    word: ClassVar[str] = "resend"
    title: ClassVar[str] = "Resend"
    hidden: ClassVar[frozenset[str]] = frozenset({"api_key"})
    api_key: Text = Field(repr=False)
    from_address: Text
    to_addresses: Addresses

    def url(self) -> str:
        if _WORD.fullmatch(self.api_key) is None:
            raise InvalidInput("The key of Resend is a word such as re_123.")
        name, address = parseaddr(self.from_address)
        user, at, host = address.partition("@")
        if not at or not _HOST.fullmatch(host):
            raise InvalidInput("Mail is sent from an address such as headway@example.org.")
        said = {"to": ",".join(self.to_addresses)} | ({"name": name} if name else {})
        return f"resend://{self.api_key}:{quote(user, safe='')}@{host}?{urlencode(said)}"


class Mattermost(ChannelForm):
    word: ClassVar[str] = "mattermost"
    title: ClassVar[str] = "Mattermost"
    webhook_url: Text = Field(repr=False)
    channel: Annotated[str, Field(pattern=r"^#?[A-Za-z0-9_-]*$", max_length=64)] | None = None
    username: Annotated[str, Field(max_length=64)] | None = None

    def url(self) -> str:
        scheme, place = _place(self.webhook_url, "mmost")
        before, hooks, token = place.rpartition("/hooks/")
        if not hooks or not token.isalnum():
            raise InvalidInput("A webhook of Mattermost ends with /hooks/ and its token.")
        name = f"{quote(self.username, safe='')}@" if self.username else ""
        channel = f"?{urlencode({'channels': '#' + self.channel.lstrip('#')})}" if self.channel else ""
        return f"{scheme}://{name}{before}/{token}{channel}"


class Pushover(ChannelForm):
    word: ClassVar[str] = "pushover"
    title: ClassVar[str] = "Pushover"
    hidden: ClassVar[frozenset[str]] = frozenset({"user_key", "api_token"})
    user_key: Text = Field(repr=False)
    api_token: Text = Field(repr=False)
    priority: Annotated[int, Field(ge=-2, le=2)] = 0
    retry: Annotated[int, Field(ge=30, le=10_800)] | None = None
    expire: Annotated[int, Field(ge=1, le=10_800)] | None = None

    def url(self) -> str:
        if not (self.user_key.isalnum() and self.api_token.isalnum()):
            raise InvalidInput("The keys of Pushover are letters and digits.")
        said: dict[str, int] = {"priority": self.priority}
        if self.priority == _EMERGENCY:
            said |= {"interval": self.retry or _PUSHOVER_RETRY, "expire": self.expire or _PUSHOVER_EXPIRE}
        return f"pover://{self.user_key}@{self.api_token}?{urlencode(said)}"


class Lark(ChannelForm):
    word: ClassVar[str] = "lark"
    title: ClassVar[str] = "Lark"
    webhook_url: Text = Field(repr=False)

    def url(self) -> str:
        found = _LARK.fullmatch(self.webhook_url)
        if found is None:
            raise InvalidInput("A webhook of Lark begins with https://open.larksuite.com/open-apis/bot/v2/hook/.")
        return f"{'lark' if found[1] == 'larksuite.com' else 'feishu'}://{found[2]}"


class Teams(ChannelForm):
    word: ClassVar[str] = "teams"
    title: ClassVar[str] = "Teams"
    webhook_url: Text = Field(repr=False)

    def url(self) -> str:
        """As it is: Apprise knows such addresses."""
        if _TEAMS.fullmatch(self.webhook_url) is None:
            raise InvalidInput(
                "A webhook of Teams is that of a workflow: …/workflows/…/triggers/manual/paths/invoke?…."
            )
        return self.webhook_url


class Custom(ChannelForm):
    """A webhook of ours, with further headers."""

    word: ClassVar[str] = "custom"
    title: ClassVar[str] = "a webhook"
    hidden: ClassVar[frozenset[str]] = frozenset({"endpoint", "headers"})
    leads: ClassVar[frozenset[str]] = frozenset({"endpoint"})
    medium: ClassVar[str] = WEBHOOK
    endpoint: Text = Field(repr=False)
    headers: Keyed = Field(default_factory=dict, repr=False)

    def url(self) -> str:
        return self.endpoint

    def target(self) -> ChannelTarget:
        return replace(super().target(), headers=carried(self.headers))


FORMS: tuple[type[ChannelForm], ...] = (
    Slack,
    Discord,
    Telegram,
    Email,
    Resend,
    Gotify,
    Ntfy,
    Mattermost,
    Pushover,
    Custom,
    Lark,
    Teams,
)


_HEADER = re.compile(r"authorization|x-(?!forwarded|real-ip\Z)[a-z0-9-]+", re.IGNORECASE | re.ASCII)


def _as_json(url: str, field: str, own: str, more: Mapping[str, str]) -> str:
    """The address of a server that takes what a webhook of ``own`` does: an object with the text in this field, told
    under what is told as its author. Raises InvalidInput.
    """
    scheme, place = _place(url, "json")
    if place.partition("/")[0].partition(":")[0].lower().endswith(own):
        raise InvalidInput(
            f"This is no webhook of {own}: copy its address in full, https:// and the path with its key."
        )
    said = {"message": field, "title": "username", "type": "", "version": "", "attachments": "", **more}
    given = {name: value for name, value in said.items() if value or name not in more}
    return f"{scheme}://{place}?{urlencode({f':{name}': value for name, value in given.items()})}"


def _place(url: str, word: str) -> tuple[str, str]:
    """The scheme of Apprise's, and host, port and path of a server. Raises InvalidInput."""
    found = _SERVER.fullmatch(url.strip().rstrip("/"))
    if found is None:
        raise InvalidInput("The address of a server begins with https:// or http://, and holds no credentials.")
    return (f"{word}s" if found[1] == "https" else word), found[2]


def carried(given: dict[str, Any]) -> dict[str, str]:
    """Headers that a request may carry: what opens its receiver, and no others. Raises InvalidInput."""
    for name, value in given.items():
        fits = isinstance(value, str) and value.isprintable() and value.isascii()
        if not fits or not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise InvalidInput(f"{name[:100]!r} is no header that a request can carry.")
        if not _HEADER.fullmatch(name):
            raise InvalidInput(
                f"{name[:100]} cannot be set: a webhook carries Authorization, and headers that begin with X-, but for "
                "X-Forwarded-… and X-Real-IP."
            )
    return {name.lower(): str(value) for name, value in given.items()}
