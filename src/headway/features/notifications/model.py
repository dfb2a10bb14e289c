"""A channel, what happens, and a notice: one thing that happened, as it is told on one channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from headway.kernel.dataclass import dataclass

WEBHOOK = "webhook"
APPRISE = "apprise"
TEST = "channel.test"
CHANNEL_FAILED = "channel.failed"
DEFAULT_EVENTS = ("*.error", "*.unstable", "*.down", "*.out_of_reach", "*.missed", "disk.low", CHANNEL_FAILED)
MOST_ATTEMPTS = 20  # within a day
MOST_CHANNELS = 100  # of an organisation
_FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=2)


class NoticeState(StrEnum):
    """What became of a notice. ``quiet``: the same was told shortly before, and this is only counted."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTarget:
    """Where a channel leads: an address of Apprise's, or that of a receiver of signed webhooks, with its secret and
    further headers. ``form`` is the form in which a client gave it, ``given`` and ``switches`` what it said in it.
    ``guarded``: whoever saved it may not use the machine, and it leads to the internet only.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: str = ""
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    switches: Mapping[str, bool] = field(default_factory=dict)
    guarded: bool = False


NOWHERE = ChannelTarget(url="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way to tell somebody. ``events`` are patterns of names such as ``application.error`` or ``*.done``; empty
    ``projects`` and ``services`` are no bounds. The same failure is told once within ``quiet_seconds``.
    """

    channel_id: str
    organization_id: str
    name: str
    medium: str
    target: ChannelTarget = field(repr=False)
    events: Sequence[str]
    projects: Sequence[str]
    services: Sequence[str]
    quiet_seconds: int
    failing_since: datetime | None
    last_error: str | None
    created_at: datetime
    disabled_at: datetime | None

    @property
    def notification_id(self) -> str:
        """The channel's id by the name that the wire has for it."""
        return self.channel_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened. ``about`` is what later news of the same are told after; ``organization_id`` None
    concerns everybody; ``services`` are what it happened to, and the service that this belongs to; ``sameness`` is
    what makes two failures the same.
    """

    event: str
    about: str
    organization_id: str | None
    project_id: str | None
    services: frozenset[str]
    payload: Mapping[str, Any]
    sameness: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told on a channel under one id, until it has arrived or was given up."""

    seq: int
    notice_id: str
    channel_id: str
    event: str
    about: str
    payload: Mapping[str, Any]
    state: NoticeState
    attempts: int
    due_at: datetime
    last_error: str | None
    sent_at: datetime | None
    created_at: datetime

    @property
    def notification_id(self) -> str:
        """The channel's id by the name that the wire has for it."""
        return self.channel_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A notice that is to be told now, and whose."""

    notice: Notice
    organization_id: str


def wants(channel: Channel, happening: Happening) -> bool:
    """Whether this is told on the channel."""
    if channel.disabled_at is not None or happening.organization_id not in {None, channel.organization_id}:
        return False
    if channel.channel_id == happening.about:  # a channel that fails is no way to tell that it does
        return False
    if channel.projects and happening.project_id is not None and happening.project_id not in channel.projects:
        return False
    if channel.services and happening.services and happening.services.isdisjoint(channel.services):
        return False
    return any(fnmatchcase(happening.event, pattern) for pattern in channel.events)


def wait_after(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts that failed; None: it is given up."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(_FIRST_WAIT * (1 << (attempts - 1)), LONGEST_WAIT)
