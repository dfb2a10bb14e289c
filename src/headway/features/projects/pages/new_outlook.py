"""The page between a service that is kept and its first deployment: what a deploy would do, shown and to be changed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from headway.api.secret_values import veiled
from headway.features.projects.pages.new_service import DATABASES, GIT_ENTRIES
from headway.features.projects.pages.place_entries import filled
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Code, HeadwayError
from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, takes, values_of
from headway.pages.forms import Before, Flash, Form, Question, Started
from headway.pages.page import Asked, Page, UnderWay, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow
    from headway.features.services.application.api.detection_rows import DetectedRow
    from headway.features.services.application.api.rows import ApplicationDetails

PATH = "/new/services/{serviceId}"
SERVICE: Asked[ServiceOverviewRow] = Asked("service.one")
APPLICATION: Asked[ApplicationDetails] = Asked("application.one")
DETECTED: Asked[DetectedRow] = Asked("application.detect")
UPDATE, DEPLOY, SAVE_GIT = "application.update", "application.deploy", "application.saveGitProvider"
DROP = "application.dropDeployment"
_FOLDER = "features/projects/pages"
_SECONDS = 90.0  # a first clone of a repository takes long
_DATABASES = tuple(DATABASES)
# What an application says beside what is looked at, or that changes while that stays.
_BESIDE = frozenset({"applicationStatus", "buildServer", "deployments", "domains", "previewDeployments", "server"})

BUILD = Entry(name="buildCommand", label="Build command", look=Look.CODE, clears=True)
START = Entry(name="startCommand", label="Start command", look=Look.CODE, clears=True)
PUBLISH = Entry(
    name="publishDirectory",
    label="Publish directory",
    look=Look.CODE,
    hint="Of a site without a program: the folder whose files are served.",
    clears=True,
)
PORT = Entry(name="port", label="Port", look=Look.WHOLE, clears=True)
HEALTH = Entry(
    name="healthCheckPath",
    label="Health path",
    look=Look.CODE,
    hint="Which has to answer before a release serves, such as /healthz; left empty, any answer is right.",
    clears=True,
)
_ENTRIES = (BUILD, START, PUBLISH, PORT, HEALTH)
_OF_IMAGES = (PORT, HEALTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a deploy would do, as far as it could be found out; ``why`` it cannot be deployed where that was found out,
    ``unknown`` why nothing is known, ``since`` when it is being looked at.
    """

    found: DetectedRow | None = None
    why: str = ""
    unknown: str = ""
    since: datetime | None = None


async def show(visit: Visit) -> View:
    """The service, and what a deploy of it would do."""
    service = await visit.ask(SERVICE, serviceId=visit.path["serviceId"])
    values: Mapping[str, object] = {
        "service": service,
        "router": service["database"] or service["kind"],
        "once": secrets.token_hex(16),
        "begins": visit.may("project.allForPermissions"),
        "may_deploy": visit.may(DEPLOY),
        "title_kind": DATABASES.get(service["database"] or "", service["kind"]),
    }
    if service["kind"] != "application":
        own: Mapping[str, object] = {"address": _here(visit), "may_change": visit.may(UPDATE)}
        return View(template=f"{_FOLDER}/new_other.html", values={**values, **own}, title=service["name"])
    own = await _found(visit, anew=True)
    return View(template=f"{_FOLDER}/new_application.html", values={**values, **own}, title=service["name"])


async def looked(visit: Visit) -> View:
    """Whether it is known what a deploy of it would do."""
    return await _part(visit, "new_looked.html")


async def fields(visit: Visit) -> View:
    """What can be set, with what was detected beside it."""
    return await _part(visit, "new_fields.html")


async def source(visit: Visit) -> View:
    """What it is made of, and what it was taken for."""
    return await _part(visit, "new_source.html")


async def _part(visit: Visit, template: str) -> View:
    service = await visit.ask(SERVICE, serviceId=visit.path["serviceId"])
    values = {"service": service, **await _found(visit, anew=False)}
    return View(template=f"{_FOLDER}/{template}", values=values, title=service["name"])


