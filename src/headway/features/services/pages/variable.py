"""The page of one variable of a service, and the ways to give it another value and to remove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from headway.features.services.pages.service_actions import ONE, address, router_of
from headway.features.services.pages.service_topics import (
    VARIABLES,
    action,
    back_to,
    framed,
    id_of,
    kept_of,
    routers,
    service_of,
)
from headway.features.services.pages.variables import later, marks_of, value_in
from headway.kernel.errors import InvalidInput, NotFound
from headway.kernel.variable_text import merged, without
from headway.kernel.variables import parse_variables
from headway.kernel.veil import veiled_variables
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit
from headway.pages.shown_variables import is_hidden
from headway.pages.words import cut

PATH = "/services/{serviceId}/variable/{name}"
Asks = Callable[[Visit], Awaitable[Question]]
Reads = Callable[[Visit, Mapping[str, str]], Awaitable[Mapping[str, object]]]


async def show(visit: Visit) -> View:
    """What it is, where that is no secret."""
    service = await service_of(visit)
    value = await _value(visit)
    router, path = router_of(service), f"{address(service)}/variable/{visit.path['name']}"
    saves = f"{router}.saveEnvironment"
    return framed(
        visit,
        service,
        VARIABLES,
        "variable.html",
        {
            "name": visit.path["name"],
            "value": value,
            "later": later(router),
            "actions": [
                *action(visit, saves, "Change", f"{path}/change-{router}", icon="edit", main=True),
                *action(visit, saves, "Remove", f"{path}/remove-{router}", icon="remove", danger=True),
            ],
        },
    )


async def _value(visit: Visit) -> str | None:
    """Its value, None of a secret. Raises NotFound."""
    row = await kept_of(visit, await service_of(visit))
    try:
        value = parse_variables(row["env"]).get(visit.path["name"])
    except InvalidInput:
        value = None
    if value is None:
        raise NotFound("It has no variable of this name.")
    return None if is_hidden(marks_of(row), visit.path["name"], value) else value


def _changes(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        value, name = await _value(visit), cut(visit.path["name"], 120)
        stays = "Left empty, it stays as it is." if value is None else "Left empty, it becomes empty."
        return Question(
            title=f"Change {name}",
            consequences=(stays, later(router)),
            button="Save",
            values={"value": value or ""},
        )

    async def read(visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
        shown = await _value(visit)
        row = await kept_of(visit, await service_of(visit))
        text, value = veiled_variables(str(row["env"])), value_in(typed)
        stays = not value and shown is None  # a secret that nobody typed anew
        return {"env": text if stays else merged(text, {visit.path["name"]: value}), "envWas": row["env"]}

    return _form(router, ask, read, "Saved.", fields={"value": Kind.BLOCK})


def _removes(router: str) -> Form:
    async def ask(visit: Visit) -> Question:
        await _value(visit)
        return Question(
            title=f"Remove {cut(visit.path['name'], 120)}?",
            consequences=("Its value is forgotten.", later(router)),
            button="Remove it",
            danger=True,
        )

    async def read(visit: Visit, _typed: Mapping[str, str]) -> Mapping[str, object]:
        row = await kept_of(visit, await service_of(visit))
        return {"env": without(veiled_variables(str(row["env"])), [visit.path["name"]]), "envWas": row["env"]}

    return _form(router, ask, read, "Removed.")


def _form(router: str, ask: Asks, read: Reads, done: str, fields: Mapping[str, Kind] | None = None) -> Form:
    return Form(
        operation=lambda _visit: f"{router}.saveEnvironment",
        given=lambda visit: id_of(router, visit),
        asks=ask,
        did=lambda _visit, _answer: Flash(text=f"{done} {later(router)}"),
        then=lambda visit, _answer: back_to(visit, VARIABLES),
        fields=fields or {},
        takes=read,
    )


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        **{f"change-{router}": _changes(router) for router in routers()},
        **{f"remove-{router}": _removes(router) for router in routers()},
    },
)
