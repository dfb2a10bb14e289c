"""The page on which somebody chooses what a new backup is to be of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.access.model import Role
from headway.features.backups.pages.new_backup import HERE, PANEL
from headway.features.backups.pages.source import address_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/backups/new"
ALL: Asked[list[GlanceRow]] = Asked("service.all")
MOST = 200


async def show(visit: Visit) -> View:
    """Everything that can be backed up, or the one service that the address names."""
    text, wanted = visit.query.get("text", "").strip(), visit.query.get("serviceId", "").strip()
    words = text.casefold().split()
    services = await visit.ask(ALL)
    sources = [_of_service(each) for each in services]
    if visit.actor.role >= Role.ADMIN:
        sources.append(
            {"name": "Headway itself", "what": "panel", "environment": None, "href": address_of(PANEL, HERE)}
        )
    if wanted:
        sources = [_of_service(each) for each in services if each["serviceId"] == wanted]
    found = [each for each in sources if all(word in str(each["name"]).casefold() for word in words)]
    return View(
        template="features/backups/pages/source_list.html",
        values={"sources": found[:MOST], "more": max(0, len(found) - MOST), "text": text},
        title="Add a backup",
    )


def _of_service(row: GlanceRow) -> Mapping[str, object]:
    kind = row["database"] or row["kind"]
    href = address_of(kind, row["serviceId"])
    return {"name": row["name"], "what": kind, "environment": row["environment"], "href": href}


PAGE = Page(path=PATH, permission=ALL.name, show=show)
