"""The page of one file of a backup: how good it is, and the ways to restore it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.backups.pages.backup import kept_files
from headway.features.backups.pages.backup_forms import LIST, did_queue, id_of, of_kind, row_of, to_deployment
from headway.features.backups.pages.backup_list import ALL
from headway.features.backups.pages.backup_words import can_be_restored, can_be_tried, name_of, source_of
from headway.features.backups.pages.files import path_of
from headway.pages.forms import Field, Form, Kind, Question
from headway.pages.page import Page, View, Visit
from headway.pages.words import cut, utc

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow
    from headway.features.backups.api.rows import FileRow

PATH = "/backups/{backupId}/files/{file}"


async def show(visit: Visit) -> View:
    """What is known of it."""
    row, path = await row_of(visit), path_of(visit.path["file"])
    known = await _known(visit, row, path)
    return View(
        template="features/backups/pages/backup_file.html",
        values={
            "row": row,
            "name": name_of(row),
            "source": source_of(row),
            "path": path,
            "file": known,
            "is_panel": row["of"] == "web-server",
            "tried": can_be_tried(row),
            "actions": _actions(visit, row),
        },
        title=f"File of {name_of(row)}",
    )


async def _known(visit: Visit, row: BackupOverviewRow, path: str) -> FileRow | None:
    """What Headway knows of a file; None where it was made by another panel, or is no file of this backup."""
    return next((each for each in await kept_files(visit, row) if each["path"] == path), None)


def _actions(visit: Visit, row: BackupOverviewRow) -> Sequence[Mapping[str, object]]:
    path = f"{LIST}/{row['backupId']}/files/{visit.path['file']}"
    offered: list[Mapping[str, object]] = []
    restore = "volumeBackups.restoreVolumeBackupWithLogs" if row["kind"] == "volume" else "backup.restoreBackupWithLogs"
    if can_be_tried(row) and visit.may("backup.drill"):
        offered.append({"label": "Restore on trial", "href": f"{path}/try", "icon": "check", "main": True})
    if can_be_restored(row) and visit.may(restore):
        href = f"{path}/restore-{row['kind']}"
        offered.append({"label": "Restore", "href": href, "icon": "roll-back", "danger": True})
    return offered


async def _made(visit: Visit, row: BackupOverviewRow) -> str:
    """When the file was made, as far as that is known."""
    path = path_of(visit.path["file"])
    known = await _known(visit, row, path)
    if known is None:
        return f"Headway knows nothing of {cut(path, 200)}: it is read through before anything is touched."
    return f"The file was made {utc(known['createdAt'])}, and found whole then."


async def _ask_database(visit: Visit) -> Question:
    row = await of_kind(visit, "database")
    return Question(
        title=f"Restore a file of “{name_of(row)}”?",
        consequences=(
            await _made(visit, row),
            f"It fills the database {cut(row['source'], 120)}, or the one that is named below, on the same server.",
            "What that holds now is replaced where this is ticked; else a database that holds anything is left alone.",
            "What was written since the file was made is lost then. It cannot be taken back.",
        ),
        button="Restore it",
        danger=True,
        typed=row["source"].strip() or name_of(row),
        fields={
            "databaseName": Field(label="Into the database", hint="Empty: the one that the backup is of."),
            "overwrite": Field(label="Replace what it holds"),
        },
    )


async def _ask_volume(visit: Visit) -> Question:
    row = await of_kind(visit, "volume")
    return Question(
        title=f"Restore a file of “{name_of(row)}”?",
        consequences=(
            await _made(visit, row),
            f"Without another name the volume {cut(row['source'], 120)} is replaced; its service is stopped meanwhile.",
            "What was written since the file was made is lost then.",
            "The old volume is kept until the new one is in use.",
            "With a name a new volume is made, which nothing uses yet.",
        ),
        button="Restore it",
        danger=True,
        typed=row["source"].strip(),
        fields={"volumeName": Field(label="Into a new volume", hint="Empty: the same one is replaced.")},
    )


async def _ask_try(visit: Visit) -> Question:
    row = await of_kind(visit, "database")
    return Question(
        title=f"Restore a file of “{name_of(row)}” on trial?",
        consequences=(
            await _made(visit, row),
            "It is restored into a database of its own on the same server, looked at, and thrown away.",
        ),
        button="Try it",
    )


def _given(visit: Visit, kind: str) -> Mapping[str, object]:
    name = "backupFileName" if kind == "volume" else "backupFile"
    return {**id_of(visit, kind), name: path_of(visit.path["file"])}


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    forms={
        "restore-database": Form(
            operation=lambda _visit: "backup.restoreBackupWithLogs",
            given=lambda visit: _given(visit, "database"),
            asks=_ask_database,
            did=did_queue,
            then=to_deployment,
            fields={"databaseName": Kind.TEXT, "overwrite": Kind.FLAG},
        ),
        "restore-volume": Form(
            operation=lambda _visit: "volumeBackups.restoreVolumeBackupWithLogs",
            given=lambda visit: _given(visit, "volume"),
            asks=_ask_volume,
            did=did_queue,
            then=to_deployment,
            fields={"volumeName": Kind.TEXT},
        ),
        "try": Form(
            operation=lambda _visit: "backup.drill",
            given=lambda visit: _given(visit, "database"),
            asks=_ask_try,
            did=did_queue,
            then=to_deployment,
        ),
    },
)
