"""The forms that make a backup: of a database, of one in a compose service, of a volume, of Headway itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.services.database.model import DatabaseKind
from headway.pages.cron_words import EXAMPLES, ZONE
from headway.pages.forms import Choice, Field, Flash, Form, Kind, Question
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.backups.api.rows import DestinationRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

SERVICE: Asked[ServiceOverviewRow] = Asked("service.one")
DESTINATIONS: Asked[list[DestinationRow]] = Asked("destination.all")
INSIDE: Asked[list[str]] = Asked("compose.loadServices")
PANEL, HERE = "panel", "here"
DATABASES = frozenset({each.value for each in DatabaseKind} - {"redis"})  # of which there are dumps
ENGINES = ("postgres", "mysql", "mariadb", "mongo")
COMMON: Mapping[str, Kind] = {
    "enabled": Kind.FLAG,
    "timezone": Kind.TEXT,
    "destinationId": Kind.TEXT,
    "prefix": Kind.TEXT,
    "keepLatestCount": Kind.WHOLE,
    "keepDays": Kind.WHOLE,
    "encryptionPassword": Kind.SECRET,
}
_OF_DATABASE: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "database": Kind.TEXT,
    "schedule": Kind.TEXT,
    **COMMON,
    "drillDays": Kind.WHOLE,
}
_IN_COMPOSE: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "serviceName": Kind.TEXT,
    "databaseType": Kind.TEXT,
    "database": Kind.TEXT,
    "connection.username": Kind.TEXT,
    "connection.password": Kind.SECRET,
    "schedule": Kind.TEXT,
    **COMMON,
    "drillDays": Kind.WHOLE,
}
_OF_PANEL: Mapping[str, Kind] = {"name": Kind.TEXT, "schedule": Kind.TEXT, **COMMON, "includeLogs": Kind.FLAG}
_OF_VOLUME: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "volumeName": Kind.TEXT,
    "turnOff": Kind.FLAG,
    "cronExpression": Kind.TEXT,
    **COMMON,
}
_SECONDS = 2.0
_VALUES: Mapping[str, str] = {
    "timezone": "UTC",
    "enabled": "true",
    "schedule": "30 3 * * *",
    "cronExpression": "30 3 * * *",
}


async def source_name(visit: Visit) -> str:
    """What the thing is called that the address names. Raises Missing."""
    kind, source_id = visit.path["kind"], visit.path["sourceId"]
    if kind == PANEL:
        if source_id != HERE:
            raise Missing(Noun.SERVICE)
        return "Headway itself"
    service = await visit.ask(SERVICE, serviceId=source_id)
    if kind != (service["database"] or service["kind"]):
        raise Missing(Noun.SERVICE)
    return cut(service["name"], 120)


async def fields_of(visit: Visit, *, destination_id: str | None, is_encrypted: bool = False) -> Mapping[str, Field]:
    """How the fields are shown that all backups have. ``destination_id`` is where it goes now."""
    found = await visit.ask(DESTINATIONS) if visit.may(DESTINATIONS.name) else []
    options = [Choice(value=each["destinationId"], label=each["name"]) for each in found]
    if destination_id is not None and destination_id not in {each.value for each in options}:
        options.insert(0, Choice(value=destination_id, label="as it is"))
    by_hand = "Empty: only when somebody runs it." if destination_id is None else "To stop it, switch it off."
    when = f"{EXAMPLES} {by_hand}"
    password = "There is one: leave this empty, and it stays." if is_encrypted else "Empty: it is not encrypted."
    return {
        "schedule": Field(label="When", hint=when),
        "cronExpression": Field(label="When", hint=when),
        "timezone": Field(label="Time zone", hint=ZONE),
        "enabled": Field(label="Switched on"),
        "destinationId": Field(
            label="Goes to",
            options=tuple(options),
            none="a folder of the panel's own machine" if destination_id is None else None,
        ),
        "prefix": Field(label="Folder there", hint="Below the folder that it gets anyway."),
        "keepLatestCount": Field(label="Keep the newest", hint="Empty: all. The last good one is never deleted."),
        "keepDays": Field(label="Keep for so many days", hint="Empty: for ever."),
        "drillDays": Field(label="Restore on trial every so many days", hint="Empty: only when somebody asks for it."),
        "encryptionPassword": Field(
            label="Password that encrypts it",
            hint=f"{password} Keep it elsewhere too: without it nothing can be restored.",
        ),
        "turnOff": Field(
            label="Stop the service while it is read",
            hint="A volume that is read while its server writes is not of one moment.",
        ),
        "includeLogs": Field(label="With the logs of deployments"),
    }


def _form(
    operation: str,
    shown: Mapping[str, Kind],
    said: str,
    kinds: frozenset[str],
    *,
    given: Callable[[Visit], Mapping[str, object]],
    fields: Callable[[Visit], Awaitable[Mapping[str, Field]]],
) -> Form:
    async def ask(visit: Visit) -> Question:
        if visit.path["kind"] not in kinds:
            raise Missing(Noun.SERVICE)
        label = await source_name(visit)
        return Question(
            title=f"Back up {label}",
            consequences=(said, "Nothing is read before its time comes, or somebody runs it."),
            button="Add it",
            values=_VALUES,
            fields={**await fields_of(visit, destination_id=None), **await fields(visit)},
        )

    return Form(
        operation=lambda _visit: operation,
        given=given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Added. Run it once, and see that it ends well."),
        then=_to_made,
        fields=shown,
        suggests=True,
    )


def _to_made(_visit: Visit, answer: object) -> str:
    made = answer if isinstance(answer, dict) else {}
    return f"/backups/{made.get('backupId') or made.get('volumeBackupId') or ''}".rstrip("/")


async def _of_database(_visit: Visit) -> Mapping[str, Field]:
    return {"database": Field(label="Database", hint="Empty: the one that its settings name.")}


async def _in_compose(visit: Visit) -> Mapping[str, Field]:
    engines = tuple(Choice(value=each, label=each) for each in ENGINES)
    return {
        "serviceName": await _inside(visit, "The service of the compose file that the database is."),
        "databaseType": Field(label="Kind of database", options=engines),
        "database": Field(label="Database"),
        "connection.username": Field(label="User", hint="By whom it is dumped, inside of the container."),
        "connection.password": Field(label="Password of that user", hint="It is kept encrypted, and not shown again."),
    }


async def _of_volume(visit: Visit) -> Mapping[str, Field]:
    hints = {
        "application": "“data” is the folder that a native application keeps its data in; else a volume's name.",
        "compose": "The volume's name, as the compose file has it.",
    }
    return {"volumeName": Field(label="Volume", hint=hints.get(visit.path["kind"], "“data”: what it serves from."))}


async def _inside(visit: Visit, hint: str) -> Field:
    found = await visit.ask_within(_SECONDS, INSIDE, composeId=visit.path["sourceId"])
    if isinstance(found, Unknown) or not found:
        return Field(label="Service", hint=hint)
    return Field(
        label="Service", hint=hint, options=tuple(Choice(value=each, label=each) for each in found), none="none"
    )


async def _of_panel(_visit: Visit) -> Mapping[str, Field]:
    return {}


def _service_id(visit: Visit) -> Mapping[str, object]:
    return {f"{visit.path['kind']}Id": visit.path["sourceId"]}


OF_DATABASE = _form(
    "backup.create",
    _OF_DATABASE,
    "The database is dumped by its own tools, packed, and read back whole before it counts as kept.",
    DATABASES,
    given=lambda visit: {"databaseType": visit.path["kind"], **_service_id(visit)},
    fields=_of_database,
)
IN_COMPOSE = _form(
    "backup.create",
    _IN_COMPOSE,
    "The database is dumped inside of its container, packed, and read back whole before it counts as kept.",
    frozenset({"compose"}),
    given=lambda visit: {"backupType": "compose", "composeId": visit.path["sourceId"]},
    fields=_in_compose,
)
OF_PANEL = _form(
    "backup.create",
    _OF_PANEL,
    "Headway's own data is packed: it is restored where no panel runs, by headway restore FILE.",
    frozenset({PANEL}),
    given=lambda _visit: {"databaseType": "web-server"},
    fields=_of_panel,
)
OF_VOLUME = _form(
    "volumeBackups.create",
    _OF_VOLUME,
    "Its files are packed with their modes, owners and links, and read back whole before they count as kept.",
    frozenset({"application", "compose", *(each.value for each in DatabaseKind)}),
    given=lambda visit: {"serviceType": visit.path["kind"], **_service_id(visit)},
    fields=_of_volume,
)
