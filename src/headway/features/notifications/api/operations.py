"""``notification.*``: the channels on which people and programs are told, and what was told."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from headway.api.inputs import Empty, Ids, Input, Keyed, untexted
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.notifications.api.channels import carried
from headway.features.notifications.api.rows import (
    NewNotification,
    NoticeRow,
    NoticesFound,
    NotificationRow,
    new_notification,
    notice_row,
    notification_row,
)
from headway.features.notifications.model import APPRISE, WEBHOOK, ChannelTarget, NoticeState
from headway.features.notifications.service import ChannelRequest, NotificationService
from headway.kernel.errors import InvalidInput, PasswordForgotten

_MOST_QUIET_SECONDS = 30 * 24 * 3600

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, Field(min_length=1, max_length=4_096)]
Pattern = Annotated[str, Field(pattern=r"^[A-Za-z_*?]{1,32}(\.[A-Za-z_*?]{1,32})?$")]
Patterns = Annotated[list[Pattern], BeforeValidator(untexted), Field(max_length=100)]


router = Router[NotificationService](
    "notification",
    "The channels on which people and programs are told, and what was told",
    resource=Noun.NOTIFICATION,
    in_project=False,
)


class NotificationById(Input):
    notification_id: Id


class ByNotice(Input):
    notice_id: Id


class ListedNotices(NotificationById):
    state: Literal["waiting", "sent", "failed", "quiet"] | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class NotificationChanges(Input):
    """``url`` is an address of Apprise's, ``endpoint`` that of a receiver of signed webhooks, with its ``secret`` and
    further ``headers``. ``events`` are patterns of what is told, ``projectIds`` and ``serviceIds`` bound it.
    """

    url: Address | None = Field(default=None, repr=False)
    endpoint: Address | None = Field(default=None, repr=False)
    secret: Annotated[str, Field(max_length=1_024)] | None = Field(default=None, repr=False)
    headers: Keyed | None = Field(default=None, repr=False)
    events: Patterns | None = None
    project_ids: Ids | None = None
    service_ids: Ids | None = None
    quiet_seconds: Annotated[int, Field(ge=0, le=_MOST_QUIET_SECONDS)] | None = None
    enabled: bool | None = None

    def applied(self, wish: ChannelRequest) -> ChannelRequest:
        """The wish with what was sent. Raises InvalidInput for an address of both kinds."""
        if self.url is not None and self.endpoint is not None:
            raise InvalidInput("A channel has one address: give url (Apprise) or endpoint (a webhook).")
        changed: dict[str, Any] = {"target": self._target(wish.target)}
        if self.url is not None or self.endpoint is not None:
            changed["medium"] = WEBHOOK if self.endpoint is not None else APPRISE
        for name, value in (
            ("events", self.events),
            ("projects", self.project_ids),
            ("services", self.service_ids),
            ("quiet_seconds", self.quiet_seconds),
            ("enabled", self.enabled),
        ):
            if value is not None:
                changed[name] = tuple(value) if isinstance(value, list) else value
        return replace(wish, **changed)

    def _target(self, target: ChannelTarget) -> ChannelTarget:
        """What no longer holds of what a client has said in its own form is forgotten."""
        url = self.url or self.endpoint
        if self.events is not None:
            target = replace(target, switches={})
        if url not in {None, target.url} and target.headers and self.headers is None:
            raise PasswordForgotten("the channel", "headers")
        if url is not None:
            target = replace(target, url=url, form="", given={})
        if self.secret is not None:
            target = replace(target, secret=self.secret or None)
        if self.headers is not None:
            target = replace(target, headers=carried(self.headers), form="", given={})
        return target


class CreateNotification(NotificationChanges):
    name: Name


class UpdateNotification(NotificationChanges):
    notification_id: Id
    name: Name | None = None


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(notifications: NotificationService, call: Call[Empty]) -> list[NotificationRow]:
    """Every channel."""
    return [notification_row(each) for each in await notifications.all(call.actor, call.permission)]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(notifications: NotificationService, call: Call[NotificationById]) -> NotificationRow:
    """One channel."""
    return notification_row(await notifications.one(call.actor, call.permission, call.input.notification_id))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(notifications: NotificationService, call: Call[CreateNotification]) -> NewNotification:
    """A channel by which somebody is told."""
    given = call.input
    if given.url is None and given.endpoint is None:
        raise InvalidInput("Say where the channel leads: give url (Apprise) or endpoint (a webhook).")
    blank = ChannelRequest(name=given.name, medium=APPRISE)
    return new_notification(await notifications.create(call.actor, call.permission, given.applied(blank)))


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(notifications: NotificationService, call: Call[UpdateNotification]) -> NotificationRow:
    """Change a channel."""
    given = call.input

    def change(wish: ChannelRequest) -> ChannelRequest:
        changed = given.applied(wish)
        return changed if given.name is None else replace(changed, name=given.name)

    return notification_row(await notifications.update(call.actor, call.permission, given.notification_id, change))


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(notifications: NotificationService, call: Call[NotificationById]) -> NotificationRow:
    """Remove a channel and what waits on it."""
    return notification_row(await notifications.remove(call.actor, call.permission, call.input.notification_id))


@router.mutation("test", least=Role.ADMIN, scope=Scope.ADMIN)
async def test(notifications: NotificationService, call: Call[NotificationById]) -> bool:
    """Tell a test message at once."""
    await notifications.test(call.actor, call.permission, call.input.notification_id)
    return True


@router.query("deliveries", least=Role.ADMIN, scope=Scope.READ)
async def deliveries(notifications: NotificationService, call: Call[ListedNotices]) -> NoticesFound:
    """What was told on a channel."""
    given = call.input
    state = None if given.state is None else NoticeState(given.state)
    found = await notifications.told(
        call.actor, call.permission, given.notification_id, state=state, before=given.before, limit=given.limit
    )
    before = found[-1].notice_id if len(found) == given.limit else None
    return {"items": [notice_row(each) for each in found], "before": before}


@router.query("notice", least=Role.ADMIN, scope=Scope.READ)
async def notice(notifications: NotificationService, call: Call[ByNotice]) -> NoticeRow:
    """One thing that was told, or is to be."""
    return notice_row(await notifications.notice(call.actor, call.permission, call.input.notice_id))


@router.mutation("resend", least=Role.ADMIN, scope=Scope.ADMIN)
async def resend(notifications: NotificationService, call: Call[ByNotice]) -> NoticeRow:
    """Tell something again, under the same id."""
    return notice_row(await notifications.resend(call.actor, call.permission, call.input.notice_id))
