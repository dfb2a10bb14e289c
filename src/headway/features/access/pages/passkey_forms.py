"""The forms by which a passkey is made: the question, what the browser is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from headway.core.access.passkeys import NoPasskeysHere, passkey_host
from headway.features.access.pages.second_factor import ACCOUNT
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, View, Visit

if TYPE_CHECKING:
    from headway.features.access.api.passkeys import PasskeyOptionsRow, PasskeyRow

PASSKEYS: Asked[list[PasskeyRow]] = Asked("account.passkeys")
BEGIN, ADD = "account.beginPasskey", "account.addPasskey"
_FOLDER = "features/access/pages"
_TITLE = "Add a passkey"


def passkey_values(row: PasskeyRow) -> Mapping[str, object]:
    """A passkey as it is shown."""
    return {"row": row, "href": f"{ACCOUNT}/passkeys/{row['passkeyId']}"}


def why_none(visit: Visit) -> str:
    """Why browsers make no passkey at this address of the panel; "" where they do."""
    return "" if passkey_host(visit.origin) is not None else NoPasskeysHere().message


async def _ask_begin(visit: Visit) -> Question:
    why = why_none(visit)
    if why:
        return Question(title=_TITLE, consequences=(why,), button="")
    host = passkey_host(visit.origin)
    return Question(
        title=f"{_TITLE}?",
        consequences=(
            "Your device makes a pair of keys, and keeps the secret one behind your finger, your face or its code.",
            f"It opens your account at {'' if host is None else host.name} without password or code from then on.",
            "Your password and your second factor stay: they are your way in where a device is lost.",
        ),
        button="Go on",
    )


def _show_begun(_visit: Visit, answer: object) -> View:
    options = cast("PasskeyOptionsRow", answer)["options"]
    return View(template=f"{_FOLDER}/passkey_new.html", values={"options": options}, title=_TITLE)


async def _ask_add(_visit: Visit) -> Question:
    return Question(
        title=_TITLE,
        consequences=(
            "What your browser is asked is good once, and for five minutes: a passkey is begun anew each time.",
        ),
        button="",
    )


async def _take(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    return {"name": typed.get("name", ""), "answer": typed.get("answer", "")}


def _origin(visit: Visit) -> Mapping[str, object]:
    return {"origin": visit.origin}


def _to_account(_visit: Visit, _answer: object) -> str:
    return ACCOUNT


FORMS: Mapping[str, Form] = {
    "passkey": Form(
        operation=lambda _visit: BEGIN,
        given=_origin,
        asks=_ask_begin,
        did=lambda _visit, _answer: Flash(text="Begun."),
        then=_to_account,
        shows=_show_begun,
    ),
    "add-passkey": Form(
        operation=lambda _visit: ADD,
        given=_origin,
        asks=_ask_add,
        did=lambda _visit, _answer: Flash(text="Added. You can sign in by this passkey from now on."),
        then=_to_account,
        fields={"name": Kind.TEXT},
        template=f"{_FOLDER}/passkey_again.html",
        takes=_take,
    ),
}
