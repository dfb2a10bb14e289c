"""The pages of SSH keys, with which private repositories are fetched and servers entered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.pages.entries import TEMPLATE, Entry, Look, fields_of, takes
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.users import things_of, told_of
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.projects.api.rows import SshKeyRow
    from headway.features.services.api.uses import UsersRow

PATH = "/ssh-keys"
ALL: Asked[list[SshKeyRow]] = Asked("sshKey.all")
KEY: Asked[SshKeyRow] = Asked("sshKey.one")
USED_BY: Asked[UsersRow] = Asked("sshKey.usedBy")
CREATE, UPDATE, REMOVE = "sshKey.create", "sshKey.update", "sshKey.remove"
_NAME = Entry(name="name", label="Name", needed=True)
_DESCRIPTION = Entry(name="description", label="Description", empties=True)
_MADE = (
    _NAME,
    Entry(name="description", label="Description"),
    Entry(
        name="privateKey",
        label="Private key",
        look=Look.SECRET_AREA,
        hint="One that there is already. Left empty, a pair is made here, and its private part stays here.",
        further=True,
    ),
)


async def show_all(visit: Visit) -> View:
    """Every key."""
    found = await visit.ask(ALL)
    create = {"label": "New SSH key", "href": f"{PATH}/create", "icon": "new", "main": True}
    return View(
        template="features/git/pages/ssh_key_list.html",
        values={"keys": found, "actions": (create,) if visit.may(CREATE) else ()},
        title="SSH keys",
    )


async def show_one(visit: Visit) -> View:
    """One key, and its public part to be given away."""
    row = await _key(visit)
    here = f"{PATH}/{row['sshKeyId']}"
    actions: list[Mapping[str, object]] = []
    if visit.may(UPDATE):
        actions.append({"label": "Rename", "href": f"{here}/rename", "icon": "edit"})
    if visit.may(REMOVE):
        actions.append({"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True})
    return View(template="features/git/pages/ssh_key.html", values={"row": row, "actions": actions}, title=row["name"])


async def _key(visit: Visit) -> SshKeyRow:
    row: SshKeyRow = await visit.ask(KEY, sshKeyId=visit.path["sshKeyId"])
    return row


def _by_id(visit: Visit) -> Mapping[str, object]:
    return {"sshKeyId": visit.path["sshKeyId"]}


async def _ask_create(_visit: Visit) -> Question:
    return Question(
        title="New SSH key",
        consequences=("You are shown its public part, which goes to a repository's site or to a server.",),
        button="Make it",
        more={"entries": _MADE},
    )


async def _ask_rename(visit: Visit) -> Question:
    row = await _key(visit)
    return Question(
        title=f"Rename “{cut(row['name'], 120)}”",
        consequences=("The key itself stays as it is.",),
        button="Save",
        values={"name": row["name"], "description": row["description"] or ""},
        more={"entries": (_NAME, _DESCRIPTION)},
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _key(visit)
    users = await visit.ask(USED_BY, **_by_id(visit))
    kinds = {each["kind"] for each in users["items"]}
    servers = (
        "Servers that are entered with it are out of reach from now on, with all that runs there: it goes on unseen."
    )
    services = "Services go on serving; a deploy that needs it fails and says so. They name no key from then on."
    return Question(
        title=f"Remove “{cut(row['name'], 120)}”?",
        consequences=(
            told_of(users["total"]),
            *((servers,) if "server" in kinds else ()),
            *((services,) if kinds - {"server"} or users["total"] > len(users["items"]) else ()),
            "Its private part is forgotten, and cannot be had back.",
        ),
        things=things_of(users["items"]),
        button="Remove it",
        danger=True,
        typed=row["name"].strip(),
    )


def _to_key(_visit: Visit, answer: object) -> str:
    return f"{PATH}/{answer['sshKeyId']}" if isinstance(answer, dict) else PATH


LIST = Page(
    path=PATH,
    permission=ALL.name,
    show=show_all,
    forms={
        "create": Form(
            operation=lambda _visit: CREATE,
            given=lambda _visit: {},
            asks=_ask_create,
            did=lambda _visit, _answer: Flash(text="Added. Its public part goes to a repository's site or a server."),
            then=_to_key,
            fields=fields_of(_MADE),
            template=TEMPLATE,
            takes=takes(_MADE),
        )
    },
)
ONE = Page(
    path=f"{PATH}/{{sshKeyId}}",
    permission=KEY.name,
    show=show_one,
    forms={
        "rename": Form(
            operation=lambda _visit: UPDATE,
            given=_by_id,
            asks=_ask_rename,
            did=lambda _visit, _answer: Flash(text="Saved."),
            then=lambda visit, _answer: f"{PATH}/{visit.path['sshKeyId']}",
            fields=fields_of((_NAME, _DESCRIPTION)),
            template=TEMPLATE,
            takes=takes((_NAME, _DESCRIPTION)),
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
