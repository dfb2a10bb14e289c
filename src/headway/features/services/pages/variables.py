"""The page of a service's variables: their names, the values that are no secret, and the ways to change them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headway.features.services.pages.service_actions import ONE, router_of
from headway.features.services.pages.service_changes import waiting_of
from headway.features.services.pages.service_fields import Setting, clears_of, kinds_of, shown_of
from headway.features.services.pages.service_topics import (
    APPLICATION_DETAILS,
    VARIABLES,
    action,
    back_to,
    framed,
    id_of,
    kept_of,
    path_of,
    routers,
    service_of,
)
from headway.kernel.errors import InvalidInput
from headway.kernel.variable_text import merged
from headway.kernel.variables import Marks, parse_variables
from headway.kernel.veil import MARK, veiled_variables
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit
from headway.pages.shown_variables import is_hidden, shown_text
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/variables"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ADDED: Mapping[str, Setting] = {
    "name": Setting(label="Name", hint="Letters, digits and _, such as DATABASE_URL."),
    "value": Setting(label="Value", kind=Kind.BLOCK),
}
_ALL: Mapping[str, Setting] = {"env": Setting(label="Variables", kind=Kind.BLOCK, clears=True)}
_BUILDS: Mapping[str, Setting] = {
    "buildArgs": Setting(label="Of builds", kind=Kind.BLOCK, hint="NAME=VALUE, one a line.", clears=True),
    "buildSecrets": Setting(label="Secrets of builds", kind=Kind.BLOCK, hint="Never in an image.", clears=True),
}
LATER: Mapping[str, str] = {
    "application": "What runs goes on with the variables that it has, until it is restarted with the settings of now, "
    "or deployed. What a build has read of them changes by a deploy only.",
    "compose": "What runs goes on with the variables that it has, until it is deployed.",
}
_LATER_OF_DATABASES = "The server goes on with the variables that it has, until it is deployed; its data stays."


def later(router: str) -> str:
    """When a change takes effect."""
    return LATER.get(router, _LATER_OF_DATABASES)


async def show(visit: Visit) -> View:
    """The variables, each with its value where that is no secret."""
    service = await service_of(visit)
    row = await kept_of(visit, service)
    rows, trouble = _read(row, service)
    router, path = router_of(service), path_of(service, VARIABLES)
    saves = f"{router}.saveEnvironment"
    of_builds = [] if router != "application" else list(_of_builds(row))
    return framed(
        visit,
        service,
        VARIABLES,
        "variables.html",
        {
            "rows": rows,
            "trouble": trouble,
            "of_builds": of_builds,
            "may_change": visit.may(saves),
            "later": later(router),
            "waiting": await waiting_of(visit, service),
            "actions": [
                *action(visit, saves, "Add a variable", f"{path}/add-{router}", main=not rows),
                *action(visit, saves, "Change all as text", f"{path}/text-{router}"),
            ],
            "build_actions": action(visit, "application.update", "Change those of builds", f"{path}/builds-application")
            if router == "application"
            else (),
            "project_id": service["environment"]["project"]["projectId"],
        },
    )


def _read(row: Mapping[str, Any], service: ServiceOverviewRow) -> tuple[Sequence[Mapping[str, object]], str]:
    """The rows, and why there are none where they cannot be read."""
    try:
        variables = parse_variables(row["env"])
    except InvalidInput as unreadable:
        return (), unreadable.message
    marks = marks_of(row)
    path = f"/services/{service['serviceId']}/variable"
    return [
        {"name": name, "value": None if is_hidden(marks, name, value) else value, "href": f"{path}/{name}"}
        for name, value in sorted(variables.items())
    ], ""


def marks_of(row: Mapping[str, Any]) -> Marks:
    """Which of its variables the user calls open, and which secret."""
    return Marks(open=frozenset(row.get("openVariables") or ()), secret=frozenset(row.get("secretVariables") or ()))


def _of_builds(row: Mapping[str, Any]) -> Sequence[str]:
    """The names of what only builds are given."""
    try:
        return sorted({**parse_variables(row["buildArgs"] or ""), **parse_variables(row["buildSecrets"] or "")})
    except InvalidInput:
        return ()


def text_of(row: Mapping[str, Any]) -> str:
    """All of them as text, with a mark for each that is secret: sent back, it stands for the value that is kept."""
    return shown_text(str(row["env"]), marks_of(row))


def value_in(typed: Mapping[str, str]) -> str:
    """The value that was typed; the end of its last line is the form's."""
    return typed.get("value", "").replace("\r\n", "\n").removesuffix("\n")


def _adds(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
        return Question(
            title=f"Add a variable to “{cut(service['name'], 120)}”",
            consequences=(later(router), "Its value is kept encrypted."),
            button="Add it",
            fields=shown_of(_ADDED),
        )

    async def read(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
        name = typed.get("name", "").strip()
        if not _NAME.fullmatch(name):
            raise InvalidInput("The name of a variable has letters, digits and _ only, and no digit first.")
        row = await kept_of(visit, await service_of(visit))
        text = veiled_variables(str(row["env"]))
        if name in parse_variables(text):
            raise InvalidInput(f"There is a variable {cut(name, 80)} already: change that one.")
        return {"env": merged(text, {name: value_in(typed)}), "envWas": row["env"]}

    return Form(
        operation=lambda _visit: f"{router}.saveEnvironment",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text=f"Added. {later(router)}"),
        then=lambda visit, _answer: back_to(visit, VARIABLES),
        fields=kinds_of(_ADDED),
        takes=read,
    )


def _writes(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        service = await service_of(visit)
        return Question(
            title=f"The variables of “{cut(service['name'], 120)}”",
            consequences=(
                "Write NAME=VALUE, one a line; quote a value that has several lines. What you take out is removed.",
                f"{MARK} stands for a value that is kept: leave it, and the value stays as it is.",
                later(router),
            ),
            button="Save",
            values={"env": text_of(await kept_of(visit, service))},
            fields=shown_of(_ALL),
        )

    return Form(
        operation=lambda _visit: f"{router}.saveEnvironment",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text=f"Saved. {later(router)}"),
        then=lambda visit, _answer: back_to(visit, VARIABLES),
        fields=kinds_of(_ALL),
        clears=clears_of(_ALL),
        whole=True,
    )


def _of_build() -> Form:
    async def ask(visit: Visit) -> Question:
        # Nothing else is built with any: of what is no application there is no such page.
        application = await visit.ask(APPLICATION_DETAILS, applicationId=visit.path["serviceId"])
        row: Mapping[str, object] = application
        return Question(
            title="Variables of builds",
            consequences=(
                "What builds are given beside the variables above, from the next deploy on. What runs does not see it.",
                f"{MARK} stands for a value that is kept: leave it, and the value stays as it is.",
            ),
            button="Save",
            values={name: veiled_variables(str(row[name] or "")) for name in _BUILDS},
            fields=shown_of(_BUILDS),
        )

    return Form(
        operation=lambda _visit: "application.update",
        given=lambda visit: id_of("application", visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text="Saved: the next deploy builds with them."),
        then=lambda visit, _answer: back_to(visit, VARIABLES),
        fields=kinds_of(_BUILDS),
        clears=clears_of(_BUILDS),
        whole=True,
    )


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        **{f"add-{router}": _adds(router) for router in routers()},
        **{f"text-{router}": _writes(router) for router in routers()},
        "builds-application": _of_build(),
    },
)
