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
from headway.features.services.pages.service_states import state_of
from headway.pages.page import Asked, Page, Unknown, View, Visit
from headway.pages.words import cut

if TYPE_CHECKING:
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
    return await _view(visit, "service.html")


async def standing(visit: Visit) -> View:
    """What serves, and what can be done."""
    return await _view(visit, "service_standing.html")


async def deployments(visit: Visit) -> View:
    """Its newest deployments."""
    return await _view(visit, "service_deployments.html")


async def _view(visit: Visit, template: str) -> View:
    service = await visit.ask(ONE, serviceId=visit.path["serviceId"])
    found = await visit.ask(DEPLOYMENTS, type=service["kind"], id=service["serviceId"], limit=ROWS)
    rows = found["rows"]
    under_way = _under_way(rows)
    key, word = state_of(service, is_deployed=under_way is not None)
    path = address(service)
    of_it = urlencode({"type": service["kind"], "id": service["serviceId"]})
    return View(
        template=f"{_FOLDER}/{template}",
        values={
            "service": service,
            "kind": service["database"] or service["kind"],
            "state": key,
            "word": word,
            "addresses": await _addresses(visit, service),
            "proof": _proof(service),
            "actions": actions_of(visit, service, waiting=any(row["status"] == "pending" for row in rows)),
            "rows": rows,
            "more": f"/deployments?{of_it}" if found["nextCursor"] else None,
            "releases": _releases(visit, service),
            "live": any(row["status"] in _UNFINISHED for row in rows) or service["status"] == "running",
            "under_way": under_way,
            "standing_pull": f"{path}/-/standing",
            "deployments_pull": f"{path}/-/deployments",
        },
        title=cut(service["name"], 120),
    )


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


def _releases(visit: Visit, service: ServiceOverviewRow) -> Sequence[Mapping[str, object]]:
    """What it can go back to, and why it cannot to the rest."""
    goes_back = visit.may("rollback.rollback") and service["kind"] != "database"
    return [
        {
            "row": each,
            "href": f"{address(service)}/rollback/{each['rollbackId']}" if goes_back and each["usable"] else None,
        }
        for each in service["releases"]
    ]


def _under_way(rows: Sequence[CentralRow]) -> CentralRow | None:
    """What is being deployed to it, or waits to be; None where nothing is."""
    found = [row for row in rows if row["status"] in _UNFINISHED]
    return next((row for row in found if row["status"] == "running"), found[-1] if found else None)


PAGE = Page(
    path=PATH, permission=ONE.name, show=show, parts={"standing": standing, "deployments": deployments}, forms=forms()
)
