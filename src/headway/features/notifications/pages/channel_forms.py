"""What can be done with channels: each kind is made and changed in its own form, and secrets left empty stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from headway.core.access.policy import Missing, Noun
from headway.features.notifications.pages.channel_kinds import KINDS, SWITCHES, ChannelKind
from headway.pages.forms import Field, Flash, Form, Kind, Question, Thing
from headway.pages.page import Asked, View, Visit
from headway.pages.users import MOST
from headway.pages.words import cut, plural

if TYPE_CHECKING:
    from headway.features.notifications.api.rows import NewNotification, NotificationRow

LIST = "/notifications"
ONE: Asked[NotificationRow] = Asked("notification.one")
ALL: Asked[list[NotificationRow]] = Asked("notification.all")
UPDATE = "notification.update"
TEST = "notification.test"
REMOVE = "notification.remove"
_Asks = Callable[["NotificationRow"], Question]
_NAME = Field(label="Name", hint="What the channel is called here, such as ops")
_EVENTS = (
    "An event is told where one of the patterns fits its name; * stands for anything.",
    "application.error, compose.error, backup.error, schedule.error, …: a deployment, a backup or a run has failed.",
    "The same with .done, .started, .cancelled, .superseded, .unstable (it crashed soon after) and .out_of_reach.",
    "*.down: what is to serve does not: it has ended by itself, is gone or paused, or fails its own check.",
    "schedule.missed, backup.missed, volumeBackup.missed: a due time has passed while nothing could run.",
    "disk.low, panel.error, channel.failed: a disk is nearly full, a loop of the panel fails, another channel fails.",
)


def address(row: NotificationRow) -> str:
    """Where a channel is shown."""
    return f"{LIST}/{row['notificationId']}"


def name_of(row: NotificationRow) -> str:
    """What a channel is called."""
    return cut(row["name"], 120)


def title_of(word: str) -> str:
    """What channels of a kind lead to."""
    return KINDS[word].title if word in KINDS else word


def create_operation(kind: ChannelKind) -> str:
    """What makes a channel of this kind."""
    return f"notification.create{kind.form or ''}"


def create_forms() -> Mapping[str, Form]:
    """The forms that make channels, by their names."""
    return {f"create-{word}": _create(kind) for word, kind in KINDS.items() if kind.makes}


def channel_forms() -> Mapping[str, Form]:
    """The forms of a channel's page, by their names."""
    changes = {f"change-{word}": _change(word, kind) for word, kind in KINDS.items()}
    return {
        **changes,
        "events": _events(),
        "test": _form(TEST, _ask_test, "It was taken: the other side has answered that it has the test."),
        "switch-on": _switch(on=True),
        "switch-off": _switch(on=False),
        "remove": _remove(),
    }


def _create(kind: ChannelKind) -> Form:
    switches = SWITCHES if kind.form else {}

    async def ask(_visit: Visit) -> Question:
        tells = "You choose more exactly what is told on the channel's own page."
        default = "It tells what fails, is unstable, down, out of reach or missed, and a disk that is nearly full."
        return Question(
            title=f"Add a channel to {kind.title}",
            consequences=(
                tells if switches else f"{default} {tells}",
                "Nothing is sent yet. Where it leads and what opens it is kept encrypted, and not shown again.",
            ),
            button="Add it",
            values={
                **{name: each.first for name, each in kind.fields.items()},
                **{name: "true" for name, (_, on) in switches.items() if on},
            },
            fields={
                "name": _NAME,
                **{name: each.shown for name, each in kind.fields.items()},
                **{name: Field(label=label) for name, (label, _) in switches.items()},
            },
        )

    return Form(
        operation=lambda _visit: create_operation(kind),
        given=lambda _visit: {},
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Added. Send a test, to see that it arrives."),
        then=lambda _visit, answer: f"{LIST}/{answer['notificationId']}" if isinstance(answer, dict) else LIST,
        fields={
            "name": Kind.TEXT,
            **{name: each.kind for name, each in kind.fields.items()},
            **dict.fromkeys(switches, Kind.FLAG),
        },
        suggests=True,
        shows=_show_made if "secret" in kind.fields else None,
    )


def _show_made(_visit: Visit, answer: object) -> View:
    """The secret that its messages are signed with: a flash would carry it through a cookie."""
    made = cast("NewNotification", answer)
    values = {"row": made, "secret": made["secret"], "href": address(made)}
    return View(template="features/notifications/pages/channel_made.html", values=values, title="The channel is added")


