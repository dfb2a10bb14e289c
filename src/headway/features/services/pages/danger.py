"""The page of what is hard to undo: putting a service into another environment, and removing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, router_of
from headway.features.services.pages.service_fields import Options, Setting, kinds_of, shown_of
from headway.features.services.pages.service_topics import (
    DANGER,
    action,
    back_to,
    framed,
    id_of,
    path_of,
    routers,
    service_of,
)
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.projects.api.rows import ProjectContents

PATH = "/services/{serviceId}/danger"
PROJECTS: Asked[list[ProjectContents]] = Asked("project.all")
_MOVE: Mapping[str, Setting] = {
    "targetEnvironmentId": Setting(label="Environment", options=(), hint="Of which project, and which of its own.")
}
_VOLUMES: Mapping[str, Setting] = {
    "deleteVolumes": Setting(label="Remove its volumes too", kind=Kind.FLAG, hint="What is in them is lost for ever.")
}
_GOES: Mapping[str, tuple[str, ...]] = {
    APPLICATION: (
        "What runs of it ends, and it answers nobody any more.",
        "Its releases, files and data folder, its domains, previews, schedules and deployments with their logs go.",
        "Volumes of its containers stay, and so does what lies at storages: repositories, images and backups.",
    ),
    COMPOSE: (
        "What runs of it ends, and it answers nobody any more.",
        "Its containers, its releases, its domains, previews, schedules and deployments with their logs go.",
        "Its volumes stay unless you say so below; what lies at storages (repositories, images, backups) stays.",
    ),
}
_STAYS: Mapping[str, str] = {
    APPLICATION: "What stays: volumes of its containers, images that were fetched for it",
    COMPOSE: "What stays: its volumes, unless you had them removed, images that were fetched for it",
}
_STAYS_OF_DATABASES = "What stays: its volume, unless you had it removed"
_GOES_OF_DATABASES = (
    "Its server ends, and nobody can connect to it any more.",
    "Its settings, its passwords, its schedules of backups and its deployments with their logs go.",
    "Its data stays in its volume unless you say so below; backups that lie at storages stay.",
)


async def show(visit: Visit) -> View:
    """What can be done, with what goes and what stays."""
    service = await service_of(visit)
    router, path = router_of(service), path_of(service, DANGER)
    move = action(visit, f"{router}.move", "Move", f"{path}/move-{router}")
    remove = action(visit, removal_of(router), "Remove", f"{path}/remove-{router}", icon="remove", danger=True)
    values = {"move": move, "remove": remove, "goes": _goes(router)}
    return framed(visit, service, DANGER, "danger.html", values)


def removal_of(router: str) -> str:
    """The operation that removes a service of that kind."""
    return f"{router}.delete" if router in {APPLICATION, COMPOSE} else f"{router}.remove"


def _goes(router: str) -> Sequence[str]:
    return _GOES.get(router, _GOES_OF_DATABASES)


def _stays(router: str, answer: Any) -> str:  # noqa: ANN401 - the row of any kind of service
    hosts = list(dict.fromkeys(each["host"] for each in answer.get("domains") or ()))
    records = f", the records in the DNS of {cut(', '.join(hosts), 200)}" if hosts else ""
    return f"{_STAYS.get(router, _STAYS_OF_DATABASES)}{records}, and backups at storages."


def _removes(router: str) -> Form:
    fields = {} if router == APPLICATION else _VOLUMES

    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"Remove “{cut(service['name'], 120)}”?",
            consequences=(*_goes(router), "This cannot be taken back."),
            button="Remove it",
            danger=True,
            typed=service["name"].strip(),
            fields=shown_of(fields),
        )

    return Form(
        operation=lambda _visit: removal_of(router),
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, answer: Flash(text=f"Removed: nothing of it runs any more. {_stays(router, answer)}"),
        then=lambda _visit, _answer: "/services",
        fields=kinds_of(fields),
    )


def _moves(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"Move “{cut(service['name'], 120)}” to another environment",
            consequences=(
                "What runs goes on as it is. Its domains, its deployments and its data stay its own.",
                "Who may see it, and the variables of a project that its own name, are those of where it is then.",
            ),
            button="Move it",
            fields=shown_of(_MOVE, {"targetEnvironmentId": await _environments(visit)}),
        )

    return Form(
        operation=lambda _visit: f"{router}.move",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Moved: it is where you said."),
        then=lambda visit, _answer: back_to(visit, ""),
        fields=kinds_of(_MOVE),
    )


async def _environments(visit: Visit) -> Options:
    """Every environment that the caller may see, but for the one that it lies in."""
    service = await service_of(visit)
    here = service["environment"]["environmentId"]
    return tuple(
        (each["environmentId"], f"{cut(project['name'], 60)} / {cut(each['name'], 60)}")
        for project in await visit.ask(PROJECTS)
        for each in project["environments"]
        if each["environmentId"] != here
    )


def _forms() -> Iterator[tuple[str, Form]]:
    for router in routers():
        yield f"remove-{router}", _removes(router)
        yield f"move-{router}", _moves(router)


PAGE = Page(path=PATH, permission=ONE.name, show=show, forms=dict(_forms()))