async def _found(visit: Visit, *, anew: bool) -> Mapping[str, object]:
    """The application, and what a deploy of it would do as far as that is known by now; ``anew``: it is looked at once
    more where somebody was told what was seen.
    """
    application = await _row(visit)
    outlook = await _outlook(visit, application, anew=anew)
    return {
        "address": _here(visit),
        "may_change": visit.may(UPDATE),
        "application": application,
        "wants_upload": application["sourceType"] == "drop" and not application.get("archive"),
        "repository": _repository_of(application),
        "source": _source_of(visit, application),
        "outlook": outlook,
        "entries": _entries(application, outlook.found),
        "filled": _filled(application),
    }


def _repository_of(application: Mapping[str, object]) -> str:
    """The repository of a git provider that it is made of, by its owner and name; "" where it is made of none."""
    forge = application["sourceType"]
    owner, name = ("owner", "repository") if forge == "github" else (f"{forge}Owner", f"{forge}Repository")
    return "/".join(str(application[each]) for each in (owner, name) if application.get(each))


def _source_of(visit: Visit, application: ApplicationDetails) -> str | None:
    """Where what it is made of is changed; None of an archive, which is sent again."""
    kind = application["sourceType"]
    if kind == "drop" or not visit.may(UPDATE):
        return None
    if kind == "git":
        return f"{_here(visit)}/source"
    name = "image" if kind == "docker" else kind
    return f"/services/{application['applicationId']}/settings/source-{name}-application"


async def _outlook(visit: Visit, application: ApplicationDetails, *, anew: bool) -> Outlook:
    if application["sourceType"] == "docker" or not visit.may(DETECTED.name):
        return Outlook()
    if application["sourceType"] == "drop" and not application.get("archive"):
        return Outlook()
    try:
        of_it, state = application["applicationId"], _state_of(application)
        found = await visit.ask_meanwhile(_SECONDS, DETECTED, state, anew=anew, applicationId=of_it)
    except HeadwayError as error:
        if error.code is Code.INTERNAL:
            raise
        return Outlook(why=error.message)
    if isinstance(found, UnderWay):
        return Outlook(since=found.since)
    if isinstance(found, Unknown):
        return Outlook(unknown=found.why)
    return Outlook(found=cast("DetectedRow", veiled(found)), why=found["problem"] or "")


def _state_of(application: Mapping[str, object]) -> str:
    """What is set of it: of another one something else may be seen."""
    return repr({name: application[name] for name in sorted(application.keys() - _BESIDE)})


def _entries(application: Mapping[str, object], found: DetectedRow | None) -> Sequence[Entry]:
    """What can be changed, with what was detected beside it."""
    if application["sourceType"] == "docker":
        return _OF_IMAGES
    build = " && ".join(each["command"] for each in found["phases"] if each["name"] == "build") if found else ""
    start = next((each["command"] for each in found["processes"] if each["name"] == "web"), "") if found else ""
    folders = ", ".join(found["staticFolders"]) if found else ""
    port = str(found["port"]) if found and found["port"] else ""
    return (
        _with(BUILD, build, "Left empty: none, or what was detected."),
        _with(START, start, "Left empty, what was detected."),
        _with(PUBLISH, folders, PUBLISH.hint),
        _with(PORT, port, "Left empty, Headway chooses one and tells it in PORT."),
        HEALTH,
    )


def _with(entry: Entry, detected: str, otherwise: str) -> Entry:
    return replace(entry, hint=f"Left empty, as detected: {cut(detected, 200)}" if detected else otherwise)


def _filled(application: Mapping[str, object]) -> Mapping[str, str]:
    """What is set, as texts."""
    return {each.name: _text(application.get(each.name)) for each in _ENTRIES}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _here(visit: Visit) -> str:
    return f"/new/services/{visit.path['serviceId']}"


async def _row(visit: Visit) -> ApplicationDetails:
    """The application as those see it who may see no secrets: no page shows one."""
    row = await visit.ask(APPLICATION, applicationId=visit.path["serviceId"])
    return cast("ApplicationDetails", veiled(row))


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"applicationId": visit.path["serviceId"]}


async def _ask_deploy(visit: Visit) -> Question:
    application = await _row(visit)
    return Question(
        title=f"Deploy “{cut(application['name'], 120)}”?",
        consequences=("What stands below is saved, then what its settings name is fetched, built and started.",),
        button="Deploy",
        values=_filled(application),
        more={"entries": _entries(application, None) if visit.may(UPDATE) else ()},
    )


