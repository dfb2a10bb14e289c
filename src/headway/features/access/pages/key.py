"""The page of one API key: what it is good for, another name, off and on, and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.access.pages.key_list import KEYS, KEYS_PATH, SCOPES, key_values, people_of
from headway.features.access.pages.reach import names, projects_of
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.access.api.rows import ApiKeyRow

PATH = "/keys/{apiKeyId}"
UPDATE, DELETE = "user.updateApiKey", "user.deleteApiKey"


async def show(visit: Visit) -> View:
    """What a key is good for, and when it was used."""
    row = await _row(visit)
    known = names(await projects_of(visit, row["projects"])) if row["projects"] else {}
    return View(
        template="features/access/pages/key.html",
        values={
            **key_values(row, visit, await people_of(visit)),
            "scopes": [{"word": each, "text": SCOPES.get(each, "")} for each in row["scopes"]],
            "projects": [{"id": each, "name": known.get(each, each)} for each in row["projects"] or ()],
            "actions": _actions(visit, row),
        },
        title=row["name"],
    )


async def _row(visit: Visit) -> ApiKeyRow:
    """The key. Raises Missing."""
    for each in await visit.ask(KEYS):
        if each["id"] == visit.path["apiKeyId"]:
            return each
    raise Missing(Noun.API_KEY)


def _actions(visit: Visit, row: ApiKeyRow) -> Sequence[Mapping[str, object]]:
    if not visit.may(UPDATE):
        return ()
    here = f"{KEYS_PATH}/{row['id']}"
    turn = (
        {"label": "Switch off", "href": f"{here}/off", "icon": "power"}
        if row["enabled"]
        else {"label": "Switch on", "href": f"{here}/on", "icon": "power"}
    )
    return (
        {"label": "Rename", "href": f"{here}/rename", "icon": "edit"},
        turn,
        {"label": "Remove", "href": f"{here}/remove", "icon": "remove", "danger": True},
    )


def _form(
    operation: str,
    question: Mapping[str, object],
    done: str,
    given: Mapping[str, object] | None = None,
    fields: Mapping[str, Kind] | None = None,
) -> Form:
    async def ask(visit: Visit) -> Question:
        row = await _row(visit)
        return Question(
            title=str(question["title"]).format(name=cut(row["name"], 64)),
            consequences=(str(question["text"]),),
            button=str(question["button"]),
            danger=bool(question.get("danger")),
            values={"name": row["name"]},
        )

    return Form(
        operation=lambda _visit: operation,
        given=lambda visit: {"apiKeyId": visit.path["apiKeyId"], **(given or {})},
        asks=ask,
        did=lambda _visit, _answer: Flash(text=done),
        then=lambda visit, _answer: KEYS_PATH if operation == DELETE else f"{KEYS_PATH}/{visit.path['apiKeyId']}",
        fields=fields or {},
    )


PAGE = Page(
    path=PATH,
    permission=KEYS.name,
    show=show,
    forms={
        "rename": _form(
            UPDATE,
            {"title": "Rename the key “{name}”?", "text": "It goes on as it is.", "button": "Rename it"},
            "Renamed.",
            fields={"name": Kind.TEXT},
        ),
        "off": _form(
            UPDATE,
            {
                "title": "Switch the key “{name}” off?",
                "text": "Whatever uses it is refused from now on, and what it follows ends. It can be switched on "
                "again.",
                "button": "Switch it off",
                "danger": True,
            },
            "Off: whatever uses it is refused.",
            {"enabled": False},
        ),
        "on": _form(
            UPDATE,
            {
                "title": "Switch the key “{name}” on?",
                "text": "Whoever has it can use it again.",
                "button": "Switch it on",
            },
            "On: it opens again what it did.",
            {"enabled": True},
        ),
        "remove": _form(
            DELETE,
            {
                "title": "Remove the key “{name}”?",
                "text": "Whatever uses it is refused from now on. Invitations that it made count no more; what "
                "it deployed stays.",
                "button": "Remove it",
                "danger": True,
            },
            "Removed: it opens nothing any more.",
        ),
    },
)
