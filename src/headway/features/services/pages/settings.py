"""The page of what is set of a service, by topics, each with the way to change it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.services.pages import attachment_forms
from headway.features.services.pages.attachment import rows_of
from headway.features.services.pages.attachment_forms import WITHOUT_PASSWORD
from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, address, router_of
from headway.features.services.pages.service_changes import waiting_of
from headway.features.services.pages.service_fields import Options, clears_of, kinds_of, shown_of
from headway.features.services.pages.service_topics import (
    SETTINGS,
    action,
    back_to,
    details_of,
    framed,
    id_of,
    path_of,
    service_of,
)
from headway.features.services.pages.settings_topics import TOPICS, Topic
from headway.features.services.pages.settings_values import shown_values, typed_of
from headway.kernel.veil import MARK
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.containers.api.rows import RegistryRow
    from headway.features.projects.api.rows import SshKeyRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/settings"
KEYS: Asked[list[SshKeyRow]] = Asked("sshKey.all")
REGISTRIES: Asked[list[RegistryRow]] = Asked("registry.all")
_HOOKED, _RENEW = (APPLICATION, COMPOSE), "refreshToken"


async def show(visit: Visit) -> View:
    """What is set of it, topic by topic."""
    service = await service_of(visit)
    row, router, here = await details_of(visit, service), router_of(service), path_of(service, SETTINGS)
    names = {value: label for options in (await _options(visit, router)).values() for value, label in options}
    return framed(
        visit,
        service,
        SETTINGS,
        "settings.html",
        {
            "topics": [
                {
                    "name": name,
                    "title": topic.title,
                    "rows": shown_values(topic, row, names),
                    "unset": topic.unset,
                    "takes": topic.takes,
                    "actions": _change(visit, service, name, topic),
                }
                for name, topic in TOPICS[router].items()
                if not topic.sources or row.get("sourceType") in topic.sources
            ],
            **rows_of(row, address(service)),
            **_additions(visit, service),
            "hook": _hook_of(row, router),
            "hook_actions": action(visit, f"{router}.{_RENEW}", "Make another address", f"{here}/renew-{router}")
            if router in _HOOKED
            else (),
            "waiting": await waiting_of(visit, service),
            "others": _other_sources(visit, service, row),
            "detected": f"{address(service)}/detected"
            if router == APPLICATION and visit.may("application.detect")
            else None,
        },
    )


def _hook_of(row: Mapping[str, object], router: str) -> str | None:
    """The path that a forge tells of pushes; None to who may not deploy, for whoever has it can."""
    token = row.get("refreshToken")
    if not token:
        return None
    return f"/api/deploy/{token}" if router == APPLICATION else f"/api/deploy/compose/{token}"


def _additions(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    """The ways to what is no field: mounts and ports of applications, and passwords of databases."""
    router, path = router_of(service), path_of(service, SETTINGS)
    if router == APPLICATION:
        return {
            "is_application": True,
            "mount_actions": action(visit, "mounts.create", "Add a mount", f"{path}/add-mount"),
            "port_actions": action(visit, "port.create", "Publish a port", f"{path}/add-port"),
            "password_actions": (),
        }
    has_password = service["kind"] == "database" and router not in WITHOUT_PASSWORD
    change = f"{path}/password-{router}"
    return {
        "is_application": False,
        "mount_actions": (),
        "port_actions": (),
        "password_actions": action(visit, f"{router}.changePassword", "Change its password", change)
        if has_password
        else (),
    }


def _change(visit: Visit, service: ServiceOverviewRow, name: str, topic: Topic) -> Sequence[Mapping[str, object]]:
    router = router_of(service)
    return action(visit, f"{router}.{topic.operation}", "Change", f"{path_of(service, SETTINGS)}/{name}-{router}")


def _other_sources(
    visit: Visit, service: ServiceOverviewRow, row: Mapping[str, object]
) -> Sequence[Mapping[str, object]]:
    """The ways to another source than the one that it has: those that need nobody else."""
    router = router_of(service)
    labels = {
        "source-git": "Use a git repository",
        "source-image": "Use an image",
        "source-file": "Use a file that is saved here",
    }
    return [
        {**each, "label": labels[name]}
        for name, topic in TOPICS[router].items()
        if name in labels and row.get("sourceType") not in topic.sources
        for each in _change(visit, service, name, topic)
    ]


async def _options(visit: Visit, router: str) -> Mapping[str, Options]:
    """What the choices may be that only the panel knows, for whoever may see them."""
    if router not in {APPLICATION, "compose"}:
        return {}
    keys = await visit.ask(KEYS) if visit.may(KEYS.name) else []
    registries = await visit.ask(REGISTRIES) if visit.may(REGISTRIES.name) else []
    return {
        "customGitSSHKeyId": tuple((each["sshKeyId"], cut(each["name"], 80)) for each in keys),
        "registryId": tuple((each["registryId"], cut(each["registryName"], 80)) for each in registries),
    }


def _form(router: str, topic: Topic) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        row = await details_of(visit, service)
        values = typed_of(topic, row)
        marked = (f"{MARK} stands for what is kept: leave it, and that stays.",)
        return Question(
            title=f"{topic.title} of “{cut(service['name'], 120)}”",
            consequences=(
                topic.takes,
                "What is left empty is as by default again, or as it is detected.",
                *(marked if any(MARK in each for each in values.values()) else ()),
            ),
            button="Save",
            values=values,
            fields=shown_of(topic.fields, await _options(visit, router)),
        )

    return Form(
        operation=lambda _visit: f"{router}.{topic.operation}",
        given=lambda visit: {**topic.fixed, **id_of(router, visit)},
        asks=ask,
        did=lambda _visit, _answer: Flash(text=f"Saved. {topic.takes}"),
        then=lambda visit, _answer: back_to(visit, SETTINGS),
        fields=kinds_of(topic.fields),
        clears=clears_of(topic.fields),
        empties={"description": ""},
        away={name: {name: ""} for name, each in topic.fields.items() if each.kind is Kind.SECRET},
        whole=True,
    )


def _forms() -> Iterator[tuple[str, Form]]:
    for router, topics in TOPICS.items():
        for name, topic in topics.items():
            yield f"{name}-{router}", _form(router, topic)
    for router in _HOOKED:
        yield f"renew-{router}", _renews(router)


def _renews(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"Make another webhook address for “{cut(service['name'], 120)}”?",
            consequences=(
                "Who knows the present one cannot deploy with it any more, from now on.",
                "Its forge has to be given the new one: until then pushes there deploy nothing.",
                "A signing secret that is set stays.",
            ),
            button="Make another",
            danger=True,
        )

    return Form(
        operation=lambda _visit: f"{router}.{_RENEW}",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Made: give its forge the new address, which is below, under Pushes."),
        then=lambda visit, _answer: back_to(visit, SETTINGS),
    )


PAGE = Page(path=PATH, permission=ONE.name, show=show, forms={**dict(_forms()), **dict(attachment_forms.forms())})
