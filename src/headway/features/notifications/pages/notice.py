"""The page of one thing that is told on a channel: what it says, what became of it, and the way to tell it again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from headway.features.notifications.pages.channel import line_of
from headway.features.notifications.pages.channel_forms import LIST, ONE, name_of
from headway.pages.forms import Flash, Form, Question
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.notifications.api.rows import NoticeRow

PATH = "/notifications/notices/{noticeId}"
NOTICE: Asked[NoticeRow] = Asked("notification.notice")
RESEND = "notification.resend"
_MOST_PAYLOAD = 20_000


async def show(visit: Visit) -> View:
    """All of it."""
    row = await visit.ask(NOTICE, noticeId=visit.path["noticeId"])
    channel = await visit.ask(ONE, notificationId=row["notificationId"])
    line = line_of(row)
    again = {"label": "Tell it again", "href": f"{LIST}/notices/{row['noticeId']}/tell-again", "icon": "redeploy"}
    return View(
        template="features/notifications/pages/notice.html",
        values={
            "row": row,
            "state": line["state"],
            "channel": channel,
            "payload": json.dumps(row["payload"], indent=2, ensure_ascii=False, sort_keys=True),
            "most_payload": _MOST_PAYLOAD,
            "actions": (again,) if row["state"] != "waiting" and visit.may(RESEND) else (),
        },
        title=cut(str(line["title"]), 120),
    )


async def _ask(visit: Visit) -> Question:
    row = await visit.ask(NOTICE, noticeId=visit.path["noticeId"])
    channel = await visit.ask(ONE, notificationId=row["notificationId"])
    return Question(
        title=f"Tell it again on “{name_of(channel)}”?",
        consequences=(
            "It is told under the same ID, by which a receiver of webhooks knows that it has it already.",
            "It waits for its turn, and is tried for about a day.",
        ),
        button="Tell it again",
    )


PAGE = Page(
    path=PATH,
    permission=NOTICE.name,
    show=show,
    forms={
        "tell-again": Form(
            operation=lambda _visit: RESEND,
            given=lambda visit: {"noticeId": visit.path["noticeId"]},
            asks=_ask,
            did=lambda _visit, _answer: Flash(text="It waits to be told again."),
            then=lambda visit, _answer: f"{LIST}/notices/{visit.path['noticeId']}",
        )
    },
)
