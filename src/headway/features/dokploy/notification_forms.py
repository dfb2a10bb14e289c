"""``notification.create…``, ``update…`` and ``test…Connection``: channels in the forms that clients know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import Field, create_model

from headway.api.inputs import Empty, Input, from_value, needed_of
from headway.api.operation import Call
from headway.api.problems import invalid
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.dokploy.notification_switches import Switches, events_of, switches_of
from headway.features.notifications.api.channels import FORMS, ChannelForm
from headway.features.notifications.api.rows import NewNotification, NotificationRow, new_notification, notification_row
from headway.features.notifications.service import ChannelRequest, NotificationService

_BY_MAIL = ("email", "resend")

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


router = Router[NotificationService]("notification", resource=Noun.NOTIFICATION, in_project=False)


class Named(Switches):
    name: Name


class ChangedNotification(Input):
    """Also the form's own id comes, such as ``slackId``, which is the channel's again."""

    notification_id: Id
    name: Name | None = None


def _whole(form: type[ChannelForm]) -> Any:  # noqa: ANN401 - a type that is made here
    bases: Any = (Named, form)
    return create_model(f"Create{form.__name__}", __base__=bases)


def _part(form: type[ChannelForm]) -> Any:  # noqa: ANN401 - as above
    return create_model(
        f"Update{form.__name__}", __base__=ChangedNotification, **_optional(form), **_optional(Switches)
    )


def _optional(model: type[Input]) -> dict[str, Any]:
    """The fields of an input, of which none has to be there."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        found[name] = (kind | None, Field(default=None, repr=field.repr))
    return found


async def _create(form: type[ChannelForm], notifications: NotificationService, call: Call[Any]) -> NewNotification:
    """A channel in the form that clients know."""
    given: Named = call.input
    wish = _shaped(
        ChannelRequest(name=given.name, medium=form.medium), from_value(form, _sent(given)), given.switched()
    )
    return new_notification(await notifications.create(call.actor, call.permission, wish))


async def _update(form: type[ChannelForm], notifications: NotificationService, call: Call[Any]) -> NotificationRow:
    """Change such a channel.

    One that led elsewhere is given all that its new form needs.
    """
    given: ChangedNotification = call.input
    sent = _sent(given)

    def change(wish: ChannelRequest) -> ChannelRequest:
        before = wish.target.given if wish.target.form == form.word else {}
        switches = switches_of(wish)
        changed = _shaped(
            replace(wish, name=given.name or wish.name),
            _changed(form, before, sent),
            {name: sent.get(name, was) for name, was in switches.items()},
        )
        # Events that were chosen one by one stay as they are, unless a switch says otherwise.
        return changed if switches.keys() & sent.keys() else replace(changed, events=wish.events)

    return notification_row(await notifications.update(call.actor, call.permission, given.notification_id, change))


async def _test(notifications: NotificationService, call: Call[Any]) -> bool:
    """Tell a test at once."""
    given: ChannelForm = call.input
    await notifications.try_out(call.actor, call.permission, given.medium, given.target)
    return True


def _write(form: type[ChannelForm]) -> None:
    """The three operations of a form."""
    word, title = form.__name__, form.title
    made = router.mutation(
        f"create{word}", least=Role.ADMIN, scope=Scope.ADMIN, input=_whole(form), summary=f"A channel to {title}"
    )
    made(partial(_create, form))
    router.mutation(f"update{word}", least=Role.ADMIN, scope=Scope.ADMIN, input=_part(form))(partial(_update, form))
    tried = router.mutation(
        f"test{word}Connection",
        least=Role.ADMIN,
        scope=Scope.ADMIN,
        input=form,
        summary=f"Tell a test to {title} at once",
    )
    tried(_test)


@router.query("getEmailProviders", least=Role.ADMIN, scope=Scope.READ)
async def by_mail(notifications: NotificationService, call: Call[Empty]) -> list[NotificationRow]:
    """The channels by mail."""
    found = await notifications.all(call.actor, call.permission)
    return [notification_row(each) for each in found if each.target.form in _BY_MAIL]


def _sent(given: Input) -> dict[str, Any]:
    return {name: each for name, each in given.model_dump(mode="json", by_alias=True).items() if each is not None}


def _changed(form: type[ChannelForm], before: Mapping[str, Any], sent: Mapping[str, Any]) -> ChannelForm:
    """The form with what it held before. Raises Problem, with issues of the state of things where it held nothing."""
    values = form.changed(before, sent)
    message = f"Not given: a channel to {form.title} needs it, and this one has none to keep"
    lacking = sorted(needed_of(form) - values.keys())
    if lacking:
        raise invalid([{"code": "custom", "path": [name], "message": message} for name in lacking])
    return from_value(form, values)


def _shaped(wish: ChannelRequest, form: ChannelForm, switches: Mapping[str, bool]) -> ChannelRequest:
    """The wish with where this form leads, and what the switches choose."""
    target = replace(form.target(), secret=wish.target.secret if wish.medium == form.medium else None)
    return replace(wish, medium=form.medium, target=replace(target, switches=switches), events=events_of(switches))


for _form in FORMS:
    _write(_form)
