"""The forms of the second factor: set up, by a secret and a code of it, taken away, and its recovery codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import View, Visit

_BORDER = 4  # squares that are left free around it, as the standard has it

if TYPE_CHECKING:
    from headway.features.access.api.account import RecoveryCodesRow, SecondFactorRow

ACCOUNT = "/account"
BEGIN, CONFIRM = "account.beginSecondFactor", "account.confirmSecondFactor"
REMOVE, RENEW = "account.removeSecondFactor", "account.newRecoveryCodes"
_FOLDER = "features/access/pages"
_OTHERS_END = "Your other sessions end; this one goes on."


async def _ask_begin(_visit: Visit) -> Question:
    return Question(
        title="Set up a second factor?",
        consequences=(
            (
                "You need an application that shows codes (TOTP), on your telephone or in your password manager."
                " You are shown a secret for it, once."
            ),
            (
                "Nothing changes before you have given a code of it."
                " From then on one is asked for at each sign-in, after the password."
            ),
        ),
        button="Show the secret",
    )


def _show_begun(_visit: Visit, answer: object) -> View:
    begun = cast("SecondFactorRow", answer)
    path, side = _squares(begun["otpauth"])
    secret = begun["secret"]
    values = {
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "path": path,
        "side": side,
    }
    return View(template=f"{_FOLDER}/second_factor.html", values=values, title="Set up a second factor")


async def _ask_confirm(_visit: Visit) -> Question:
    return Question(
        title="Give the code that your application shows",
        consequences=(
            "From then on a code is asked for at each sign-in. " + _OTHERS_END,
            "The secret is not shown again: where your application has not taken it, set it up anew.",
        ),
        button="Switch it on",
    )


def _codes(title: str) -> Callable[[Visit, object], View]:
    """What shows recovery codes under this title."""

    def show(_visit: Visit, answer: object) -> View:
        codes = cast("RecoveryCodesRow", answer)["recoveryCodes"]
        return View(template=f"{_FOLDER}/recovery_codes.html", values={"codes": codes}, title=title)

    return show


async def _ask_renew(_visit: Visit) -> Question:
    return Question(
        title="Make other recovery codes?",
        consequences=("Those that you have now are good no more.", "You are shown ten new ones, once."),
        button="Make them",
    )


async def _ask_remove(_visit: Visit) -> Question:
    return Question(
        title="Remove the second factor?",
        consequences=(
            "Your password alone opens your account from then on, and your recovery codes are good no more.",
            _OTHERS_END,
        ),
        button="Remove it",
        danger=True,
    )


def _nothing(_visit: Visit) -> Mapping[str, object]:
    return {}


def _to_account(_visit: Visit, _answer: object) -> str:
    return ACCOUNT


FORMS: Mapping[str, Form] = {
    "second-factor": Form(
        operation=lambda _visit: BEGIN,
        given=_nothing,
        asks=_ask_begin,
        did=lambda _visit, _answer: Flash(text="Begun."),
        then=_to_account,
        shows=_show_begun,
    ),
    "confirm-second-factor": Form(
        operation=lambda _visit: CONFIRM,
        given=_nothing,
        asks=_ask_confirm,
        did=lambda _visit, _answer: Flash(text="The second factor is on."),
        then=_to_account,
        fields={"code": Kind.TEXT},
        template=f"{_FOLDER}/code_fields.html",
        shows=_codes("The second factor is on"),
    ),
    "remove-second-factor": Form(
        operation=lambda _visit: REMOVE,
        given=_nothing,
        asks=_ask_remove,
        did=lambda _visit, _answer: Flash(text="Removed: your password alone is asked for. Your other sessions ended."),
        then=_to_account,
    ),
    "recovery-codes": Form(
        operation=lambda _visit: RENEW,
        given=_nothing,
        asks=_ask_renew,
        did=lambda _visit, _answer: Flash(text="Your recovery codes are others now."),
        then=_to_account,
        shows=_codes("Your new recovery codes"),
    ),
}


def _squares(text: str) -> tuple[str, int]:
    """The path of the dark squares of a QR code, for an SVG of so many squares a side."""
    import segno  # noqa: PLC0415 - it is loaded where somebody sets up a second factor, and nowhere else

    matrix = segno.make(text, error="m", micro=False).matrix
    path: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            length = next((i for i in range(x, len(row)) if bool(row[i]) != bool(row[x])), len(row)) - x
            if row[x]:
                path.append(f"M{x + _BORDER} {y + _BORDER}h{length}v1h-{length}z")
            x += length
    return "".join(path), len(matrix) + 2 * _BORDER
