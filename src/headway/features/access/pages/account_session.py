"""The page of one of one's own sessions, and the way to end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.access.pages.account import SESSIONS, session_values
from headway.features.access.pages.agents import agent_name
from headway.features.access.pages.second_factor import ACCOUNT
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.access.api.account import SessionRow

PATH = "/account/sessions/{sessionId}"
END = "account.endSession"


async def show(visit: Visit) -> View:
    """From where somebody has signed in, and until when that counts."""
    row = await _row(visit)
    return View(template="features/access/pages/account_session.html", values=session_values(row), title=_name(row))


async def _row(visit: Visit) -> SessionRow:
    """The session. Raises Missing."""
    for each in (await visit.ask(SESSIONS))["sessions"]:
        if each["sessionId"] == visit.path["sessionId"]:
            return each
    raise Missing(Noun.SESSION)


def _name(row: SessionRow) -> str:
    return f"{agent_name(row['agent'])}, from {row['address']}"


async def _ask(visit: Visit) -> Question:
    row = await _row(visit)
    what = "It is the one that you use now: you are signed out." if row["current"] else "Whoever uses it is signed out."
    return Question(title=f"End the session “{_name(row)}”?", consequences=(what,), button="End it", danger=True)


PAGE = Page(
    path=PATH,
    permission=SESSIONS.name,
    show=show,
    forms={
        "end": Form(
            operation=lambda _visit: END,
            given=lambda visit: {"sessionId": visit.path["sessionId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="The session has ended."),
            then=lambda _visit, _answer: ACCOUNT,
        )
    },
)
