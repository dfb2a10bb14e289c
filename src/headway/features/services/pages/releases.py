"""The page of the releases of a service: which serves, which can be gone back to, and why the others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import ONE, address
from headway.features.services.pages.service_topics import RELEASES, framed, service_of
from headway.pages.page import Page, View, Visit
from headway.pages.service_states import down_among, state_values

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/releases"


async def show(visit: Visit) -> View:
    """The newest of them first."""
    service = await service_of(visit)
    is_database = service["kind"] == "database"
    down = await down_among(visit, [service], serviceId=service["serviceId"])
    told = state_values(service, down=down.get(service["serviceId"]))
    values = {"releases": _releases(visit, service), "is_database": is_database, **told}
    return framed(visit, service, RELEASES, "releases.html", values)


def _releases(visit: Visit, service: ServiceOverviewRow) -> Sequence[Mapping[str, object]]:
    """What it can go back to, and why it cannot to the rest."""
    goes_back = visit.may("rollback.rollback") and service["kind"] != "database"
    return [
        {
            "row": each,
            "deployment": None if each["removed"] else f"/deployments/{each['deploymentId']}",
            "href": f"{address(service)}/rollback/{each['rollbackId']}" if goes_back and each["usable"] else None,
        }
        for each in service["releases"]
    ]


PAGE = Page(path=PATH, permission=ONE.name, show=show)