def _change(word: str, kind: ChannelKind) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
        if row["notificationType"] != word:
            raise Missing(Noun.NOTIFICATION)
        hint = dict.fromkeys(kind.secrets, "Empty: it stays as it is. ")
        return Question(
            title=f"Change “{name_of(row)}”",
            consequences=(
                "What is told from now on goes the new way, and so does what waits.",
                "A secret whose field is left empty stays; where the address changes, it has to be given again.",
            ),
            button="Save",
            values={"name": row["name"], **_values(row, word, kind)},
            fields={
                "name": _NAME,
                **{
                    name: Field(label=each.shown.label, hint=hint.get(each.shown.label, "") + each.shown.hint)
                    for name, each in kind.fields.items()
                },
            },
        )

    return Form(
        operation=lambda _visit: f"notification.update{kind.form or ''}",
        given=_given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved. Send a test, to see that it arrives."),
        then=_back,
        fields={"name": Kind.TEXT, **{name: each.kind for name, each in kind.fields.items()}},
        empties={name: "" for name, each in kind.fields.items() if each.empties},
        away={name: each.away for name, each in kind.fields.items() if each.away is not None},
    )


def _values(row: NotificationRow, word: str, kind: ChannelKind) -> Mapping[str, str]:
    """What is known of what was given, which is all but the secrets."""
    known: object = row.get(word)
    if not isinstance(known, Mapping):
        return {}
    return {name: _typed(known.get(name)) for name, each in kind.fields.items() if each.kind is not Kind.SECRET}


def _typed(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return "" if value is None else str(value)


def _events() -> Form:
    async def ask(visit: Visit) -> Question:
        row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
        return Question(
            title=f"What is told on “{name_of(row)}”",
            consequences=_EVENTS,
            button="Save",
            values={"events": "\n".join(row["events"]), "quietSeconds": str(row["quietSeconds"])},
            fields={
                "events": Field(label="Patterns", hint="One to a line, such as *.error"),
                "quietSeconds": Field(
                    label="Quiet for", hint="Seconds within which the same failure is told once; 0: each time"
                ),
            },
        )

    return Form(
        operation=lambda _visit: UPDATE,
        given=_given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved: it holds for what happens from now on."),
        then=_back,
        fields={"events": Kind.LINES, "quietSeconds": Kind.WHOLE},
        empties={"events": []},
    )


def _switch(*, on: bool) -> Form:
    def words(row: NotificationRow) -> Question:
        if on:
            told: tuple[str, ...] = ("What happens from now on is told. What happened meanwhile is not.",)
        else:
            told = ("What happens from now on is not told here.", "Its settings stay, and it can be switched on again.")
        word = "on" if on else "off"
        return Question(title=f"Switch “{name_of(row)}” {word}?", consequences=told, button=f"Switch it {word}")

    did = "Switched on." if on else "Switched off: nothing is told here until it is switched on."
    return _form(UPDATE, words, did, enabled=on)


def _remove() -> Form:
    async def ask(visit: Visit) -> Question:
        row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
        others = [each for each in await visit.ask(ALL) if each["notificationId"] != row["notificationId"]]
        return Question(
            title=f"Remove “{name_of(row)}”?",
            consequences=(
                _uses(row),
                _stay([each for each in others if each["enabled"]]),
                "What waits to be told on it is not told, and what was told on it is forgotten with it.",
            ),
            button="Remove it",
            danger=True,
            things=[_channel(each) for each in others[:MOST]],
        )

    return Form(
        operation=lambda _visit: REMOVE,
        given=_given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Removed, with what waited on it."),
        then=lambda _visit, _answer: LIST,
    )


def _uses(row: NotificationRow) -> str:
    """What is told on a channel now, and of what."""
    if not row["enabled"]:
        return "It is switched off: nothing is told on it now."
    bounds = [
        plural(len(ids), word) for ids, word in ((row["projectIds"], "project"), (row["serviceIds"], "service")) if ids
    ]
    where = f" in {' and '.join(bounds)}" if bounds else " in all projects"
    return f"It tells {cut(', '.join(row['events']), 200) or 'nothing'}{where}."


def _stay(others: Sequence[NotificationRow]) -> str:
    if not others:
        return "No other channel is switched on: nobody is told of anything from then on."
    return f"{plural(len(others), 'other channel')} switched on, each for what it is set to tell."


def _channel(row: NotificationRow) -> Thing:
    standing = cut(", ".join(row["events"]), 100) if row["enabled"] else "switched off"
    return Thing(label=row["name"], standing=f"{title_of(row['notificationType'])}: {standing}", path=address(row))


def _ask_test(row: NotificationRow) -> Question:
    return Question(
        title=f"Send a test on “{name_of(row)}”?",
        consequences=("One message is sent now, and you are told what the other side answers.",),
        button="Send it",
    )


def _form(operation: str, words: _Asks, did: str, then: str | None = None, **given: object) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
        return words(row)

    return Form(
        operation=lambda _visit: operation,
        given=lambda visit: {**_given(visit), **given},
        asks=ask,
        did=lambda _visit, _answer: Flash(text=did),
        then=lambda visit, answer: then or _back(visit, answer),
    )


def _given(visit: Visit) -> Mapping[str, object]:
    return {"notificationId": visit.path["notificationId"]}


def _back(visit: Visit, _answer: object) -> str:
    return f"{LIST}/{visit.path['notificationId']}"
