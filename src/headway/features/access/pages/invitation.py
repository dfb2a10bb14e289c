"""The page of one invitation that nobody has accepted yet, and the way to withdraw it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.core.access.policy import Missing, Noun
from headway.features.access.pages.member_list import INVITATIONS, MEMBERS_PATH
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.access.api.rows import InvitationRow

PATH = "/members/invitations/{invitationId}"
WITHDRAW = "organization.removeInvitation"


async def show(visit: Visit) -> View:
    """Whom it is for, and until when."""
    row = await _row(visit)
    withdraw = {
        "label": "Withdraw",
        "href": f"{MEMBERS_PATH}/invitations/{row['id']}/withdraw",
        "icon": "remove",
        "danger": True,
    }
    return View(
        template="features/access/pages/invitation.html",
        values={"row": row, "actions": (withdraw,) if visit.may(WITHDRAW) else ()},
        title=f"Invitation of {cut(row['email'], 120)}",
    )


async def _row(visit: Visit) -> InvitationRow:
    """The invitation. Raises Missing."""
    for each in await visit.ask(INVITATIONS):
        if each["id"] == visit.path["invitationId"] and each["status"] == "pending":
            return each
    raise Missing(Noun.INVITATION)


async def _ask(visit: Visit) -> Question:
    row = await _row(visit)
    return Question(
        title=f"Withdraw the invitation of “{cut(row['email'], 120)}”?",
        consequences=("Its link opens nothing any more.",),
        button="Withdraw it",
        danger=True,
    )


PAGE = Page(
    path=PATH,
    permission=INVITATIONS.name,
    show=show,
    forms={
        "withdraw": Form(
            operation=lambda _visit: WITHDRAW,
            given=lambda visit: {"invitationId": visit.path["invitationId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Withdrawn: its link opens nothing any more."),
            then=lambda _visit, _answer: MEMBERS_PATH,
        )
    },
)
