"""The pages of registries: where images are fetched from with a name and a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.users import things_of, told_of
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.containers.api.rows import RegistryRow
    from headway.features.services.api.uses import UsersRow

PATH = "/registries"
ALL: Asked[list[RegistryRow]] = Asked("registry.all")
REGISTRY: Asked[RegistryRow] = Asked("registry.one")
USED_BY: Asked[UsersRow] = Asked("registry.usedBy")
CREATE, UPDATE, REMOVE, TEST = "registry.create", "registry.update", "registry.remove", "registry.testRegistryById"
_PASSWORD = Entry(name="password", label="Password or token", look=Look.SECRET, needed=True)
_MADE = (
    Entry(name="registryName", label="Name", needed=True),
    Entry(
        name="registryUrl",
        label="Address",
        look=Look.CODE,
        hint="Such as ghcr.io or registry.example:5000; docker.io for Docker Hub.",
        needed=True,
    ),
    Entry(name="username", label="User", look=Look.CODE, needed=True),
    _PASSWORD,
    Entry(
        name="imagePrefix",
        label="Prefix of images",
        look=Look.CODE,
        hint="Such as team, before their names.",
        further=True,
    ),
)
_CHANGED = tuple(
    replace(each, needed=False, hint="There is one, which is not shown. Left empty, it stays.")
    if each is _PASSWORD
    else each
    for each in _MADE
)


async def show_all(visit: Visit) -> View:
    """Every registry."""
    found = await visit.ask(ALL)
    create = {"label": "Add a registry", "href": f"{PATH}/create", "icon": "new", "main": True}
    return View(
        template="features/registries/pages/registry_list.html",
        values={"registries": found, "actions": (create,) if visit.may(CREATE) else ()},
        title="Registries",
    )


async def show_one(visit: Visit) -> View:
    """One registry, without its password."""
    row = await _registry(visit)
    here = f"{PATH}/{row['registryId']}"
    actions: list[Mapping[str, object]] = []
    if visit.may(TEST):
        actions.append({"label": "Test", "href": f"{here}/test", "icon": "test"})
    if visit.may(UPDATE):
        actions.append({"label": "Change", "href": f"{here}/change", "icon": "edit"})
    if visit.may(REMOVE):
        actions.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    values = {"row": row, "actions": actions}
    return View(template="features/registries/pages/registry.html", values=values, title=row["registryName"])


async def _registry(visit: Visit) -> RegistryRow:
    row: RegistryRow = await visit.ask(REGISTRY, registryId=visit.path["registryId"])
    return row


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"registryId": visit.path["registryId"]}


def _here(visit: Visit, _answer: object) -> str:
    return f"{PATH}/{visit.path['registryId']}"


async def _ask_create(_visit: Visit) -> Question:
    return Question(
        title="Add a registry",
        consequences=(
            "Services can have their images fetched from it with this name and password.",
            "The password is kept encrypted, and not shown again.",
        ),
        button="Add it",
        more={"entries": _MADE},
    )


async def _ask_change(visit: Visit) -> Question:
    row = await _registry(visit)
    values = {"registryName": row["registryName"], "registryUrl": row["registryUrl"], "username": row["username"]}
    return Question(
        title=f"Change “{cut(row['registryName'], 120)}”",
        consequences=(
            "Images are fetched with it from the next deployment on. At another address the password is needed.",
        ),
        button="Save",
        values={**values, "imagePrefix": row["imagePrefix"] or ""},
        more={"entries": _CHANGED},
    )


async def _ask_test(visit: Visit) -> Question:
    row = await _registry(visit)
    return Question(
        title=f"Ask “{cut(row['registryName'], 120)}” whether it knows the password?",
        consequences=(
            f"{cut(row['registryUrl'], 120)} is asked now, as {cut(row['username'], 120)}. Nothing changes.",
        ),
        button="Ask it",
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _registry(visit)
    users = await visit.ask(USED_BY, **_by_id(visit))
    fails = "Each goes on serving; its next deploy fails and says so, until it is given another registry."
    return Question(
        title=f"Remove “{cut(row['registryName'], 120)}”?",
        consequences=(
            told_of(users["total"]),
            *((fails,) if users["total"] else ()),
            "Nothing changes at the registry.",
        ),
        things=things_of(users["items"]),
        button="Remove it",
        danger=True,
        typed=row["registryName"].strip(),
    )


def _to_registry(_visit: Visit, answer: object) -> str:
    return f"{PATH}/{answer['registryId']}" if isinstance(answer, dict) else PATH


LIST = Page(
    path=PATH,
    permission=ALL.name,
    show=show_all,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask_create,
            did=lambda _visit, _answer: Flash(text="Added. Test whether it knows the password."),
            then=_to_registry,
            fields=fields_of(_MADE),
            template=TEMPLATE,
            takes=takes(_MADE),
        )
    },
)
ONE = Page(
    path=f"{PATH}/{{registryId}}",
    permission=REGISTRY.name,
    show=show_one,
    forms={
        "test": Form(
            operation=lambda _visit: TEST,
            given=_by_id,
            asks=_ask_test,
            did=lambda _visit, _answer: Flash(text="It answers, and knows the password."),
            then=_here,
        ),
        "change": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_change,
            did=lambda _visit, _answer: Flash(text="Saved."),
            then=_here,
            fields=fields_of(_CHANGED),
            empties={"imagePrefix": ""},
            template=TEMPLATE,
            takes=takes(_CHANGED),
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_by_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="Removed."),
            then=lambda _visit, _answer: PATH,
        ),
    },
)
