"""The page of the backups of one service, or of Headway itself, and the ways to make another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from headway.features.backups.pages import new_backup
from headway.features.backups.pages.backup_list import ALL, list_values
from headway.features.backups.pages.new_backup import DATABASES, HERE, PANEL, source_name
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.backups.api.overview_rows import BackupOverviewRow

PATH = "/backups/of/{kind}/{sourceId}"


async def show(visit: Visit) -> View:
    """Its backups."""
    kind, source_id = visit.path["kind"], visit.path["sourceId"]
    label = await source_name(visit)
    found = [each for each in await visit.ask(ALL) if _is_of(each, kind, source_id)]
    values = list_values(visit, found, address_of(kind, source_id), {})
    return View(
        template="features/backups/pages/source.html",
        values={
            **values,
            "pull": None,
            "label": label,
            "href": None if kind == PANEL else f"/services/{source_id}",
            "actions": _actions(visit, kind, address_of(kind, source_id)),
        },
        title=f"Backups: {label}",
    )


def address_of(kind: str, source_id: str) -> str:
    """Where the backups of something are shown."""
    return f"/backups/of/{kind}/{quote(source_id, safe='')}"


def _is_of(row: BackupOverviewRow, kind: str, source_id: str) -> bool:
    return row["of"] == "web-server" if (kind, source_id) == (PANEL, HERE) else row["serviceId"] == source_id


def _actions(visit: Visit, kind: str, path: str) -> Sequence[Mapping[str, object]]:
    offered: list[Mapping[str, object]] = []
    if visit.may("backup.create"):
        if kind in DATABASES:
            offered.append(_action("Back up its database", f"{path}/create-database"))
        elif kind == "compose":
            offered.append(_action("Back up a database in it", f"{path}/create-in-compose"))
        elif kind == PANEL:
            offered.append(_action("Back up Headway", f"{path}/create-panel"))
    if kind != PANEL and visit.may("volumeBackups.create"):
        label = "Back up its data folder or a volume" if kind == "application" else "Back up a volume"
        offered.append({**_action(label, f"{path}/create-volume"), "main": not offered})
    return offered


def _action(label: str, href: str) -> Mapping[str, object]:
    return {"label": label, "href": href, "icon": "new", "main": True}


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    forms={
        "create-database": new_backup.OF_DATABASE,
        "create-in-compose": new_backup.IN_COMPOSE,
        "create-panel": new_backup.OF_PANEL,
        "create-volume": new_backup.OF_VOLUME,
    },
)
