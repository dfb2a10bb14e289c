"""The page of one channel: whether it takes what it is told, what that is, and what was told on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.api.problems import Problem
from headway.features.notifications.messages import message_title
from headway.features.notifications.pages.channel_forms import (
    ONE,
    REMOVE,
    TEST,
    UPDATE,
    address,
    channel_forms,
    name_of,
    title_of,
)
from headway.features.notifications.pages.channel_kinds import KINDS
from headway.features.notifications.pages.channel_list import channel_state
from headway.pages.list_view import chips, filters_of, list_address, sentence_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.notifications.api.rows import NoticeRow, NoticesFound, NotificationRow

PATH = "/notifications/{notificationId}"
NOTICES: Asked[NoticesFound] = Asked("notification.deliveries")
ROWS = 50
LABELS: Mapping[str, str] = {"state": "State"}
# Each state of what is told as a state (a key of ``words.STATES``) and its word.
NOTICE_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("pending", "to be told"),
    "sent": ("done", "told"),
    "failed": ("error", "given up"),
    "quiet": ("idle", "counted only"),
}
_FOLDER = "features/notifications/pages"


async def show(visit: Visit) -> View:
    """All of it."""
    row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
    told = await _notices(visit, row)
    return View(
        template=f"{_FOLDER}/channel.html",
        values={
            **_state(visit, row),
            **told,
            "states": [{"value": state, "label": word} for state, (_, word) in NOTICE_STATES.items()],
        },
        title=name_of(row),
        status=200 if told["problem"] is None else 400,
    )


async def state(visit: Visit) -> View:
    """Whether it takes what it is told, and what that is."""
    row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
    return View(template=f"{_FOLDER}/channel_state.html", values=_state(visit, row))


async def notices(visit: Visit) -> View:
    """What was told on it."""
    row = await visit.ask(ONE, notificationId=visit.path["notificationId"])
    return View(template=f"{_FOLDER}/channel_notices.html", values=await _notices(visit, row))


def _state(visit: Visit, row: NotificationRow) -> Mapping[str, object]:
    return {
        "row": row,
        "state": channel_state(row),
        "kind": title_of(row["notificationType"]),
        "actions": _actions(visit, row),
        "state_pull": f"{address(row)}/-/state",
    }


def _actions(visit: Visit, row: NotificationRow) -> Sequence[Mapping[str, object]]:
    where, word = address(row), row["notificationType"]
    offered: list[Mapping[str, object]] = []
    if visit.may(TEST):
        offered.append({"label": "Send a test", "href": f"{where}/test", "icon": "deploy", "main": True})
    if visit.may(UPDATE):
        if word in KINDS:
            offered.append({"label": "Change", "href": f"{where}/change-{word}", "icon": "edit"})
        offered.append({"label": "What it tells", "href": f"{where}/events"})
        switch = ("Switch off", "switch-off") if row["enabled"] else ("Switch on", "switch-on")
        offered.append({"label": switch[0], "href": f"{where}/{switch[1]}", "icon": "power"})
    if visit.may(REMOVE):
        offered.append({"label": "Remove", "href": f"{where}/remove", "icon": "remove", "danger": True})
    return offered


async def _notices(visit: Visit, row: NotificationRow) -> Mapping[str, object]:
    where, filters = address(row), filters_of(visit.query, LABELS)
    cursor = visit.query.get("before", "").strip()
    given = {**filters, **({"before": cursor} if cursor else {})}
    problem, found = None, None
    try:
        found = await visit.ask(NOTICES, notificationId=row["notificationId"], **given, limit=ROWS)
    except Problem as refused:
        problem = sentence_of(refused, LABELS)
    words = {state: word for state, (_, word) in NOTICE_STATES.items()}
    return {
        "where": where,
        "filters": {name: filters.get(name, "") for name in LABELS},
        "chips": chips(where, LABELS, filters, words),
        "lines": [line_of(each) for each in (found["items"] if found else ())],
        "problem": problem,
        "newest": list_address(where, filters) if cursor else None,
        "older": list_address(where, {**filters, "before": found["before"]}) if found and found["before"] else None,
        "notices_pull": list_address(f"{where}/-/notices", given),
    }


def line_of(row: NoticeRow) -> Mapping[str, object]:
    """Something that is told, in a list."""
    key, word = NOTICE_STATES[row["state"]]
    return {
        "row": row,
        "title": message_title(row["event"], row["payload"]),
        "href": f"/notifications/notices/{row['noticeId']}",
        "state": {"key": key, "word": word, "at": row["sentAt"] or row["createdAt"]},
    }


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"state": state, "notices": notices},
    forms=channel_forms(),
    topics=lambda _visit: ("notifications",),
)
