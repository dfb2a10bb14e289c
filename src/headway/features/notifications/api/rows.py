"""Channels of notifications and what was told on them, as the wire shows them: never where they lead in full."""

from __future__ import annotations

from typing import Any, Literal, cast
from urllib.parse import urlsplit

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.features.dokploy.notification_switches import switches_of
from headway.features.notifications.api.channels import FORMS
from headway.features.notifications.model import WEBHOOK, Channel, Notice


class AsFormed(TypedDict):
    """What clients know of a channel: their switches, and of the one form that it has the id, which is the channel's
    own, and what was given, without anything secret.
    """

    appDeploy: bool
    appBuildError: bool
    databaseBackup: bool
    dokployBackup: bool
    volumeBackup: bool
    serverThreshold: bool
    dokployRestart: bool
    dockerCleanup: bool
    slackId: str | None
    slack: dict[str, Any] | None
    discordId: str | None
    discord: dict[str, Any] | None
    telegramId: str | None
    telegram: dict[str, Any] | None
    emailId: str | None
    email: dict[str, Any] | None
    resendId: str | None
    resend: dict[str, Any] | None
    gotifyId: str | None
    gotify: dict[str, Any] | None
    ntfyId: str | None
    ntfy: dict[str, Any] | None
    mattermostId: str | None
    mattermost: dict[str, Any] | None
    pushoverId: str | None
    pushover: dict[str, Any] | None
    customId: str | None
    custom: dict[str, Any] | None
    larkId: str | None
    lark: dict[str, Any] | None
    teamsId: str | None
    teams: dict[str, Any] | None


class NotificationRow(AsFormed):
    """A channel. ``notificationType`` is the form in which a client gave it, else ``webhook`` or ``apprise``;
    ``address`` is as much of where it leads as is no secret; ``failingSince`` says that it takes nothing now, and
    ``lastError`` why.
    """

    notificationId: str
    name: str
    notificationType: str
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
        **_formed(channel),
        "notificationId": channel.channel_id,
        "name": channel.name,
        "notificationType": channel.target.form or channel.medium,
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


def _formed(channel: Channel) -> AsFormed:
    columns: dict[str, Any] = dict(switches_of(channel))
    for form in FORMS:
        id_ = channel.channel_id if channel.target.form == form.word else None
        given = None if id_ is None else {f"{form.word}Id": id_, **form.shown(channel.target.given)}
        columns |= {f"{form.word}Id": id_, form.word: given}
    return cast("AsFormed", columns)


def _shown(channel: Channel) -> str:
    parts = urlsplit(channel.target.url)
    if channel.medium != WEBHOOK:  # which part of it is a secret is known to Apprise only
        return f"{parts.scheme}://"
    try:
        return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return f"{parts.scheme}://"
