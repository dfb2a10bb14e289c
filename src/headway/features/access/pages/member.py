"""The page of one member, and the way to remove one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.core.access.model import Role
from headway.features.access.pages.member_list import PATH as LIST
from headway.features.access.pages.member_list import access_of
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.access.api.rows import MemberRow

PATH = "/members/users/{userId}"
ONE: Asked[MemberRow] = Asked("user.one")
REMOVE = "user.remove"


async def show(visit: Visit) -> View:
    """What somebody is, and may."""
    row = await visit.ask(ONE, userId=visit.path["userId"])
    remove = {"label": "Remove", "href": f"{LIST}/users/{row['userId']}/remove", "icon": "remove", "danger": True}
    return View(
        template="features/access/pages/member.html",
        values={"row": row, "access": access_of(row), "actions": (remove,) if _may_remove(visit, row) else ()},
        title=_name(row),
    )


def _may_remove(visit: Visit, row: MemberRow) -> bool:
    """Whether it is offered: nobody removes who is more than they are, nor themselves by the way."""
    is_another = row["userId"] != visit.actor.user_id
    return is_another and Role.of(row["role"]) <= visit.actor.role and visit.may(REMOVE)


async def _ask(visit: Visit) -> Question:
    row = await visit.ask(ONE, userId=visit.path["userId"])
    return Question(
        title=f"Remove “{_name(row)}” from this organisation?",
        consequences=(
            "Their keys and their sessions end now.",
            "What they have deployed stays, and so does what the audit log says of them.",
        ),
        button="Remove them",
        danger=True,
    )


def _name(row: MemberRow) -> str:
    return cut(row["user"]["name"] or row["user"]["email"] or row["userId"], 120)


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    forms={
        "remove": Form(
            operation=lambda _visit: REMOVE,
            given=lambda visit: {"userId": visit.path["userId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="Removed: their keys and sessions have ended."),
            then=lambda _visit, _answer: LIST,
        )
    },
)
