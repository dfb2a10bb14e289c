"""The page of what goes along with a service: its schedules, its backups, and previews of its pull requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from headway.core.access.policy import Missing
from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, router_of
from headway.features.services.pages.service_topics import COMPANIONS, action, details_of, framed, service_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.backups.api.rows import BackupRow
    from headway.features.backups.api.volume_rows import VolumeBackupRow
    from headway.features.previews.api.rows import PreviewDeploymentRow
    from headway.features.schedules.api.rows import ScheduleRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/companions"
SCHEDULES: Asked[list[ScheduleRow]] = Asked("schedule.list")
VOLUME_BACKUPS: Asked[list[VolumeBackupRow]] = Asked("volumeBackups.list")
PREVIEWS: Asked[list[PreviewDeploymentRow]] = Asked("previewDeployment.all")
_MOST = 50
T = TypeVar("T")


async def show(visit: Visit) -> View:
    """What goes along with it, as far as the caller may see it."""
    service = await service_of(visit)
    router = router_of(service)
    backups = await _backups(visit, service, router)
    volumes = await _volume_backups(visit, service, router)
    schedules = await _schedules(visit, service, router)
    return framed(
        visit,
        service,
        COMPANIONS,
        "companions.html",
        {
            "schedules": (schedules or ())[:_MOST],
            "schedule_actions": _schedule_actions(visit, service, router),
            "has_schedules": schedules is not None,
            "backup_actions": _backup_actions(visit, service, router),
            "backups": [_backup(each) for each in backups[:_MOST]],
            "volume_backups": [_volume_backup(each) for each in (volumes or ())[:_MOST]],
            "has_backups": bool(backups) or volumes is not None,
            "previews": (await _previews(visit, service, router))[:_MOST],
            "preview_actions": _preview_actions(visit, service, router),
            "has_previews": router in {APPLICATION, COMPOSE},
        },
    )


def _schedule_actions(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[Mapping[str, object]]:
    name = "create-in-compose" if router == COMPOSE else "create"
    create = f"/schedules/in/{router}/{service['serviceId']}/{name}"
    return [
        *action(visit, "schedule.create", "Add a schedule", create, icon="new"),
        *action(visit, "schedule.overview", "See its schedules", f"/schedules?serviceId={service['serviceId']}"),
    ]


def _backup_actions(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[Mapping[str, object]]:
    """The ways to what can be backed up of it, and to how good its backups are."""
    create = f"/backups/of/{router}/{service['serviceId']}"
    return [
        *action(visit, "volumeBackups.create", "Add a backup", create, icon="new"),
        *action(visit, "backup.overview", "See its backups", f"/backups?serviceId={service['serviceId']}"),
    ]


def _preview_actions(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[Mapping[str, object]]:
    path, of_it = f"/previews/of/{router}/{service['serviceId']}", f"/previews?serviceId={service['serviceId']}"
    return [
        *action(visit, "previewDeployment.overview", "Settings of previews", path),
        *action(visit, "previewDeployment.overview", "See its previews", of_it),
    ]


async def _schedules(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[ScheduleRow] | None:
    if router not in {APPLICATION, COMPOSE} or not visit.may(SCHEDULES.name):
        return None
    return await _of_project(visit, SCHEDULES, id=service["serviceId"], scheduleType=router)


async def _backups(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[BackupRow]:
    """Those of a database, or of those in a compose file."""
    if router == APPLICATION:
        return ()
    rows: Sequence[BackupRow] = (await details_of(visit, service))["backups"]
    return rows


async def _volume_backups(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[VolumeBackupRow] | None:
    if not visit.may(VOLUME_BACKUPS.name):
        return None
    return await _of_project(visit, VOLUME_BACKUPS, id=service["serviceId"], volumeBackupType=router)


async def _of_project(visit: Visit, asked: Asked[list[T]], **given: object) -> Sequence[T] | None:
    """Those of them that lie in its project; None to who was given the service alone, and is told nothing of that."""
    try:
        return await visit.ask(asked, **given)
    except Missing:
        return None


async def _previews(visit: Visit, service: ServiceOverviewRow, router: str) -> Sequence[PreviewDeploymentRow]:
    if router not in {APPLICATION, COMPOSE} or not visit.may(PREVIEWS.name):
        return ()
    return await visit.ask(PREVIEWS, **{f"{router}Id": service["serviceId"]})


def _backup(each: BackupRow) -> Mapping[str, object]:
    return {
        "href": f"/backups/{each['backupId']}",
        "name": each["name"] or each["database"],
        "what": f"database {each['database']}",
        "when": each["schedule"],
        "enabled": each["enabled"],
    }


def _volume_backup(each: VolumeBackupRow) -> Mapping[str, object]:
    return {
        "href": f"/backups/{each['volumeBackupId']}",
        "name": each["name"],
        "what": f"volume {each['volumeName']}",
        "when": each["cronExpression"],
        "enabled": each["enabled"],
    }


PAGE = Page(path=PATH, permission=ONE.name, show=show)
