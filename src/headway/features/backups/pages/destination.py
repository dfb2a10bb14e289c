"""The page of what lies at the destination of a backup, known to this panel or not; each file can be restored."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.features.backups.pages.backup_forms import LIST, row_of
from headway.features.backups.pages.backup_words import name_of
from headway.features.backups.pages.files import file_id
from headway.kernel.errors import InvalidInput
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import moment

if TYPE_CHECKING:
    from headway.features.backups.api.rows import FileEntry

PATH = "/backups/{backupId}/destination"
LISTING: Asked[list[FileEntry]] = Asked("backup.listBackupFiles")
MOST = 500
_SECONDS = 20.0


async def show(visit: Visit) -> View:
    """A folder of it."""
    row, folder = await row_of(visit), visit.query.get("folder", "").strip("/")
    search = f"{folder}/" if folder else ""
    try:
        found = await visit.ask_within(_SECONDS, LISTING, destinationId=row["destinationId"], search=search)
    except InvalidInput as refused:
        found = Unknown(why=refused.message)
    here = f"{LIST}/{row['backupId']}"
    entries = () if isinstance(found, Unknown) else found
    return View(
        template="features/backups/pages/destination.html",
        values={
            "row": row,
            "name": name_of(row),
            "folder": folder,
            "lines": [_line(here, each) for each in entries[:MOST]],
            "more": max(0, len(entries) - MOST),
            "unknown_why": found if isinstance(found, Unknown) else None,
            "up": _up(here, folder) if folder else None,
        },
        title=f"Destination of {name_of(row)}",
    )


def _line(here: str, entry: FileEntry) -> Mapping[str, object]:
    folder = f"{here}/destination?{urlencode({'folder': entry['Path']})}"
    href = folder if entry["IsDir"] else f"{here}/files/{file_id(entry['Path'])}"
    return {"entry": entry, "href": href, "at": _moment(entry["ModTime"])}


def _moment(told: str) -> datetime | None:
    """When a storage says that it was changed; None for what is no time."""
    with suppress(ValueError):
        return moment(told)
    return None


def _up(here: str, folder: str) -> str:
    above = folder.rpartition("/")[0]
    return f"{here}/destination?{urlencode({'folder': above})}" if above else f"{here}/destination"


PAGE = Page(path=PATH, permission=LISTING.name, show=show)