async def _ask_save(visit: Visit) -> Question:
    application = await _row(visit)
    return Question(
        title=f"Change how “{cut(application['name'], 120)}” is built and started",
        consequences=("It is saved, and looked at again. Nothing is deployed.",),
        button="Save and look again",
        values=_filled(application),
        more={"entries": _entries(application, None)},
    )


async def _ask_upload(visit: Visit) -> Question:
    application = await _row(visit)
    return Question(
        title=f"Send an archive to “{cut(application['name'], 120)}”",
        consequences=("It is kept as what the service is made of, looked at, built and started.",),
        button="Send and deploy",
    )


async def _ask_source(visit: Visit) -> Question:
    application = await _row(visit)
    return Question(
        title=f"The repository of “{cut(application['name'], 120)}”",
        consequences=("It is saved, and looked at. Nothing is deployed.",),
        button="Save and look",
        values={each.name: _text(application.get(each.name)) for each in GIT_ENTRIES},
        more={"entries": await filled(visit, [replace(each, further=False) for each in GIT_ENTRIES])},
    )


def _update_first(visit: Visit, given: Mapping[str, object]) -> Before | None:
    """What was typed is saved before it is deployed; who may not change it has typed nothing."""
    own = _by_id(visit)
    if given.keys() == own.keys():
        return None
    return Before(operation=UPDATE, given=given, joined=lambda _answer: own, outlook=own)


async def _take(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """What was typed of what an application of its kind has; what was not sent stays."""
    del visit
    return values_of([each for each in _ENTRIES if each.name in typed], typed)


def _to_deployment(visit: Visit, answer: object) -> str:
    return f"/deployments/{answer.deployment_id}" if isinstance(answer, Started) else _here(visit)


def _did_deploy(_visit: Visit, answer: object) -> Flash:
    again = isinstance(answer, Started) and answer.again
    return Flash(text="It was queued already." if again else "Queued: it begins as soon as it may.")


def _removal(router: str) -> Form:
    """Removes what was begun and never deployed."""
    operation = f"{router}.remove" if router in _DATABASES else f"{router}.delete"

    async def ask(visit: Visit) -> Question:
        service: ServiceOverviewRow = await visit.ask(SERVICE, serviceId=visit.path["serviceId"])
        was = service["serving"] is not None
        return Question(
            title=f"Remove “{cut(service['name'], 120)}”?",
            consequences=(
                "It is stopped, and all of it goes: its settings, its releases and its deployments."
                if was
                else "It has never served: its settings go, and the deployments that it may have had.",
            ),
            button="Remove it",
            danger=True,
            typed=service["name"] if was else None,
        )

    return Form(
        operation=lambda _visit: operation,
        given=lambda visit: {f"{router}Id": visit.path["serviceId"]},
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Removed."),
        then=lambda _visit, _answer: "/new",
    )


PAGE = Page(
    path=PATH,
    permission=SERVICE.name,
    show=show,
    parts={"looked": looked, "fields": fields, "source": source},
    forms={
        "deploy": Form(
            operation=lambda _visit: DEPLOY,
            given=_by_id,
            asks=_ask_deploy,
            did=_did_deploy,
            then=_to_deployment,
            fields=fields_of(_ENTRIES),
            template=TEMPLATE,
            takes=_take,
            before=_update_first,
        ),
        "save": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_save,
            did=lambda _visit, _answer: Flash(text="Saved, and looked at again."),
            then=lambda visit, _answer: _here(visit),
            fields=fields_of(_ENTRIES),
            template=TEMPLATE,
            takes=_take,
        ),
        "upload": Form(
            operation=lambda _visit: DROP,
            given=_by_id,
            asks=_ask_upload,
            did=_did_deploy,
            then=_to_deployment,
            template="web/templates/upload.html",
            uploads=True,
        ),
        "source": Form(
            operation=lambda _visit: SAVE_GIT,
            given=_by_id,
            asks=_ask_source,
            did=lambda _visit, _answer: Flash(text="Saved, and looked at."),
            then=lambda visit, _answer: _here(visit),
            fields=fields_of(GIT_ENTRIES),
            template=TEMPLATE,
            takes=takes([replace(each, clears=each.name != "customGitUrl") for each in GIT_ENTRIES]),
        ),
        **{f"remove-{router}": _removal(router) for router in ("application", "compose", *_DATABASES)},
    },
)
