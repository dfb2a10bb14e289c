"""The page of one schedule: when it is due, what became of its times, its runs, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.schedules.pages import schedule_forms
from headway.features.schedules.pages.schedule_forms import COMPOSE, LIST, ONE
from headway.pages.cron_words import cron_words
from headway.pages.deployment_rows import row_values
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.schedules.api.rows import ScheduleDetails

PATH = "/schedules/{scheduleId}"
ROWS = 20
_FOLDER = "features/schedules/pages"
_UNFINISHED = frozenset({"pending", "running"})
_OVERLAPS: Mapping[str, str] = {
    "skip": "skipped",
    "queue": "waits",
    "replace": "replaces it",
    "allow": "runs beside it",
}
_CATCH_UPS: Mapping[str, str] = {"none": "not made up for", "once": "made up for once", "all": "made up for each"}


async def show(visit: Visit) -> View:
    """All of it."""
    row = await _row(visit)
    values = {**_standing(visit, row), **await _runs(visit, row)}
    return View(template=f"{_FOLDER}/schedule.html", values=values, title=cut(row["name"], 120))


async def standing(visit: Visit) -> View:
    """When it is due, and what can be done."""
    return View(template=f"{_FOLDER}/schedule_standing.html", values=_standing(visit, await _row(visit)))


async def runs(visit: Visit) -> View:
    """Its newest runs, and what became of its newest due times."""
    return View(template=f"{_FOLDER}/schedule_runs.html", values=await _runs(visit, await _row(visit)))


async def _row(visit: Visit) -> ScheduleDetails:
    return await visit.ask(ONE, scheduleId=visit.path["scheduleId"])


def _standing(visit: Visit, row: ScheduleDetails) -> Mapping[str, object]:
    service_id, server_id = row["applicationId"] or row["composeId"], row["serverId"]
    inside = row["application"] or row["compose"]
    server = row["server"]
    where = inside["name"] if inside else server["name"] if server else server_id or "the panel's own machine"
    return {
        "row": row,
        "words": cron_words(row["cronExpression"]),
        "where": where,
        "href": f"/services/{service_id}" if service_id else f"/servers/{server_id}" if server_id else None,
        "environment": inside["environment"] if inside else None,
        "last": row["deployments"][0] if row["deployments"] else None,
        "script": row["script"] or row["command"],
        "overlap": _OVERLAPS[row["overlap"]],
        "catch_up": _CATCH_UPS[row["catchUp"]],
        "actions": _actions(visit, row),
        "standing_pull": f"{LIST}/{row['scheduleId']}/-/standing",
        "standing_live": _is_under_way(row),
    }


async def _runs(visit: Visit, row: ScheduleDetails) -> Mapping[str, object]:
    rows, more = row["deployments"][:ROWS], len(row["deployments"]) > ROWS
    return {
        "row": row,
        "rows": rows,
        **await row_values(visit, rows),
        "times": row["dueTimes"][:ROWS],
        "more": f"/deployments?type=schedule&id={row['scheduleId']}" if more else None,
        "runs_pull": f"{LIST}/{row['scheduleId']}/-/runs",
        "runs_live": _is_under_way(row),
    }


def _is_under_way(row: ScheduleDetails) -> bool:
    return any(each["status"] in _UNFINISHED for each in row["deployments"])


def _actions(visit: Visit, row: ScheduleDetails) -> Sequence[Mapping[str, object]]:
    path = f"{LIST}/{row['scheduleId']}"
    offered: list[Mapping[str, object]] = []
    if visit.may("schedule.runManually"):
        offered.append({"label": "Run now", "href": f"{path}/run", "icon": "deploy", "main": True})
    if visit.may("schedule.update"):
        change = "change-in-compose" if row["scheduleType"] == COMPOSE else "change"
        offered.append({"label": "Change", "href": f"{path}/{change}", "icon": "edit"})
        name, label = ("switch-off", "Switch off") if row["enabled"] else ("switch-on", "Switch on")
        offered.append({"label": label, "href": f"{path}/{name}", "icon": "power"})
    if visit.may("schedule.delete"):
        offered.append({"label": "Remove", "href": f"{path}/remove", "icon": "remove", "danger": True})
    return offered


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"standing": standing, "runs": runs},
    topics=lambda _visit: ("schedules",),
    forms={
        "run": schedule_forms.RUN,
        "change": schedule_forms.CHANGE,
        "change-in-compose": schedule_forms.CHANGE_IN_COMPOSE,
        "switch-on": schedule_forms.SWITCH_ON,
        "switch-off": schedule_forms.SWITCH_OFF,
        "remove": schedule_forms.REMOVE,
    },
)
