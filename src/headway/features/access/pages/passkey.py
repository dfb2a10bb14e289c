"""The page of one of one's own passkeys: where it is good, when it was used, and the ways to rename and remove it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.access.pages.passkey_forms import PASSKEYS, passkey_values
from headway.features.access.pages.second_factor import ACCOUNT
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.access.api.passkeys import PasskeyRow

PATH = "/account/passkeys/{passkeyId}"
RENAME, REMOVE = "account.renamePasskey", "account.removePasskey"


async def show(visit: Visit) -> View:
    """What is known of a passkey."""
    row = await _row(visit)
    return View(template="features/access/pages/passkey.html", values=passkey_values(row), title=row["name"])


async def _row(visit: Visit) -> PasskeyRow:
    """The passkey. Raises Missing."""
    for each in await visit.ask(PASSKEYS):
        if each["passkeyId"] == visit.path["passkeyId"]:
            return each
    raise Missing(Noun.PASSKEY)


async def _ask_rename(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Rename the passkey “{row['name']}”?",
        consequences=("Your device goes on to call it what it does.",),
        button="Rename it",
        values={"name": row["name"]},
    )


async def _ask_remove(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Remove the passkey “{row['name']}”?",
        consequences=(
            "It opens nothing any more. Your device may go on to offer it until you remove it there too.",
            "Your other sessions end; this one goes on. Your password stays.",
        ),
        button="Remove it",
        danger=True,
    )


def _id(visit: Visit) -> Mapping[str, object]:
    return {"passkeyId": visit.path["passkeyId"]}


PAGE = Page(
    path=PATH,
    permission=PASSKEYS.name,
    show=show,
    forms={
        "rename": Form(
            operation=lambda _visit: RENAME,
            given=_id,
            asks=_ask_rename,
            did=lambda _visit, _answer: Flash(text="The passkey has another name."),
            then=lambda visit, _answer: f"{ACCOUNT}/passkeys/{visit.path['passkeyId']}",
            fields={"name": Kind.TEXT},
        ),
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=_id,
            asks=_ask_remove,
            did=lambda _visit, _answer: Flash(text="The passkey is removed, and your other sessions have ended."),
            then=lambda _visit, _answer: ACCOUNT,
        ),
    },
)
