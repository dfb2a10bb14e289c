"""The page of all backups, of databases, of volumes and of Headway itself: what is kept, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.backups.pages.backup_words import kept_of, name_of, proof_of, source_of, when_of
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
    from headway.features.backups.api.overview_rows import BackupOverviewRow

PATH = "/backups"
ALL: Asked[list[BackupOverviewRow]] = Asked("backup.overview")
ROWS = 100
_FILTERS: Mapping[str, str] = {"text": "Text", "serviceId": "Service", "destinationId": "Destination"}


async def show(visit: Visit) -> View:
    """Every backup that the filters let through."""
    return await _view(visit, "backup_list.html")


async def rows(visit: Visit) -> View:
    """The list alone."""
    return await _view(visit, "backup_rows.html")


async def _view(visit: Visit, template: str) -> View:
    filters, every = filters_of(visit.query, _FILTERS), await visit.ask(ALL)
    found = [each for each in every if _passes(each, filters)]
    of_service = {"serviceId": filters.get("serviceId")}
    new = {"label": "Add a backup", "href": list_address(f"{PATH}/new", of_service), "icon": "new", "main": True}
    services = options(((each["serviceId"], each["serviceName"]) for each in every), filters.get("serviceId"))
    named = ((each["destinationId"], each["destinationName"]) for each in every if each["destinationName"])
    destinations = options(named, filters.get("destinationId"))
    return View(
        template=f"features/backups/pages/{template}",
        values={
            **list_values(visit, found, PATH, filters),
            "actions": (new,) if visit.may("backup.create") else (),
            "chips": chips(PATH, _FILTERS, filters, words_of(services, destinations)),
            "services": services,
            "destinations": destinations,
        },
        title="Backups",
    )


def list_values(
    visit: Visit, found: Sequence[BackupOverviewRow], path: str, filters: Mapping[str, str]
) -> Mapping[str, object]:
    """What the list needs to show these, from the one on that the address names."""
    part = part_of(found, lambda each: each["backupId"], visit.query.get(AFTER, ""), ROWS)
    return {
        **view_values(path, filters, part),
        "lines": [line_of(each) for each in part.rows],
        "chips": (),
        "live": any(is_under_way(each) for each in part.rows),
    }


def line_of(row: BackupOverviewRow) -> Mapping[str, object]:
    """A backup in words."""
    return {
        "row": row,
        "name": name_of(row),
        "source": source_of(row),
        "kept": kept_of(row),
        "when": when_of(row),
        "proof": proof_of(row),
    }


def is_under_way(row: BackupOverviewRow) -> bool:
    """Whether something of it waits or runs."""
    return row["lastRun"] is not None and row["lastRun"]["status"] in {"pending", "running"}


def _passes(row: BackupOverviewRow, filters: Mapping[str, str]) -> bool:
    return (
        filters.get("serviceId") in {None, row["serviceId"]}
        and filters.get("destinationId") in {None, row["destinationId"]}
        and holds(filters, row["name"], row["source"], row["of"], row["serviceName"])
    )


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    parts={"list": rows},
    topics=lambda _visit: ("backups", "volumeBackups"),
)
