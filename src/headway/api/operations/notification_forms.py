"""``notification.create…``, ``update…`` and ``test…Connection``: channels in the forms that clients know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Annotated, Any

from pydantic import Field, create_model

from headway.faces.http.channel_forms import FORMS, Form
from headway.faces.http.inputs import Empty, Input, from_value
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.switches import Switches, events_of, switches_of
from headway.faces.http.wire.notifications import NewNotification, NotificationRow, new_notification, notification_row
from headway.reactions.notifications.service import Wish

_BY_MAIL = ("email", "resend")

Id = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


@cache  # to make their inputs takes long
def procedures() -> tuple[Procedure, ...]:
    """The procedures, beside those of ``notification``."""
    mails = query("notification.getEmailProviders", "The channels by mail", list[NotificationRow], Empty, _by_mail)
    return (mails, *(each for form in FORMS for each in _of(form)))


class Named(Switches):
    name: Name


class Changed(Input):
    """Also the form's own id comes, such as ``slackId``, which is the channel's again."""

    notification_id: Id
    name: Name | None = None


def _of(form: type[Form]) -> Iterator[Procedure]:
    word, title = form.__name__, form.title
    made, part = _whole(form), _part(form)
    yield mutation(f"notification.create{word}", f"A channel to {title}", NewNotification, made, partial(_create, form))
    yield mutation(f"notification.update{word}", "Change such a channel", NotificationRow, part, partial(_update, form))
    yield mutation(f"notification.test{word}Connection", f"Tell a test to {title} at once", bool, form, _test)


def _whole(form: type[Form]) -> Any:  # noqa: ANN401 - a type that is made here
    bases: Any = (Named, form)
    return create_model(f"Create{form.__name__}", __base__=bases)


def _part(form: type[Form]) -> Any:  # noqa: ANN401 - as above
    return create_model(f"Update{form.__name__}", __base__=Changed, **_optional(form), **_optional(Switches))


def _optional(model: type[Input]) -> dict[str, Any]:
    """The fields of an input, of which none has to be there."""
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
        found[name] = (kind | None, Field(default=None, repr=field.repr))
    return found


async def _create(form: type[Form], call: Call[Any]) -> NewNotification:
    given: Named = call.input
    wish = _shaped(Wish(name=given.name, medium=form.medium), from_value(form, _sent(given)), given.switched())
    return new_notification(await call.platform.notifications.create(call.actor, call.permission, wish))


async def _update(form: type[Form], call: Call[Any]) -> NotificationRow:
    given: Changed = call.input
    sent = _sent(given)

    def change(wish: Wish) -> Wish:
        before = wish.target.given if wish.target.form == form.word else {}
        switches = switches_of(wish)
        changed = _shaped(
            replace(wish, name=given.name or wish.name),
            from_value(form, form.changed(before, sent)),
            {name: sent.get(name, was) for name, was in switches.items()},
        )
        # Events that were chosen one by one stay as they are, unless a switch says otherwise.
        return changed if switches.keys() & sent.keys() else replace(changed, events=wish.events)

    return notification_row(
        await call.platform.notifications.update(call.actor, call.permission, given.notification_id, change)
    )


async def _test(call: Call[Any]) -> bool:
    given: Form = call.input
    await call.platform.notifications.try_out(call.actor, call.permission, given.medium, given.target)
    return True


async def _by_mail(call: Call[Empty]) -> list[NotificationRow]:
    found = await call.platform.notifications.all(call.actor, call.permission)
    return [notification_row(each) for each in found if each.target.form in _BY_MAIL]


def _sent(given: Input) -> dict[str, Any]:
    return {name: each for name, each in given.model_dump(mode="json", by_alias=True).items() if each is not None}


def _shaped(wish: Wish, form: Form, switches: Mapping[str, bool]) -> Wish:
    """The wish with where this form leads, and what the switches choose."""
    target = replace(form.target(), secret=wish.target.secret if wish.medium == form.medium else None)
    return replace(wish, medium=form.medium, target=replace(target, switches=switches), events=events_of(switches))
