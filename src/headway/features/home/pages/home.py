"""The first page: what is under way and behind what, and what somebody should look at, each within a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from headway.core.deployments.status import Reason, Status
from headway.features.backups.pages.backup_words import name_of, proof_of
from headway.features.deployments.pages.deployment_past import STARTS
from headway.features.notifications.disk import LEAST_BYTES
from headway.features.services.pages.service_list import ALL, was_given_nothing
from headway.pages.certificate_ends import ending_values
from headway.pages.deployment_rows import ends_of_rows
from headway.pages.issued_certificates import missing_values
from headway.pages.loop_words import kept_by, work_of
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.sections import shown_together
from headway.pages.service_states import down_among, line_of
from headway.pages.words import count, cut, iso, moment, plural

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow
    from headway.features.deployments.api.rows import CentralRow, SearchPage
    from headway.features.disk.api.rows import FreeRow
    from headway.features.notifications.api.rows import NotificationRow
    from headway.features.schedules.api.listed_rows import ListedScheduleRow
    from headway.features.servers.api.rows import ListedServerRow
    from headway.features.services.api.downtime import DownRow
    from headway.features.services.api.service_rows import GlanceRow
    from headway.features.settings.api.operations import HealthRow

T = TypeVar("T")
PATH = "/home"
DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
SERVERS: Asked[list[ListedServerRow]] = Asked("server.all")
BACKUPS: Asked[list[BackupOverviewRow]] = Asked("backup.overview")
HEALTH: Asked[HealthRow] = Asked("settings.health")
SCHEDULES: Asked[list[ListedScheduleRow]] = Asked("schedule.overview")
DISK: Asked[FreeRow] = Asked("disk.free")
CHANNELS: Asked[list[NotificationRow]] = Asked("notification.all")
UNDER_WAY = f"{Status.PENDING},{Status.RUNNING}"
MOST = 10
_FOLDER = "features/home/pages"
_LOOKED_AT = 100
_SECONDS = 2.0
_DAY = timedelta(days=1)
# What nobody asked for: who kills or cancels one knows of it.
_FAILURES = f"{Reason.FAILED},{Reason.TIMED_OUT},{Reason.OUT_OF_MEMORY},{Reason.LOST},{Reason.REFUSED}"
_NOBODY_ASKED = frozenset(_FAILURES.split(","))
_UNFIT = ("error", "unstable", "unknown")  # what is worst comes first


async def show(visit: Visit) -> View:
    """All of it."""
    services = await visit.ask_within(_SECONDS, ALL)
    attention, counts = _attention(visit, services), _counts(visit, services)
    values = await shown_together(_under_way(visit), attention, _failed(visit), _starts(visit), counts)
    values["was_given_nothing"] = was_given_nothing(visit.actor)
    values["makes"] = visit.may("application.create")
    return View(template=f"{_FOLDER}/home.html", values={**values, "is_empty": services == []}, title="Home")


async def counts(visit: Visit) -> View:
    """How much there is, in numbers."""
    services = await visit.ask_within(_SECONDS, ALL)
    return View(template=f"{_FOLDER}/home_counts.html", values=await _counts(visit, services))


async def under_way(visit: Visit) -> View:
    """What waits and what runs."""
    return View(template=f"{_FOLDER}/home_under_way.html", values=await _under_way(visit))


async def starts(visit: Visit) -> View:
    """When what waits is expected to begin: a part by itself, for it alone depends on the time."""
    return View(template=f"{_FOLDER}/home_starts.html", values=await _starts(visit))


async def attention(visit: Visit) -> View:
    """What is not as it should be."""
    services = await visit.ask_within(_SECONDS, ALL)
    return View(template=f"{_FOLDER}/home_attention.html", values=await _attention(visit, services))


async def failed(visit: Visit) -> View:
    """What failed within a day."""
    return View(template=f"{_FOLDER}/home_failed.html", values=await _failed(visit))


async def _counts(visit: Visit, services: list[GlanceRow] | Unknown) -> Mapping[str, object]:
    """What is not to be had now is left out."""
    told = [] if isinstance(services, Unknown) else [{"label": plural(len(services), "service"), "href": "/services"}]
    now = await visit.ask_within(_SECONDS, DEPLOYMENTS, status=UNDER_WAY, limit=MOST, counts=True)
    if not isinstance(now, Unknown) and (number := now["counts"]) is not None:
        runs = count(number["running"], at_least=number["atLeast"])
        waits = count(number["pending"], at_least=number["atLeast"])
        told.append({"label": f"{runs} running", "href": "/deployments?status=running"})
        told.append({"label": f"{waits} waiting", "href": "/deployments?status=pending"})
    ended = await visit.ask_within(_SECONDS, DEPLOYMENTS, **_failures_since(visit))
    if not isinstance(ended, Unknown) and (number := ended["counts"]) is not None:
        label = f"{count(number['error'], at_least=number['atLeast'])} failed within a day"
        told.append({"label": label, "href": "#part-failed"})
    return {"counts": told}


async def _under_way(visit: Visit) -> Mapping[str, object]:
    found = await visit.ask_within(_SECONDS, DEPLOYMENTS, status=UNDER_WAY, limit=MOST, counts=True)
    if isinstance(found, Unknown):
        unknown = {"under_way_unknown": found, "under_way_more": None, "under_way_tools": ()}
        return {"under_way": (), "ends": {}, **unknown, "live": True}
    counts = found["counts"]
    total = 0 if counts is None else counts["pending"] + counts["running"]
    label = f"All {count(total, at_least=counts is not None and counts['atLeast'])}"
    more = [{"label": label, "href": "/deployments?status=pending%2Crunning"}] if total > len(found["rows"]) else []
    rows = found["rows"]
    return {
        "under_way": rows,
        "ends": ends_of_rows(visit, rows),
        "under_way_unknown": None,
        "under_way_more": _further(found, status=UNDER_WAY),
        "under_way_tools": more,
        "live": bool(rows) or found["nextCursor"] is not None,
    }


async def _starts(visit: Visit) -> Mapping[str, object]:
    found = await visit.ask_within(_SECONDS, DEPLOYMENTS, status=Status.PENDING.value, limit=_LOOKED_AT)
    rows = () if isinstance(found, Unknown) else found["rows"]
    if not rows:
        return {"starts": (), "starts_untold": 0, "starts_later": 0, "starts_beyond": False}
    told = await visit.ask_within(_SECONDS, STARTS, deploymentIds=[row["deploymentId"] for row in rows])
    at = {} if isinstance(told, Unknown) else {each["deploymentId"]: each["expectedStart"] for each in told}
    known = [{"row": row, "at": at[row["deploymentId"]]} for row in rows if row["deploymentId"] in at]
    # The search has those first that came last, which begin last.
    return {
        "starts": sorted(known, key=lambda each: str(each["at"]))[:MOST],
        "starts_untold": len(rows) - len(known),
        "starts_later": max(0, len(known) - MOST),
        "starts_beyond": not isinstance(found, Unknown) and found["nextCursor"] is not None,
    }


async def _attention(visit: Visit, services: list[GlanceRow] | Unknown) -> Mapping[str, object]:
    found = await shown_together(
        _services(visit, services),
        _servers(visit),
        _backups(visit),
        _schedules(visit),
        _channels(visit),
        _disks(visit),
        _panel(visit),
        ending_values(visit),
        missing_values(visit),
    )
    unknowns = [
        found.pop(f"{name}_unknown") for name in ("services", "servers", "backups", "schedules", "channels", "disks")
    ]
    return {**found, "unknowns": [each for each in unknowns if each is not None], "most": MOST}


async def _services(visit: Visit, services: list[GlanceRow] | Unknown) -> Mapping[str, object]:
    if isinstance(services, Unknown):
        return {"unfit": (), "services_unknown": services}
    down = await down_among(visit, services)
    return {"unfit": _unfit(services, down, with_away=not visit.may(SERVERS.name)), "services_unknown": None}


async def _servers(visit: Visit) -> Mapping[str, object]:
    servers = await _all_of(visit, SERVERS)
    if isinstance(servers, Unknown):
        return {"away": (), "servers_unknown": servers}
    return {"away": [each for each in servers if each["reach"]["outOfReachSince"]], "servers_unknown": None}


async def _backups(visit: Visit) -> Mapping[str, object]:
    backups = await _all_of(visit, BACKUPS)
    if isinstance(backups, Unknown):
        return {"unsaved": (), "untried": (), "proven": (), "backups_unknown": backups}
    found = {"unsaved": _failing(backups), "untried": _untried(backups), "proven": _proven(backups)}
    return {**found, "backups_unknown": None}


async def _schedules(visit: Visit) -> Mapping[str, object]:
    schedules = await _all_of(visit, SCHEDULES)
    if isinstance(schedules, Unknown):
        return {"missed": (), "schedules_unknown": schedules}
    return {"missed": [each for each in schedules if _was_missed(each)], "schedules_unknown": None}


async def _channels(visit: Visit) -> Mapping[str, object]:
    channels = await _all_of(visit, CHANNELS)
    if isinstance(channels, Unknown):
        return {"deaf": (), "channels_unknown": channels}
    return {"deaf": [each for each in channels if _is_deaf(each)], "channels_unknown": None}


async def _disks(visit: Visit) -> Mapping[str, object]:
    full = await _full_disks(visit)
    return {"full": (), "disks_unknown": full} if isinstance(full, Unknown) else {"full": full, "disks_unknown": None}


async def _panel(visit: Visit) -> Mapping[str, object]:
    """What the panel itself does not manage."""
    health = await visit.ask_within(_SECONDS, HEALTH)
    if isinstance(health, Unknown):
        return {"why": health.why, "troubles": (), "gates": ()}
    return {
        "why": None,
        "troubles": [{"row": each, "what": work_of(each["loop"])} for each in health.get("troubles", ())],
        "gates": [{"row": each, "what": kept_by(each["gate"])} for each in health.get("gates", ())],
    }


async def _full_disks(visit: Visit) -> Sequence[Mapping[str, object]] | Unknown:
    """The disks on which little is left, for who may know: before no deployment begins there any more."""
    if not visit.may(DISK.name):
        return ()
    found = await visit.ask_within(_SECONDS, DISK)
    if isinstance(found, Unknown):
        return found
    seen = [("The panel's disk", "/disk", found["free"])]
    seen += [
        (f"The disk of {cut(each['name'], 120)}", f"/servers/{each['serverId']}", each["free"])
        for each in found["servers"]
    ]
    floor = found["floor"]
    little = [each for each in seen if each[2] < max(LEAST_BYTES, 2 * floor)]
    return [{"what": what, "href": href, "free": free, "floor": floor} for what, href, free in little]


async def _all_of(visit: Visit, asked: Asked[list[T]]) -> list[T] | Unknown:
    """The rows of whoever may ask for them."""
    found: list[T] | Unknown = []
    if visit.may(asked.name):
        found = await visit.ask_within(_SECONDS, asked)
    return found


async def _failed(visit: Visit) -> Mapping[str, object]:
    given = _failures_since(visit)
    found = await visit.ask_within(_SECONDS, DEPLOYMENTS, **given)
    if isinstance(found, Unknown):
        return {"failed": (), "failed_unknown": found, "failed_more": None, "failed_tools": (), "most": MOST}
    newest = newest_of_each(found["rows"])
    more = [{"label": "All that ended in an error", "href": "/deployments?status=error"}]
    tools = more if len(newest) > MOST or len(found["rows"]) > len(newest) else []
    cursor = found["nextCursor"]  # of one that fails each minute there are more than are looked at
    filters = {"status": given["status"], "reason": _FAILURES, "from": given["from"], "cursor": cursor}
    further = f"/deployments?{urlencode(filters)}" if cursor else None
    return {
        "failed": newest,
        "failed_unknown": None,
        "failed_more": further,
        "failed_tools": tools,
        "most": MOST,
    }


def _failures_since(visit: Visit) -> dict[str, object]:
    # In whole minutes: who looks again within one is answered from what was read.
    since = iso(visit.now.replace(second=0, microsecond=0) - _DAY)
    return {"status": Status.ERROR.value, "reason": _FAILURES, "limit": _LOOKED_AT, "from": since, "counts": True}


def _further(found: SearchPage, **filters: object) -> str | None:
    """Where the list goes on with what was not looked at, None where all was: a search ends when its time is up."""
    cursor = found["nextCursor"]
    return f"/deployments?{urlencode({**filters, 'cursor': cursor})}" if cursor and found["lookedBackTo"] else None


def newest_of_each(rows: Sequence[CentralRow]) -> Sequence[CentralRow]:
    """Of each thing that was deployed the newest of these rows, which come newest first."""
    newest: dict[str, CentralRow] = {}
    for row in rows:
        newest.setdefault(_thing_of(row), row)
    return list(newest.values())


def _thing_of(row: CentralRow) -> str:
    things = (row["applicationId"], row["composeId"], row["databaseId"], row["scheduleId"], row["previewDeploymentId"])
    more = (row["backupId"], row["volumeBackupId"], row["serverId"])
    return f"{row['kind'].partition('.')[0]} {next((each for each in (*things, *more) if each), row['deploymentId'])}"


def _unfit(
    services: Sequence[GlanceRow], down: Mapping[str, DownRow], *, with_away: bool
) -> Sequence[Mapping[str, object]]:
    """The services that do not serve as they should, or of which that is not known; ``with_away`` also those whose
    server does not answer, for who is not shown the servers.
    """
    lines = [(line_of(each, down), each["outOfReachSince"]) for each in services]
    shown = [line for line, away in lines if with_away or away is None or line["state"] != "unknown"]
    return [line for state in _UNFIT for line in shown if line["state"] == state]


def _failing(backups: Sequence[BackupOverviewRow]) -> Sequence[Mapping[str, object]]:
    """The backups that are switched on and whose newest run failed."""
    return [
        {"row": each, "name": name_of(each), "run": each["lastRun"]}
        for each in backups
        if each["enabled"] and each["lastRun"] is not None and each["lastRun"]["reason"] in _NOBODY_ASKED
    ]


def _untried(backups: Sequence[BackupOverviewRow]) -> Sequence[Mapping[str, object]]:
    """The backups that are switched on, of which something is kept that could be restored on trial and never was."""
    return [
        {"row": each, "name": name_of(each), "proof": proof_of(each)}
        for each in backups
        if each["enabled"] and each["newest"] is not None and proof_of(each)["state"] == "unstable"
    ]


def _proven(backups: Sequence[BackupOverviewRow]) -> Sequence[Mapping[str, object]]:
    """The backups that are switched on and were restored on trial, that first for which that is longest ago."""
    tried = [(moment(at), each) for each in backups if each["enabled"] and (at := each["provenAt"]) is not None]
    return [{"row": each, "name": name_of(each)} for _, each in sorted(tried, key=lambda found: found[0])]


def _is_deaf(channel: NotificationRow) -> bool:
    return channel["enabled"] and channel["failingSince"] is not None


def _was_missed(schedule: ListedScheduleRow) -> bool:
    """Whether it was due while no panel was there, and has not run since."""
    missed, run = schedule["missedAt"], schedule["lastRun"]
    return schedule["enabled"] and missed is not None and (run is None or moment(run["createdAt"]) < moment(missed))


PAGE = Page(
    path=PATH,
    permission=None,
    show=show,
    parts={"counts": counts, "under-way": under_way, "starts": starts, "attention": attention, "failed": failed},
    topics=lambda _visit: ("deployments", "services", "servers", "backups", "schedules", "domains", "notifications"),
)
