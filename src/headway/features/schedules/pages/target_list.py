"""The page on which somebody chooses where a new schedule is to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.access.model import Role
from headway.features.schedules.pages.schedule_forms import HERE, PANEL, SERVER, SERVICES, create_address
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.servers.api.rows import ServerName
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/schedules/new"
ALL: Asked[list[GlanceRow]] = Asked("service.all")
SERVERS: Asked[list[ServerName]] = Asked("server.allForPermissions")
CREATE = "schedule.create"
MOST = 200


async def show(visit: Visit) -> View:
    """Everything in which a schedule can run, or the one service that the address names; nothing for who adds none."""
    may_add = visit.may(CREATE)
    text, wanted = visit.query.get("text", "").strip(), visit.query.get("serviceId", "").strip()
    words = text.casefold().split()
    services = [each for each in await visit.ask(ALL) if each["kind"] in SERVICES] if may_add else []
    servers = await visit.ask(SERVERS) if may_add and visit.may(SERVERS.name) else []
    places = [_of_service(each) for each in services] + [_of_server(each) for each in servers]
    if visit.actor.role >= Role.ADMIN:
        here = {"name": "The panel's own machine", "what": "machine", "environment": None}
        places.append({**here, "href": create_address(PANEL, HERE)})
    if wanted:
        places = [_of_service(each) for each in services if each["serviceId"] == wanted]
    found = [each for each in places if all(word in str(each["name"]).casefold() for word in words)]
    return View(
        template="features/schedules/pages/target_list.html",
        values={"places": found[:MOST], "more": max(0, len(found) - MOST), "text": text, "may_add": may_add},
        title="Add a schedule",
    )


def _of_service(row: GlanceRow) -> Mapping[str, object]:
    href = create_address(row["kind"], row["serviceId"])
    return {"name": row["name"], "what": row["kind"], "environment": row["environment"], "href": href}


def _of_server(row: ServerName) -> Mapping[str, object]:
    href = create_address(SERVER, row["serverId"])
    return {"name": row["name"], "what": "server", "environment": None, "href": href}


PAGE = Page(path=PATH, permission=ALL.name, show=show)
