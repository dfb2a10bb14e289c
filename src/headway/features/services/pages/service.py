"""The page of one service: what serves since when and where it was seen to, its deployments, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.core.deployments.status import Status
from headway.features.services.pages.service_actions import (
    APPLICATION,
    COMPOSE,
    ONE,
    actions_of,
    address,
    forms,
)
from headway.features.services.pages.service_states import state_values
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut, moment

if TYPE_CHECKING:
    from headway.features.deployments.api.rollback_rows import LeftRow
    from headway.features.deployments.api.rows import AnswersRow, CentralRow, SearchPage
    from headway.features.edge.api.rows import DomainRow
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}"
DEPLOYMENTS: Asked[SearchPage] = Asked("deployment.search")
OF_APPLICATION: Asked[list[DomainRow]] = Asked("domain.byApplicationId")
OF_COMPOSE: Asked[list[DomainRow]] = Asked("domain.byComposeId")
ROWS = 20
_FOLDER = "features/services/pages"
_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING})
_SECONDS = 2.0
_FAILS = 500


async def show(visit: Visit) -> View:
    """All of it."""
    service, found = await _asked(visit)
    values = {**await _standing(visit, service, found), **_deployments(service, found)}
    values["releases"] = _releases(visit, service, found)
    return _view("service.html", service, values)


async def standing(visit: Visit) -> View:
    """What serves, and what can be done."""
    service, found = await _asked(visit)
    return _view("service_standing.html", service, await _standing(visit, service, found))


async def deployments(visit: Visit) -> View:
    """Its newest deployments."""
    service, found = await _asked(visit)
    return _view("service_deployments.html", service, _deployments(service, found))


def _view(template: str, service: ServiceOverviewRow, values: Mapping[str, object]) -> View:
    return View(template=f"{_FOLDER}/{template}", values=values, title=cut(service["name"], 120))


async def _asked(visit: Visit) -> tuple[ServiceOverviewRow, SearchPage | Unknown]:
    """The service and its newest deployments, which are looked for and may take long."""
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    of_it = {"type": service["kind"], "id": service["serviceId"]}
    return service, await visit.ask_within(_SECONDS, DEPLOYMENTS, **of_it, limit=ROWS)


async def _standing(visit: Visit, service: ServiceOverviewRow, found: SearchPage | Unknown) -> dict[str, object]:
    rows = () if isinstance(found, Unknown) else found["rows"]
    under_way = _under_way(rows)
    status = None if isinstance(found, Unknown) else under_way["status"] if under_way else ""
    return {
        "service": service,
        "kind": service["database"] or service["kind"],
        **state_values(service, under_way=status),
        "addresses": await _addresses(visit, service),
        "proof": _proof(service),
        "actions": actions_of(visit, service, waiting=any(row["status"] == "pending" for row in rows)),
        "live": _is_live(service, found),
        "under_way": under_way,
        "under_way_unknown": found if isinstance(found, Unknown) else None,
        "standing_pull": f"{address(service)}/-/standing",
    }


def _deployments(service: ServiceOverviewRow, found: SearchPage | Unknown) -> dict[str, object]:
    of_it = urlencode({"type": service["kind"], "id": service["serviceId"]})
    told: dict[str, object] = {"rows": (), "rows_unknown": found, "more": None}
    if not isinstance(found, Unknown):
        more = f"/deployments?{of_it}" if found["nextCursor"] else None
        told = {"rows": found["rows"], "rows_unknown": None, "more": more}
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


async def _addresses(visit: Visit, service: ServiceOverviewRow) -> Sequence[str] | Unknown:
    """Where it answers, each once: the domains that are switched on."""
    asked = {APPLICATION: OF_APPLICATION, COMPOSE: OF_COMPOSE}.get(service["kind"])
    if asked is None or not visit.may(asked.name):
        return ()
    id_of = {f"{service['kind']}Id": service["serviceId"]}
    domains = await visit.ask_within(_SECONDS, asked, **id_of)
    if isinstance(domains, Unknown):
        return domains
    return list(dict.fromkeys(each["address"] for each in domains if each["enabled"]))


def _proof(service: ServiceOverviewRow) -> Mapping[str, object] | None:
    """What its address answered when what serves was deployed, and whether that is what a visitor should get."""
    serving = service["serving"]
    if serving is None or serving["answers"] is None:
        return None
    answers = serving["answers"]
    return {"text": answered(answers), "at": serving["doneAt"], "good": _is_good(answers)}


def answered(answers: AnswersRow) -> str:
    """What an address answered, in words."""
    how = "nobody answered" if answers["status"] is None else f"answered {answers['status']}"
    return f"GET {cut(answers['path'], 120)} {how} after {answers['ms']} ms"


def _is_good(answers: AnswersRow) -> bool:
    status = answers["status"]
    return answers["trouble"] is None and status is not None and status < _FAILS


def _releases(visit: Visit, service: ServiceOverviewRow, found: SearchPage | Unknown) -> Sequence[Mapping[str, object]]:
    """What it can go back to, and why it cannot to the rest."""
    goes_back = visit.may("rollback.rollback") and service["kind"] != "database"
    return [
        {
            "row": each,
            "deployment": None if _is_removed(each, found) else f"/deployments/{each['deploymentId']}",
            "href": f"{address(service)}/rollback/{each['rollbackId']}" if goes_back and each["usable"] else None,
        }
        for each in service["releases"]
    ]


def _is_removed(release: LeftRow, found: SearchPage | Unknown) -> bool:
    """Whether the deployment that left it is known to be gone: it is not among those that were found, which come newest
    first.
    """
    if isinstance(found, Unknown) or any(row["deploymentId"] == release["deploymentId"] for row in found["rows"]):
        return False
    if not found["nextCursor"]:
        return True
    return bool(found["rows"]) and moment(found["rows"][-1]["createdAt"]) < moment(release["createdAt"])


def _under_way(rows: Sequence[CentralRow]) -> CentralRow | None:
    """What is being deployed to it, or waits to be; None where nothing is."""
    found = [row for row in rows if row["status"] in _UNFINISHED]
    return next((row for row in found if row["status"] == "running"), found[-1] if found else None)


PAGE = Page(
    path=PATH,
    permission=ONE.name,
    show=show,
    parts={"standing": standing, "deployments": deployments},
    forms=forms(),
    topics=lambda visit: (f"service:{visit.path['serviceId']}",),
)
