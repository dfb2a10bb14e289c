"""The page of one's own account: name, password, second factor, sessions, organisations and how pages look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.features.access.pages import passkey_forms, second_factor
from headway.features.access.pages.agents import agent_name
from headway.features.access.pages.passkey_forms import PASSKEYS, passkey_values
from headway.features.access.pages.second_factor import ACCOUNT
from headway.kernel.errors import InvalidInput
from headway.pages.forms import Flash, Form, Kind, Question
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.access.api.account import SessionRow, SessionsRow
    from headway.features.access.api.rows import CallerRow, ListedOrganizationRow

SESSIONS: Asked[SessionsRow] = Asked("account.sessions")
ME: Asked[CallerRow] = Asked("user.get")
ORGANIZATIONS: Asked[list[ListedOrganizationRow]] = Asked("organization.all")
PATH = ACCOUNT
NAME, PASSWORD = "account.setName", "account.setPassword"
END_OTHERS, END_ALL = "account.endOtherSessions", "account.endAllSessions"
MOST_SESSIONS = 100
_FOLDER = "features/access/pages"


async def show(visit: Visit) -> View:
    """Who somebody is, how they sign in and where they have."""
    found, me, organizations, passkeys = (
        await visit.ask(SESSIONS),
        await visit.ask(ME),
        await visit.ask(ORGANIZATIONS),
        await visit.ask(PASSKEYS),
    )
    sessions = found["sessions"]
    return View(
        template=f"{_FOLDER}/account.html",
        values={
            "row": me,
            "found": found,
            "sessions": [session_values(each) for each in sessions[:MOST_SESSIONS]],
            "passkeys": [passkey_values(each) for each in passkeys],
            "by_provider": visit.actor.credential.by_provider,
            "no_passkeys": passkey_forms.why_none(visit),
            "more": max(0, len(sessions) - MOST_SESSIONS),
            "has_others": any(not each["current"] for each in sessions),
            "organizations": [
                {"row": each, "is_here": each["id"] == visit.actor.organization_id} for each in organizations
            ],
        },
        title="Account",
    )


def session_values(row: SessionRow) -> Mapping[str, object]:
    """A session as it is shown."""
    return {"row": row, "agent": agent_name(row["agent"]), "href": f"{PATH}/sessions/{row['sessionId']}"}


def _nothing(_visit: Visit) -> Mapping[str, object]:
    return {}


def _to_account(_visit: Visit, _answer: object) -> str:
    return PATH


async def _ask_name(visit: Visit) -> Question:
    return Question(
        title="Change your name?",
        consequences=(
            "Others of your organisations see it, and so does the audit log from now on. What you sign in with stays.",
        ),
        button="Change it",
        values={"name": (await visit.ask(ME))["user"]["name"]},
    )


async def _ask_password(_visit: Visit) -> Question:
    return Question(
        title="Change your password?",
        consequences=("Your other sessions end; this one goes on. Your keys stay.",),
        button="Change it",
    )


async def _take_password(_visit: Visit, typed: Mapping[str, str]) -> Mapping[str, object]:
    """The password as it was typed. Raises InvalidInput for two that differ."""
    password = typed.get("password", "")
    if password != typed.get("again", ""):
        raise InvalidInput("These are two passwords. Type the same one twice.")
    return {"password": password}


async def _ask_end_others(_visit: Visit) -> Question:
    return Question(
        title="End all your other sessions?",
        consequences=(
            "Wherever else you have signed in, you are asked for your password again. This session goes on.",
        ),
        button="End them",
        danger=True,
    )


async def _ask_end_all(_visit: Visit) -> Question:
    return Question(
        title="Sign out everywhere?",
        consequences=("All your sessions end, this one too. Your keys stay.",),
        button="Sign out everywhere",
        danger=True,
    )


PAGE = Page(
    path=PATH,
    permission=SESSIONS.name,
    show=show,
    forms={
        "name": Form(
            operation=lambda _visit: NAME,
            given=_nothing,
            asks=_ask_name,
            did=lambda _visit, _answer: Flash(text="Your name has changed."),
            then=_to_account,
            fields={"name": Kind.TEXT},
        ),
        "password": Form(
            operation=lambda _visit: PASSWORD,
            given=_nothing,
            asks=_ask_password,
            did=lambda _visit, _answer: Flash(text="Your password has changed, and your other sessions have ended."),
            then=_to_account,
            fields={"password": Kind.SECRET},
            template=f"{_FOLDER}/password_fields.html",
            takes=_take_password,
        ),
        "end-others": Form(
            operation=lambda _visit: END_OTHERS,
            given=_nothing,
            asks=_ask_end_others,
            did=lambda _visit, _answer: Flash(text="Your other sessions have ended."),
            then=_to_account,
        ),
        "end-all": Form(
            operation=lambda _visit: END_ALL,
            given=_nothing,
            asks=_ask_end_all,
            did=lambda _visit, _answer: Flash(text="All your sessions have ended."),
            then=_to_account,
        ),
        **second_factor.FORMS,
        **passkey_forms.FORMS,
    },
)
