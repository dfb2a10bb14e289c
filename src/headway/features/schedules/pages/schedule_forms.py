"""What can be done with schedules: make, change, switch on and off, run, remove; each said before and after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from headway.core.access.policy import Missing, Noun
from headway.pages.cron_words import EXAMPLES, ZONE, cron_words
from headway.pages.forms import Choice, Field, Flash, Form, Kind, Question, Started
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import cut, plural, utc

if TYPE_CHECKING:
    from headway.features.schedules.api.rows import ScheduleDetails, ScheduleRow
    from headway.features.servers.api.rows import ServerDetails
    from headway.features.services.api.service_rows import ServiceOverviewRow

ONE: Asked[ScheduleDetails] = Asked("schedule.one")
SERVICE: Asked[ServiceOverviewRow] = Asked("service.one")
ON_SERVER: Asked[ServerDetails] = Asked("server.one")
INSIDE: Asked[list[str]] = Asked("compose.loadServices")
LIST = "/schedules"
APPLICATION, COMPOSE, SERVER, PANEL, HERE = "application", "compose", "server", "dokploy-server", "here"
SERVICES = (APPLICATION, COMPOSE)
_SECONDS = 2.0
_FIELDS: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "cronExpression": Kind.TEXT,
    "timezone": Kind.TEXT,
    "shellType": Kind.TEXT,
    "script": Kind.BLOCK,
    "enabled": Kind.FLAG,
    "overlap": Kind.TEXT,
    "catchUp": Kind.TEXT,
    "retries": Kind.WHOLE,
    "timeoutSeconds": Kind.WHOLE,
    "keepDeployments": Kind.WHOLE,
    "keepDays": Kind.WHOLE,
    "description": Kind.TEXT,
}
_IN_COMPOSE: Mapping[str, Kind] = {"serviceName": Kind.TEXT, **_FIELDS}
_CLEARS = frozenset({"timezone", "description", "timeoutSeconds", "keepDeployments", "keepDays"})
_OVERLAPS = (
    Choice(value="skip", label="it is skipped"),
    Choice(value="queue", label="it waits for the end of that"),
    Choice(value="replace", label="that is ended, and it begins"),
    Choice(value="allow", label="both run"),
)
_CATCH_UPS = (
    Choice(value="none", label="it runs for none of them"),
    Choice(value="once", label="it runs once"),
    Choice(value="all", label="it runs for each of them"),
)
_SHELLS = tuple(Choice(value=each, label=each) for each in ("bash", "sh", "python"))


async def place_of(visit: Visit) -> tuple[str, str | None]:
    """What the address names, in which schedules run, and where that is shown. Raises Missing."""
    target, target_id = visit.path["target"], visit.path["targetId"]
    if target in SERVICES:
        service = await visit.ask(SERVICE, serviceId=target_id)
        if service["kind"] != target:
            raise Missing(Noun.SERVICE)
        return cut(service["name"], 120), f"/services/{target_id}"
    if target == SERVER:
        server = await visit.ask(ON_SERVER, serverId=target_id)
        return cut(server["name"], 120), f"/servers/{target_id}"
    if (target, target_id) == (PANEL, HERE):
        return "the panel's own machine", None
    raise Missing(Noun.SCHEDULE)


def create_address(target: str, target_id: str) -> str:
    """Where a schedule is made in something."""
    name = "create-in-compose" if target == COMPOSE else "create"
    return f"{LIST}/in/{target}/{quote(target_id, safe='')}/{name}"


async def _ask_create(visit: Visit) -> Question:
    label, _ = await place_of(visit)
    target = visit.path["target"]
    said = {
        APPLICATION: "The script runs inside the release that serves then, under its account and with its variables.",
        COMPOSE: "The script runs inside a container of the service that is named.",
        SERVER: "The script runs on the server itself, as the user by whom Headway enters it.",
        PANEL: "The script runs on the machine of the panel itself.",
    }
    return Question(
        title=f"Add a schedule: {label}",
        consequences=(said[target], "Each run is a deployment, with a log and an end."),
        button="Add it",
        values={"timezone": "UTC", "shellType": "bash", "enabled": "true", "overlap": "skip", "catchUp": "none"},
        fields=await _fields(visit, target, visit.path["targetId"]),
    )


async def _ask_change(visit: Visit, row: ScheduleDetails) -> Question:
    values = {name: _text(row.get(name)) for name in _IN_COMPOSE} | {"script": row["script"] or row["command"]}
    inside = row["composeId"] or ""
    return Question(
        title=f"Change the schedule “{_name(row)}”",
        consequences=("What runs now goes on as it began.", "Other times count from now on."),
        button="Save",
        values=values,
        fields=await _fields(visit, row["scheduleType"], inside, now=row["serviceName"]),
    )


async def _fields(visit: Visit, target: str, target_id: str, now: str | None = None) -> Mapping[str, Field]:
    return {
        "cronExpression": Field(label="When", hint=EXAMPLES),
        "timezone": Field(label="Time zone", hint=ZONE),
        **({"serviceName": await _inside(visit, target_id, now)} if target == COMPOSE else {}),
        "shellType": Field(label="Read by", options=_SHELLS),
        "enabled": Field(label="Switched on"),
        "overlap": Field(label="Where an earlier run has not ended", options=_OVERLAPS),
        "catchUp": Field(label="Where times were missed because no panel ran", options=_CATCH_UPS),
        "retries": Field(label="Further tries after a failure"),
        "timeoutSeconds": Field(label="Ends after so many seconds", hint="Empty: as the panel has it."),
        "keepDeployments": Field(label="Runs that are kept", hint="Empty: as the panel has it."),
        "keepDays": Field(label="Kept for so many days", hint="Empty: as the panel has it."),
    }


async def _inside(visit: Visit, compose_id: str, now: str | None) -> Field:
    """How the service of a compose file is chosen, where the file tells its services."""
    found: list[str] | Unknown = []
    if visit.may(INSIDE.name):
        found = await visit.ask_within(_SECONDS, INSIDE, composeId=compose_id)
    names = [] if isinstance(found, Unknown) else list(found)
    hint = "The service of the compose file inside of which it runs."
    if not names:
        return Field(label="Service", hint=hint)
    if now and now not in names:
        names.append(now)
    return Field(label="Service", hint=hint, options=tuple(Choice(value=each, label=each) for each in names))


def _ask_switch(*, on: bool) -> Callable[[Visit], Awaitable[Question]]:
    async def ask(visit: Visit) -> Question:
        row = await _row(visit)
        words = cron_words(row["cronExpression"]) or row["cronExpression"]
        return Question(
            title=f"Switch “{_name(row)}” {'on' if on else 'off'}?",
            consequences=(f"It is due {words} ({row['timezone']}), from now on.",)
            if on
            else ("Nothing of it is due until it is switched on again.", "What runs now goes on."),
            button="Switch it on" if on else "Switch it off",
        )

    return ask


async def _ask_run(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Run “{_name(row)}” now?",
        consequences=("It is queued once, whatever its times are; these stay.",),
        button="Run it now",
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Remove the schedule “{_name(row)}”?",
        consequences=(
            "What runs of it is ended.",
            f"Its times, its script and the logs of {plural(len(row['deployments']), 'run')} are gone for good.",
            "What it runs in stays as it is.",
        ),
        button="Remove it",
        danger=True,
        typed=row["name"].strip(),
    )


async def _row(visit: Visit) -> ScheduleDetails:
    return await visit.ask(ONE, scheduleId=visit.path["scheduleId"])


def _name(row: ScheduleRow) -> str:
    return cut(row["name"], 120)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _given(visit: Visit) -> Mapping[str, object]:
    return {"scheduleId": visit.path["scheduleId"]}


def _given_place(visit: Visit) -> Mapping[str, object]:
    target = visit.path["target"]
    named = {} if target == PANEL else {f"{target}Id": visit.path["targetId"]}
    return {"scheduleType": target, **named}


def _did_save(_visit: Visit, answer: object) -> Flash:
    row = answer if isinstance(answer, dict) else {}
    words = cron_words(str(row.get("cronExpression", "")))
    times = f" It is due {words} ({row['timezone']})" if words else " It is kept"
    never = ". It is never due again." if row.get("enabled") else ". It is switched off."
    following = f", next {utc(row['nextRunAt'])}." if row.get("nextRunAt") else never
    return Flash(text=f"Saved.{times}{following}")


def _to_saved(_visit: Visit, answer: object) -> str:
    return f"{LIST}/{answer['scheduleId']}" if isinstance(answer, dict) else LIST


def _same(visit: Visit, _answer: object) -> str:
    return f"{LIST}/{visit.path['scheduleId']}"


def _to_deployment(visit: Visit, answer: object) -> str:
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else _same(visit, answer)


def _switch(*, on: bool) -> Form:
    return Form(
        operation=lambda _visit: "schedule.update",
        given=lambda visit: {**_given(visit), "enabled": on},
        asks=_ask_switch(on=on),
        did=_did_save if on else lambda _visit, _answer: Flash(text="Switched off: nothing of it is due."),
        then=_same,
    )


def _create(fields: Mapping[str, Kind], *, in_compose: bool = False) -> Form:
    async def ask(visit: Visit) -> Question:
        if (visit.path["target"] == COMPOSE) is not in_compose:
            raise Missing(Noun.SCHEDULE)
        return await _ask_create(visit)

    return Form(
        operation=lambda _visit: "schedule.create",
        given=_given_place,
        asks=ask,
        did=_did_save,
        then=_to_saved,
        fields=fields,
        suggests=True,
    )


def _change(fields: Mapping[str, Kind], *, in_compose: bool = False) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await _row(visit)
        if (row["scheduleType"] == COMPOSE) is not in_compose:
            raise Missing(Noun.SCHEDULE)
        return await _ask_change(visit, row)

    return Form(
        operation=lambda _visit: "schedule.update",
        given=_given,
        asks=ask,
        did=_did_save,
        then=_same,
        fields=fields,
        clears=_CLEARS,
        empties={"retries": 0},
    )


CREATE, CREATE_IN_COMPOSE = _create(_FIELDS), _create(_IN_COMPOSE, in_compose=True)
CHANGE, CHANGE_IN_COMPOSE = _change(_FIELDS), _change(_IN_COMPOSE, in_compose=True)
SWITCH_ON, SWITCH_OFF = _switch(on=True), _switch(on=False)
RUN = Form(
    operation=lambda _visit: "schedule.runManually",
    given=_given,
    asks=_ask_run,
    did=lambda _visit, answer: Flash(
        text="It was queued already." if isinstance(answer, Started) and answer.again else "The run is queued."
    ),
    then=_to_deployment,
)
REMOVE = Form(
    operation=lambda _visit: "schedule.delete",
    given=_given,
    asks=_ask_remove,
    did=lambda _visit, _answer: Flash(text="Removed, with its runs and their logs."),
    then=lambda _visit, _answer: LIST,
)
