"""The page of all schedules, or of those in one place: when each is due, how its newest run ended, what was missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from headway.core.access.policy import Missing, Noun
from headway.features.schedules.pages.schedule_forms import (
    CREATE,
    CREATE_IN_COMPOSE,
    HERE,
    PANEL,
    SERVER,
    SERVICES,
    create_address,
    place_of,
)
from headway.pages.cron_words import cron_words
from headway.pages.list_view import (
    AFTER,
    chips,
    filters_of,
    holds,
    list_address,
    options,
    part_of,
    view_values,
    words_of,
)
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.schedules.api.listed_rows import ListedScheduleRow

PATH = "/schedules"
ALL: Asked[list[ListedScheduleRow]] = Asked("schedule.overview")
ROWS = 100
_FOLDER = "features/schedules/pages"
_FILTERS: Mapping[str, str] = {"text": "Text", "serviceId": "Service", "serverId": "Server"}


async def show(visit: Visit) -> View:
    """Every schedule that the filters let through."""
    return await _view(visit, f"{_FOLDER}/schedule_list.html")


async def rows(visit: Visit) -> View:
    """The list alone."""
    return await _view(visit, f"{_FOLDER}/schedule_rows.html")


async def show_within(visit: Visit) -> View:
    """The schedules in a service, on a server, or on the panel's machine."""
    target, target_id = visit.path["target"], visit.path["targetId"]
    if target not in {*SERVICES, SERVER, PANEL} or (target == PANEL and target_id != HERE):
        raise Missing(Noun.SCHEDULE)
    label, href = await place_of(visit)
    found = [each for each in await visit.ask(ALL) if _is_in(each, target, target_id)]
    values = _values(visit, found, f"{PATH}/in/{target}/{quote(target_id, safe='')}", {})
    shown = {"label": label, "href": href}
    new = {"label": "Add a schedule", "href": create_address(target, target_id), "icon": "new", "main": True}
    return View(
        template=f"{_FOLDER}/schedule_list.html",
        values={**values, "pull": None, "above": shown, "actions": (new,) if visit.may("schedule.create") else ()},
        title=f"Schedules: {label}",
    )


async def _view(visit: Visit, template: str) -> View:
    filters, every = filters_of(visit.query, _FILTERS), await visit.ask(ALL)
    found = [each for each in every if _passes(each, filters)]
    of_service = {"serviceId": filters.get("serviceId")}
    new = {"label": "Add a schedule", "href": list_address(f"{PATH}/new", of_service), "icon": "new", "main": True}
    of_services = ((each["applicationId"] or each["composeId"], each["targetName"]) for each in every)
    services = options(of_services, filters.get("serviceId"))
    servers = options(((each["serverId"], each["targetName"]) for each in every), filters.get("serverId"))
    return View(
        template=template,
        values={
            **_values(visit, found, PATH, filters),
            "above": None,
            "actions": (new,) if visit.may("schedule.create") else (),
            "chips": chips(PATH, _FILTERS, filters, words_of(services, servers)),
            "services": services,
            "servers": servers,
        },
        title="Schedules",
    )


def _values(
    visit: Visit, found: Sequence[ListedScheduleRow], path: str, filters: Mapping[str, str]
) -> dict[str, object]:
    part = part_of(found, lambda each: each["scheduleId"], visit.query.get(AFTER, ""), ROWS)
    return {
        **view_values(path, filters, part),
        "lines": [line_of(each) for each in part.rows],
        "chips": (),
        "live": any(_is_under_way(each) for each in part.rows),
    }


def line_of(row: ListedScheduleRow) -> Mapping[str, object]:
    """A schedule with what its times are in words, and where it runs."""
    service_id, server_id = row["applicationId"] or row["composeId"], row["serverId"]
    href = f"/services/{service_id}" if service_id else f"/servers/{server_id}" if server_id else None
    return {
        "row": row,
        "words": cron_words(row["cronExpression"]),
        "where": row["targetName"] or "the panel's own machine",
        "href": href,
    }


def _passes(row: ListedScheduleRow, filters: Mapping[str, str]) -> bool:
    return (
        filters.get("serviceId") in {None, row["applicationId"] or row["composeId"]}
        and filters.get("serverId") in {None, row["serverId"]}
        and holds(filters, row["name"], row["description"], row["targetName"])
    )


def _is_in(row: ListedScheduleRow, target: str, target_id: str) -> bool:
    inside = row["applicationId"] or row["composeId"] or row["serverId"] or HERE
    return (row["scheduleType"], inside) == (target, target_id)


def _is_under_way(row: ListedScheduleRow) -> bool:
    return row["lastRun"] is not None and row["lastRun"]["status"] in {"pending", "running"}


PAGE = Page(path=PATH, permission=ALL.name, show=show, parts={"list": rows}, topics=lambda _visit: ("schedules",))
WITHIN = Page(
    path=f"{PATH}/in/{{target}}/{{targetId}}",
    permission=ALL.name,
    show=show_within,
    forms={"create": CREATE, "create-in-compose": CREATE_IN_COMPOSE},
)
