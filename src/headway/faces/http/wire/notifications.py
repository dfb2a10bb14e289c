"""Channels of notifications and what was told on them, as the wire shows them: never where they lead in full."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from headway.faces.http.wire.base import moment
from headway.reactions.notifications.model import WEBHOOK, Channel, Notice


class NotificationRow(TypedDict):
    """A channel. ``address`` is as much of where it leads as is no secret; ``failingSince`` says that it takes nothing
    now, and ``lastError`` why.
    """

    notificationId: str
    name: str
    notificationType: Literal["webhook", "apprise"]
    address: str
    events: list[str]
    projectIds: list[str]
    serviceIds: list[str]
    quietSeconds: int
    enabled: bool
    failingSince: str | None
    lastError: str | None
    organizationId: str
    createdAt: str


class NewNotification(NotificationRow):
    """A channel as it was made; the secret that its webhooks are signed with is shown this once."""

    secret: str | None


class NoticeRow(TypedDict):
    """One thing that is told on a channel, under one id however often it is tried."""

    noticeId: str
    notificationId: str
    event: str
    state: Literal["waiting", "sent", "failed", "quiet"]
    attempts: int
    dueAt: str
    lastError: str | None
    sentAt: str | None
    createdAt: str
    payload: dict[str, Any]


class NoticesFound(TypedDict):
    """A part of what was told on a channel, the newest first, and the ``before`` of the next part."""

    items: list[NoticeRow]
    before: str | None


def notification_row(channel: Channel) -> NotificationRow:
    """The channel."""
    return {
        "notificationId": channel.channel_id,
        "name": channel.name,
        "notificationType": "webhook" if channel.medium == WEBHOOK else "apprise",
        "address": _shown(channel),
        "events": list(channel.events),
        "projectIds": list(channel.projects),
        "serviceIds": list(channel.services),
        "quietSeconds": channel.quiet_seconds,
        "enabled": channel.disabled_at is None,
        "failingSince": None if channel.failing_since is None else moment(channel.failing_since),
        "lastError": channel.last_error,
        "organizationId": channel.organization_id,
        "createdAt": moment(channel.created_at),
    }


def new_notification(channel: Channel) -> NewNotification:
    """The channel with its secret."""
    return {**notification_row(channel), "secret": channel.target.secret}


def notice_row(notice: Notice) -> NoticeRow:
    """The notice."""
    return {
        "noticeId": notice.notice_id,
        "notificationId": notice.channel_id,
        "event": notice.event,
        "state": notice.state.value,
        "attempts": notice.attempts,
        "dueAt": moment(notice.due_at),
        "lastError": notice.last_error,
        "sentAt": None if notice.sent_at is None else moment(notice.sent_at),
        "createdAt": moment(notice.created_at),
        "payload": dict(notice.payload),
    }


def _shown(channel: Channel) -> str:
    parts = urlsplit(channel.target.url)
    if channel.medium != WEBHOOK:  # which part of it is a secret is known to Apprise only
        return f"{parts.scheme}://"
    try:
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return f"{parts.scheme}://"
