"""``notification.*``: the channels on which people and programs are told, and what was told."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from headway.faces.http.channel_forms import carried
from headway.faces.http.inputs import Empty, Ids, Input, Keyed, untexted
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.notifications import (
    NewNotification,
    NoticeRow,
    NoticesFound,
    NotificationRow,
    new_notification,
    notice_row,
    notification_row,
)
from headway.kernel.errors import InvalidInput, PasswordForgotten
from headway.reactions.notifications.model import APPRISE, WEBHOOK, NoticeState, Target
from headway.reactions.notifications.service import Wish

_MOST_QUIET_SECONDS = 30 * 24 * 3600

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, Field(min_length=1, max_length=4_096)]
Pattern = Annotated[str, Field(pattern=r"^[A-Za-z_*?]{1,32}(\.[A-Za-z_*?]{1,32})?$")]
Patterns = Annotated[list[Pattern], BeforeValidator(untexted), Field(max_length=100)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("notification.all", "Every channel", list[NotificationRow], Empty, _all),
        query("notification.one", "One channel", NotificationRow, ById, _one),
        query("notification.deliveries", "What was told on a channel", NoticesFound, Listed, _deliveries),
        mutation("notification.create", "A channel by which somebody is told", NewNotification, Create, _create),
        mutation("notification.update", "Change a channel", NotificationRow, Update, _update),
        mutation("notification.remove", "Remove a channel and what waits on it", NotificationRow, ById, _remove),
        mutation("notification.test", "Tell a test message at once", bool, ById, _test),
        mutation("notification.resend", "Tell something again, under the same id", NoticeRow, ByNotice, _resend),
    )


class ById(Input):
    notification_id: Id


class ByNotice(Input):
    notice_id: Id


class Listed(ById):
    state: Literal["waiting", "sent", "failed", "quiet"] | None = None
    before: Id | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Changes(Input):
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

    def applied(self, wish: Wish) -> Wish:
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

    def _target(self, target: Target) -> Target:
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


class Create(Changes):
    name: Name


class Update(Changes):
    notification_id: Id
    name: Name | None = None


async def _all(call: Call[Empty]) -> list[NotificationRow]:
    return [notification_row(each) for each in await call.platform.notifications.all(call.actor, call.permission)]


async def _one(call: Call[ById]) -> NotificationRow:
    return notification_row(
        await call.platform.notifications.one(call.actor, call.permission, call.input.notification_id)
    )


async def _create(call: Call[Create]) -> NewNotification:
    given = call.input
    if given.url is None and given.endpoint is None:
        raise InvalidInput("Say where the channel leads: give url (Apprise) or endpoint (a webhook).")
    blank = Wish(name=given.name, medium=APPRISE)
    return new_notification(await call.platform.notifications.create(call.actor, call.permission, given.applied(blank)))


async def _update(call: Call[Update]) -> NotificationRow:
    given = call.input

    def change(wish: Wish) -> Wish:
        changed = given.applied(wish)
        return changed if given.name is None else replace(changed, name=given.name)

    return notification_row(
        await call.platform.notifications.update(call.actor, call.permission, given.notification_id, change)
    )


async def _remove(call: Call[ById]) -> NotificationRow:
    return notification_row(
        await call.platform.notifications.remove(call.actor, call.permission, call.input.notification_id)
    )


async def _test(call: Call[ById]) -> bool:
    await call.platform.notifications.test(call.actor, call.permission, call.input.notification_id)
    return True


async def _deliveries(call: Call[Listed]) -> NoticesFound:
    given = call.input
    state = None if given.state is None else NoticeState(given.state)
    found = await call.platform.notifications.told(
        call.actor, call.permission, given.notification_id, state=state, before=given.before, limit=given.limit
    )
    before = found[-1].notice_id if len(found) == given.limit else None
    return {"items": [notice_row(each) for each in found], "before": before}


async def _resend(call: Call[ByNotice]) -> NoticeRow:
    return notice_row(await call.platform.notifications.resend(call.actor, call.permission, call.input.notice_id))
