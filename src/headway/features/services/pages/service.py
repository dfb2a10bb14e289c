"""The page of one service: what serves since when and where it was seen to, its deployments, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.core.deployments.status import Status
from headway.features.services.pages.database_connection import connection_values
from headway.features.services.pages.service_actions import (
    ONE,
    actions_of,
    address,
    forms,
)
from headway.features.services.pages.service_addresses import addresses_of
from headway.features.services.pages.service_changes import RESTART, pending_values, restart
from headway.features.services.pages.service_processes import process_values
from headway.features.services.pages.service_proof import proof_of
from headway.features.services.pages.service_topics import FOLDER, OVERVIEW, framed
from headway.pages.deployment_figures import figures_values
from headway.pages.deployment_rows import row_values
from headway.pages.deployment_strip import strip_values
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.sections import shown_together
from headway.pages.service_states import down_among, state_values
from headway.pages.usage_pictures import service_usage_values
from headway.pages.words import cut

if TYPE_CHECKING:
    from headway.features.deployments.api.rows import CentralRow, SearchPage
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}"
DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
ROWS = 20
_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING})
_SECONDS = 2.0
_USAGE = "features/usage/pages/usage.html"
_STRIP = "features/deployments/pages/deployment_strip.html"
_FIGURES = "features/deployments/pages/deployment_figures.html"


async def show(visit: Visit) -> View:
    """All of it."""
    service, found = await _asked(visit)
    values = await shown_together(
        _standing(visit, service, found),
        _deployments(visit, service, found),
        pending_values(visit, service),
        process_values(visit, service),
        _usage(visit, service),
        _figures(visit, service),
        connection_values(visit, service),
        _strip(visit, service),
    )
    return framed(visit, service, OVERVIEW, "service.html", values)


async def standing(visit: Visit) -> View:
    """What serves, and what can be done."""
    service, found = await _asked(visit)
    return _view("service_standing.html", service, await _standing(visit, service, found))


async def pending(visit: Visit) -> View:
    """What is saved and not in effect."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    return _view("service_changes.html", service, await pending_values(visit, service))


async def processes(visit: Visit) -> View:
    """What runs now."""
    service, found = await _asked(visit)
    values = {**await process_values(visit, service), "live": _is_live(service, found)}
    return _view("service_processes.html", service, values)


async def deployments(visit: Visit) -> View:
    """Its newest deployments."""
    service, found = await _asked(visit)
    return _view("service_deployments.html", service, await _deployments(visit, service, found))


async def strip(visit: Visit) -> View:
    """Its newest deployments as bars."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    return View(template=_STRIP, values=await _strip(visit, service), title=cut(service["name"], 120))


async def _strip(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    of_it, topic = {"type": service["kind"], "id": service["serviceId"]}, f"service:{service['serviceId']}"
    return await strip_values(visit, of_it, address(service), topic)


async def usage(visit: Visit) -> View:
    """What it uses."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    return View(template=_USAGE, values=await _usage(visit, service), title=cut(service["name"], 120))


async def _usage(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    return await service_usage_values(visit, service["kind"], service["serviceId"], address(service))


async def figures(visit: Visit) -> View:
    """How its deployments went of late."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    values = await _figures(visit, service)
    return View(template=_FIGURES, values=values, title=cut(service["name"], 120))


async def _figures(visit: Visit, service: ServiceOverviewRow) -> Mapping[str, object]:
    of_it = {"type": service["kind"], "id": service["serviceId"]}
    return await figures_values(visit, of_it, f"{address(service)}/-/figures")


def _view(template: str, service: ServiceOverviewRow, values: Mapping[str, object]) -> View:
    return View(template=f"{FOLDER}/{template}", values=values, title=cut(service["name"], 120))


async def _asked(visit: Visit) -> tuple[ServiceOverviewRow, SearchPage | Unknown]:
    """The service and its newest deployments, which are looked for and may take long."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    of_it = {"type": service["kind"], "id": service["serviceId"]}
    return service, await visit.ask_within(_SECONDS, DEPLOYMENTS, **of_it, limit=ROWS)


async def _standing(visit: Visit, service: ServiceOverviewRow, found: SearchPage | Unknown) -> dict[str, object]:
    rows = () if isinstance(found, Unknown) else found["rows"]
    under_way = _under_way(rows)
    status = None if isinstance(found, Unknown) else under_way["status"] if under_way else ""
    down = await down_among(visit, [service], serviceId=service["serviceId"])
    waits = any(row["status"] == "pending" for row in rows)
    return {
        "service": service,
        "kind": service["database"] or service["kind"],
        **state_values(service, under_way=status, down=down.get(service["serviceId"])),
        "addresses": await addresses_of(visit, service),
        "proof": proof_of(service),
        "server_href": f"/servers/{service['serverId']}" if visit.may("server.one") else None,
        "actions": actions_of(visit, service, waiting=waits, releases=service["releases"]),
        "live": _is_live(service, found),
        "under_way": under_way,
        "under_way_unknown": found if isinstance(found, Unknown) else None,
        "standing_pull": f"{address(service)}/-/standing",
    }


async def _deployments(visit: Visit, service: ServiceOverviewRow, found: SearchPage | Unknown) -> dict[str, object]:
    of_it = urlencode({"type": service["kind"], "id": service["serviceId"]})
    told: dict[str, object] = {"rows": (), "rows_unknown": found, "more": None}
    if not isinstance(found, Unknown):
        more = f"/deployments?{of_it}" if found["nextCursor"] else None
        told = {"rows": found["rows"], "rows_unknown": None, "more": more}
        told |= await row_values(visit, found["rows"])
    return {
        **told,
        "service": service,
        "live": _is_live(service, found),
        "deployments_pull": f"{address(service)}/-/deployments",
    }


def _is_live(service: ServiceOverviewRow, found: SearchPage | Unknown) -> bool:
    """Whether something is under way, or it is not known whether."""
    if service["status"] == "running" or isinstance(found, Unknown):
        return True
    return any(row["status"] in _UNFINISHED for row in found["rows"])


def _under_way(rows: Sequence[CentralRow]) -> CentralRow | None:
    """What is being deployed to it, or waits to be; None where nothing is."""
    found = [row for row in rows if row["status"] in _UNFINISHED]
    return next((row for row in found if row["status"] == "running"), found[-1] if found else None)


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={
        "standing": standing,
        "pending": pending,
        "processes": processes,
        "strip": strip,
        "deployments": deployments,
        "usage": usage,
        "figures": figures,
    },
    forms={**forms(), RESTART: restart()},
    topics=lambda visit: (f"service:{visit.path['serviceId']}",),
)
