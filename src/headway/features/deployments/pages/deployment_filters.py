"""The filters of the list, as its address holds them: what each is called, what can be chosen, and what is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from headway.core.deployments.model import SubjectType, Trigger
from headway.core.deployments.status import Reason, Status
from headway.features.deployments.kind_names import KINDS
from headway.pages.list_view import chip
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import cut, label

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/deployments"
SERVICES: Asked[list[GlanceRow]] = Asked("service.all")
_SERVICE = "service"  # in the form: type and id of one, which the address holds apart
_SECONDS = 5.0

# What a filter is called beside its value, by its name in the address, which is that of the search's input.
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "text": "Text",
        "status": "State",
        "reason": "Reason",
        "trigger": "Trigger",
        "kind": "Kind",
        "type": "Of",
        "id": "ID",
        "projectId": "Project",
        "serverId": "Server",
        "branch": "Branch",
        "triggeredBy": "Asked for by",
        "from": "From",
        "to": "Before",
    }
)
CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "status": tuple(each.value for each in Status),
        "reason": tuple(each.value for each in Reason),
        "trigger": tuple(each.value for each in Trigger),
        "kind": KINDS,
        "type": tuple(each.value for each in SubjectType),
    }
)
_IN_WORDS = frozenset({"status", "reason", "trigger", "type"})


def filters_of(query: Mapping[str, str]) -> Mapping[str, str]:
    """The filters that an address holds; what is empty filters nothing, as a form sends it, and nor does an id
    of no type.
    """
    given = {name: text for name in LABELS if (text := query.get(name, "").strip())}
    kind, _, id_ = query.get(_SERVICE, "").strip().partition(":")
    if kind and id_:
        given |= {"type": kind, "id": id_}
    elif _SERVICE in query:
        given.pop("id", None)  # none was chosen
    if "type" not in given:
        given.pop("id", None)  # the form sends it along when the type was taken back
    return {name: given[name] for name in LABELS if name in given}


async def known_services(visit: Visit) -> Sequence[GlanceRow]:
    """The services that can be chosen, with their projects and servers; none where they are not to be had now."""
    if not visit.may(SERVICES.name):
        return ()
    found = await visit.ask_within(_SECONDS, SERVICES)
    return () if isinstance(found, Unknown) else found


def form_values(filters: Mapping[str, str], services: Sequence[GlanceRow]) -> Mapping[str, object]:
    """What the form shows: each filter's value, and what can be chosen for it."""
    servers = {each["serverId"]: each["serverName"] or each["serverId"] for each in services if each["serverId"]}
    projects = {each["environment"]["project"]["projectId"]: _project(each) for each in services}
    of_service = f"{filters['type']}:{filters['id']}" if "id" in filters else ""
    choices = {name: _options(_told(name, words), filters.get(name)) for name, words in CHOICES.items()}
    return {
        "filters": {
            **{name: filters.get(name, "") for name in LABELS},
            "type": "" if of_service else filters.get("type", ""),
            _SERVICE: of_service,
        },
        "choices": {
            **choices,
            _SERVICE: _options({_key(each): _name(each) for each in services}, of_service or None),
            "projectId": _options(projects, filters.get("projectId")),
            "serverId": _options(servers, filters.get("serverId")),
        },
    }


def chips(filters: Mapping[str, str], services: Sequence[GlanceRow] = ()) -> Sequence[Mapping[str, str]]:
    """Each filter with the address that leaves it out; a service is one, by its name where that is known."""
    names = {_key(each): _name(each) for each in services}
    names |= {each["environment"]["project"]["projectId"]: _project(each) for each in services}
    names |= {each["serverId"]: each["serverName"] or "" for each in services if each["serverId"]}
    found = []
    for name, text in filters.items():
        if name == "id":
            continue
        called, value, left_out = LABELS[name], _words(text) if name in _IN_WORDS else names.get(text) or text, {name}
        if name == "type" and "id" in filters:
            called, left_out = _words(text).capitalize(), {"type", "id"}
            value = names.get(f"{text}:{filters['id']}") or filters["id"]
        found.append(chip(PATH, filters, left_out, called, value))
    return found


def _options(named: Mapping[str, str], chosen: str | None) -> Sequence[Mapping[str, str]]:
    """What can be chosen, and what is: an address may name several at once, or what is not known here."""
    further = {chosen: chosen.replace(",", ", ")} if chosen is not None and chosen not in named else {}
    return [{"value": value, "label": cut(label, 80)} for value, label in {**further, **named}.items()]


def _told(name: str, words: Sequence[str]) -> Mapping[str, str]:
    return {each: _words(each) if name in _IN_WORDS else each for each in words}


def _words(text: str) -> str:
    return ", ".join(label(each).lower() for each in text.split(","))


def _key(service: GlanceRow) -> str:
    return f"{service['kind']}:{service['serviceId']}"


def _name(service: GlanceRow) -> str:
    return f"{service['name']} ({_project(service)})"


def _project(service: GlanceRow) -> str:
    return service["environment"]["project"]["name"]
