"""The page of one backup: what is kept of it and how good that is, when it is due, its runs, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.backups.pages import backup_forms
from headway.features.backups.pages.backup_forms import FILES, LIST, ONE, VOLUME_FILES, VOLUME_ONE, row_of
from headway.features.backups.pages.backup_list import ALL, is_under_way, line_of
from headway.features.backups.pages.backup_words import can_be_restored, can_be_tried, name_of
from headway.features.backups.pages.files import file_id
from headway.pages.deployment_rows import row_values
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow
    from headway.features.backups.api.rows import FileRow
    from headway.features.deployments.api.rows import DeploymentRow

PATH = "/backups/{backupId}"
ROWS = 20
MOST_FILES = 100
_FOLDER = "features/backups/pages"


async def show(visit: Visit) -> View:
    """All of it."""
    row = await row_of(visit)
    values = {**_standing(visit, row), **await _files(visit, row), **await _runs(visit, row)}
    return View(template=f"{_FOLDER}/backup.html", values=values, title=name_of(row))


async def standing(visit: Visit) -> View:
    """How good it is, and what can be done."""
    return View(template=f"{_FOLDER}/backup_standing.html", values=_standing(visit, await row_of(visit)))


async def files(visit: Visit) -> View:
    """What is kept of it."""
    row = await row_of(visit)
    return View(template=f"{_FOLDER}/backup_files.html", values=await _files(visit, row))


async def runs(visit: Visit) -> View:
    """Its newest runs: backups, restores and trials."""
    row = await row_of(visit)
    return View(template=f"{_FOLDER}/backup_runs.html", values=await _runs(visit, row))


def _standing(visit: Visit, row: BackupOverviewRow) -> Mapping[str, object]:
    return {
        **line_of(row),
        "actions": _actions(visit, row),
        "standing_pull": f"{LIST}/{row['backupId']}/-/standing",
        "live": is_under_way(row),
    }


async def _files(visit: Visit, row: BackupOverviewRow) -> Mapping[str, object]:
    path = f"{LIST}/{row['backupId']}"
    found = await kept_files(visit, row)
    return {
        "row": row,
        "files": [{"row": each, "href": f"{path}/files/{file_id(each['path'])}"} for each in found[:MOST_FILES]],
        "more_files": max(0, len(found) - MOST_FILES),
        "tried": can_be_tried(row),
        "restored": can_be_restored(row),
        "files_pull": f"{path}/-/files",
        "live": is_under_way(row),
    }


async def _runs(visit: Visit, row: BackupOverviewRow) -> Mapping[str, object]:
    found = await _deployments(visit, row)
    kind = "backup" if row["kind"] == "database" else "volumeBackup"
    more = f"/deployments?type={kind}&id={row['backupId']}" if len(found) > ROWS else None
    return {
        "row": row,
        "rows": found[:ROWS],
        **await row_values(visit, found[:ROWS]),
        "more": more,
        "runs_pull": f"{LIST}/{row['backupId']}/-/runs",
        "live": is_under_way(row),
    }


async def kept_files(visit: Visit, row: BackupOverviewRow) -> Sequence[FileRow]:
    """What is kept of a backup, the newest first."""
    if row["kind"] == "volume":
        return await visit.ask(VOLUME_FILES, volumeBackupId=row["backupId"])
    return await visit.ask(FILES, backupId=row["backupId"])


async def _deployments(visit: Visit, row: BackupOverviewRow) -> Sequence[DeploymentRow]:
    if row["kind"] == "volume":
        return (await visit.ask(VOLUME_ONE, volumeBackupId=row["backupId"])).get("deployments", [])
    return (await visit.ask(ONE, backupId=row["backupId"])).get("deployments", [])


def _actions(visit: Visit, row: BackupOverviewRow) -> Sequence[Mapping[str, object]]:
    path, is_volume = f"{LIST}/{row['backupId']}", row["kind"] == "volume"
    offered: list[Mapping[str, object]] = []
    if visit.may(backup_forms.run_of(row)):
        name = "volume" if is_volume else row["of"]
        offered.append({"label": "Run now", "href": f"{path}/run-{name}", "icon": "deploy", "main": True})
    if can_be_tried(row) and row["newest"] is not None and visit.may("backup.drill"):
        offered.append({"label": "Restore the newest on trial", "href": f"{path}/try", "icon": "check"})
    if visit.may("backup.listBackupFiles"):
        offered.append({"label": "See the destination", "href": f"{path}/destination", "icon": "search"})
    if visit.may("volumeBackups.update" if is_volume else "backup.update"):
        offered.append({"label": "Change", "href": f"{path}/change-{row['kind']}", "icon": "edit"})
    if visit.may("volumeBackups.delete" if is_volume else "backup.remove"):
        offered.append({"label": "Remove", "href": f"{path}/remove-{row['kind']}", "icon": "remove", "danger": True})
    return offered


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    parts={"standing": standing, "files": files, "runs": runs},
    forms=backup_forms.forms(),
    topics=lambda _visit: ("backups", "volumeBackups"),
)
