"""The filters of the list, as its address holds them: what each is called, what can be chosen, and what is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
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
MOST_CHOICES = 200  # of one field; what is not among them is named
_SERVICE = "service"  # in the form: type and id of one, which the address holds apart
# What can be named where not all can be chosen: the field of the form, and what one is called.
_NAMED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        _SERVICE: ("serviceNamed", "service"),
        "projectId": ("projectNamed", "project"),
        "serverId": ("serverNamed", "server"),
    }
)
_MOST_TOLD, _MOST_TYPED = 5, 200
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


def with_named(
    filters: Mapping[str, str], query: Mapping[str, str], services: Sequence[GlanceRow]
) -> tuple[Mapping[str, str], str | None]:
    """The filters with what was named in the form in the place of being chosen, and what is not right about a name."""
    found = dict(filters)
    for name, known in _known(services).items():
        field, noun = _NAMED[name]
        text = " ".join(query.get(field, "").split())[:_MOST_TYPED]
        if not text:
            continue
        if not services:
            return filters, f"Which {noun}s there are is not known now."
        meant = _meant(text, known)
        if len(meant) != 1:
            return filters, _not_one(text, noun, [known[each] for each in meant])
        if name == _SERVICE:
            found["type"], _, found["id"] = meant[0].partition(":")
        else:
            found[name] = meant[0]
    return {name: found[name] for name in LABELS if name in found}, None


def _known(services: Sequence[GlanceRow]) -> Mapping[str, Mapping[str, str]]:
    """What can be chosen of each field that follows from the services, by its value."""
    servers = {each["serverId"]: each["serverName"] or each["serverId"] for each in services if each["serverId"]}
    projects = {each["environment"]["project"]["projectId"]: _project(each) for each in services}
    return {_SERVICE: {_key(each): _name(each) for each in services}, "projectId": projects, "serverId": servers}


def _meant(text: str, known: Mapping[str, str]) -> Sequence[str]:
    """Those that are called so; where none is, those whose names begin so, or have it in them."""
    wanted = text.casefold()
    names = {value: label.casefold() for value, label in known.items()}
    exact = [value for value, label in names.items() if wanted in {label, label.rpartition(" (")[0]}]
    by_id = [value for value in known if text in {value, value.partition(":")[2]}]
    begun = [value for value, label in names.items() if label.startswith(wanted)]
    return exact or by_id or begun or [value for value, label in names.items() if wanted in label]


def _not_one(text: str, noun: str, labels: Sequence[str]) -> str:
    shown = cut(text, 80)
    if not labels:
        return f"No {noun} is called “{shown}”."
    told = ", ".join(cut(each, 80) for each in sorted(labels)[:_MOST_TOLD])
    return f"“{shown}” fits {len(labels)} {noun}s: {told}{', …' if len(labels) > _MOST_TOLD else ''}."


def form_values(
    filters: Mapping[str, str], services: Sequence[GlanceRow], typed: Mapping[str, str]
) -> Mapping[str, object]:
    """What the form shows: each filter's value, and what can be chosen for it; ``unlisted``: how many more there are,
    which are named in a field behind. ``typed`` is what was, where it was not taken.
    """
    known = _known(services)
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
            _SERVICE: _options(known[_SERVICE], of_service or None),
            "projectId": _options(known["projectId"], filters.get("projectId")),
            "serverId": _options(known["serverId"], filters.get("serverId")),
        },
        "unlisted": [
            {"name": field, "noun": noun, "number": len(known[name]) - MOST_CHOICES, "typed": typed.get(field)}
            for name, (field, noun) in _NAMED.items()
            if len(known[name]) > MOST_CHOICES
        ],
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
    if chosen is not None and chosen in named and len(named) > MOST_CHOICES:
        named = {chosen: named[chosen], **named}  # first, so that it is among them
    named = dict(islice(named.items(), MOST_CHOICES))
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
