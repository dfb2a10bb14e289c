"""The page of all channels: whether each takes what it is told, and the ways to add one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.notifications.pages.channel_forms import (
    ALL,
    LIST,
    address,
    create_forms,
    create_operation,
    title_of,
)
from headway.features.notifications.pages.channel_kinds import KINDS
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.notifications.api.rows import NotificationRow


async def show(visit: Visit) -> View:
    """All of it."""
    return _view("channel_list.html", {**await _values(visit), "adds": _adds(visit)})


async def rows(visit: Visit) -> View:
    """The channels."""
    return _view("channel_rows.html", await _values(visit))


def _view(template: str, values: Mapping[str, object]) -> View:
    return View(template=f"features/notifications/pages/{template}", values=values, title="Notifications")


async def _values(visit: Visit) -> Mapping[str, object]:
    channels = await visit.ask(ALL)
    return {
        "lines": [
            {
                "row": each,
                "href": address(each),
                "kind": title_of(each["notificationType"]),
                "state": channel_state(each),
            }
            for each in channels
        ]
    }


def channel_state(row: NotificationRow) -> Mapping[str, str | None]:
    """Whether a channel takes what it is told, as the macro of states takes it."""
    if not row["enabled"]:
        return {"key": "stopped", "word": "switched off", "at": None, "why": None}
    if row["failingSince"] is not None:
        return {"key": "error", "word": "takes nothing", "at": row["failingSince"], "why": row["lastError"]}
    return {"key": "serving", "word": "on", "at": None, "why": None}


def _adds(visit: Visit) -> Sequence[Mapping[str, str]]:
    """The ways to add one that the caller may use."""
    return [
        {"label": kind.title[:1].upper() + kind.title[1:], "href": f"{LIST}/create-{word}"}
        for word, kind in KINDS.items()
        if kind.makes and visit.may(create_operation(kind))
    ]


PAGE = Page(
    path=LIST,
    permission=ALL.name,
    show=show,
    parts={"rows": rows},
    forms=create_forms(),
    topics=lambda _visit: ("notifications",),
)
