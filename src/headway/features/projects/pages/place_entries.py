"""Where a new service goes, as entries of its form: its name, its environment, its server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, values_of
from headway.pages.forms import Before, Choice, Flash, Form, Question
from headway.pages.page import Asked, Visit

if TYPE_CHECKING:
    from headway.features.containers.api.rows import RegistryRow
    from headway.features.projects.api.rows import ProjectToGrant, SshKeyName
    from headway.features.servers.api.rows import ListedServerRow

PROJECTS: Asked[list[ProjectToGrant]] = Asked("project.allForPermissions")
SERVERS: Asked[list[ListedServerRow]] = Asked("server.all")
REGISTRIES: Asked[list[RegistryRow]] = Asked("registry.all")
SSH_KEYS: Asked[list[SshKeyName]] = Asked("sshKey.allForApps")
DEFAULT_PROJECT = "default"  # as the command line calls it
PATH = "/new"
REGISTRY, SSH_KEY = "registryId", "customGitSSHKeyId"
_ENVIRONMENT, _SERVER, _NAME = "environmentId", "serverId", "name"
_PLACES = (
    Entry(name=_NAME, label="Name", hint="Left empty, it is called after what it is made of."),
    Entry(name=_ENVIRONMENT, label="Project and environment", look=Look.CHOICE),
    Entry(name=_SERVER, label="Server", look=Look.CHOICE),
)

Typed = Mapping[str, object]
Options = Mapping[str, Sequence[Choice] | str]


def creation(
    operation: str,
    entries: Sequence[Entry],
    *,
    title: str,
    consequences: Sequence[str],
    called: Callable[[Visit, Typed], str],
    given: Callable[[Visit], Mapping[str, object]] = lambda _visit: {},
    options: Callable[[Visit], Awaitable[Options]] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Form:
    """A form that makes a service by the operation, and leads to what a deploy of it would do. ``called`` is what one
    without a name is called, by what was typed; ``options`` is what there is to choose from for entries of its own, or
    why that could not be had: it is typed then. ``defaults`` is what is taken where nothing is typed.
    """
    id_name = f"{operation.partition('.')[0]}Id"
    own = (*entries, *_PLACES)
    usual: Typed = {} if defaults is None else defaults

    async def ask(visit: Visit) -> Question:
        places = await _filled_places(visit)
        chosen = next((each.value for each in places[1].options), "")
        wanted = visit.query.get("environment", "")
        if wanted in {each.value for each in places[1].options}:
            chosen = wanted
        return Question(
            title=title,
            consequences=tuple(consequences),
            button="Go on",
            values={**(defaults or {}), _ENVIRONMENT: chosen},
            more={"entries": (*await filled(visit, entries, {} if options is None else await options(visit)), *places)},
        )

    async def take(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
        found = {**usual, **values_of(own, typed)}
        return {**found, _NAME: found.get(_NAME) or called(visit, found)}

    return Form(
        operation=lambda _visit: operation,
        given=given,
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved, and not deployed yet: see below what a deploy would do."),
        then=lambda _visit, answer: f"{PATH}/services/{answer[id_name]}" if isinstance(answer, Mapping) else PATH,
        fields=fields_of(own),
        template=TEMPLATE,
        suggests=True,
        takes=take,
        before=_with_project,
    )


async def filled(visit: Visit, entries: Sequence[Entry], own: Options | None = None) -> Sequence[Entry]:
    """The entries with what there is to choose from; where that is nothing, an entry is left out."""
    found = [
        each
        if each.look is not Look.CHOICE
        else _chosen_from(each, (own or {}).get(each.name) or await _choices(visit, each.name))
        for each in entries
    ]
    return [each for each in found if each.look is not Look.CHOICE or each.options]


def _chosen_from(entry: Entry, options: Sequence[Choice] | str) -> Entry:
    if not isinstance(options, str):
        return replace(entry, options=options)
    empty = f"Left empty: {entry.none[:1].lower()}{entry.none[1:]}. " if entry.none else ""
    return replace(entry, look=Look.CODE, hint=f"{empty}What there is to choose from could not be had: {options}")


async def _choices(visit: Visit, name: str) -> Sequence[Choice]:
    match name:
        case "registryId":
            found = await visit.ask(REGISTRIES)
            return [Choice(value=each["registryId"], label=each["registryName"]) for each in found]
        case "customGitSSHKeyId":
            return [Choice(value=each["sshKeyId"], label=each["name"]) for each in await visit.ask(SSH_KEYS)]
        case _:
            return ()


async def _filled_places(visit: Visit) -> Sequence[Entry]:
    environments = [
        Choice(value=environment["environmentId"], label=f"{project['name']} / {environment['name']}")
        for project in await visit.ask(PROJECTS)
        for environment in project["environments"]
    ]
    servers = [
        Choice(value=each["serverId"], label=each["name"])
        for each in await visit.ask(SERVERS)
        if each["serverType"] == "deploy"
    ]
    name, environment, server = _PLACES
    none = None if environments else f"A new project, called “{DEFAULT_PROJECT}”"
    places = [name, replace(environment, options=environments, none=none)]
    return [*places, replace(server, options=servers, none="The panel's own machine")] if servers else places


def _with_project(_visit: Visit, given: Typed) -> Before | None:
    """The project that is made first where there was none to choose."""
    if given.get(_ENVIRONMENT):
        return None

    def joined(answer: object) -> Mapping[str, object]:
        made = answer["environment"] if isinstance(answer, Mapping) else {}
        return {**given, _ENVIRONMENT: made[_ENVIRONMENT]}

    return Before(
        operation="project.create",
        given={_NAME: DEFAULT_PROJECT},
        joined=joined,
        outlook={**given, _ENVIRONMENT: "-"},
    )
