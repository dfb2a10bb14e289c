"""The page of what came to all services: what each delivery started, or why it started nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from headway.api.problems import Problem
from headway.features.services.pages.service_list import ALL
from headway.features.webhooks.pages.verdicts import OUTCOMES, outcome_state, sender
from headway.pages.list_view import chips, filters_of, list_address, sentence_of
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow
    from headway.features.webhooks.api.rows import DeliveriesFound, DeliveryRow

DELIVERIES_PATH = "/webhooks"
ROWS = 50
SEARCH: Asked[DeliveriesFound] = Asked("webhook.search")
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "applicationId": "Application",
        "composeId": "Compose service",
        "outcome": "Verdict",
        "from": "From",
        "to": "Before",
    }
)
_SERVICE = "service"  # what the form calls either of both ids
_SECONDS = 2.0
_MOST_CHOICES = 200


async def show(visit: Visit) -> View:
    """The deliveries that the filters let through, newest first."""
    services = await visit.ask_within(_SECONDS, ALL)
    told = [each for each in ([] if isinstance(services, Unknown) else services) if each["kind"] != "database"]
    filters = _filters(visit.query, told)
    values = await _values(visit, filters, {each["serviceId"]: each["name"] for each in told})
    values |= {"choices": _choices(told, filters), "outcomes": _outcomes()}
    return _view("delivery_list.html", values)


async def rows(visit: Visit) -> View:
    """The same without the filters."""
    return _view("delivery_rows.html", await _values(visit, filters_of(visit.query, LABELS), {}))


def _view(template: str, values: Mapping[str, object]) -> View:
    status = 200 if values["problem"] is None else 400
    return View(template=f"features/webhooks/pages/{template}", values=values, title="Webhooks", status=status)


def _filters(query: Mapping[str, str], services: Sequence[GlanceRow]) -> Mapping[str, str]:
    """The filters of an address. The form names a service; which kind it is, its id says."""
    filters = dict(filters_of(query, LABELS))
    if service_id := query.get(_SERVICE, "").strip():
        kind = next((each["kind"] for each in services if each["serviceId"] == service_id), "application")
        filters.pop("applicationId", None)
        filters.pop("composeId", None)
        filters[f"{kind}Id"] = service_id
    return filters


async def _values(visit: Visit, filters: Mapping[str, str], names: Mapping[str, str]) -> dict[str, object]:
    cursor = visit.query.get("before", "").strip()
    given = {**filters, **({"before": cursor} if cursor else {})}
    problem, found = None, None
    try:
        found = await visit.ask(SEARCH, **given, limit=ROWS)
    except Problem as refused:
        problem = sentence_of(refused, LABELS)
    words = {**names, **{outcome: word for outcome, (_, word) in OUTCOMES.items()}}
    return {
        "filters": {name: filters.get(name, "") for name in LABELS},
        "chosen": filters.get("applicationId") or filters.get("composeId") or "",
        "chips": chips(DELIVERIES_PATH, LABELS, filters, words),
        "lines": [line_of(each) for each in (found["items"] if found else ())],
        "problem": problem,
        "newest": list_address(DELIVERIES_PATH, filters) if cursor else None,
        "older": list_address(DELIVERIES_PATH, {**filters, "before": found["before"]})
        if found and found["before"]
        else None,
        "pull": list_address(f"{DELIVERIES_PATH}/-/rows", given),
    }


def line_of(row: DeliveryRow) -> Mapping[str, object]:
    """A delivery in a list."""
    return {"row": row, "sender": sender(row["sender"]), "state": outcome_state(row["outcome"])}


def _choices(services: Sequence[GlanceRow], filters: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    """What can be chosen, and what is, be it none that is seen."""
    shown = services[:_MOST_CHOICES]
    chosen = filters.get("applicationId") or filters.get("composeId")
    further = [] if chosen is None or any(each["serviceId"] == chosen for each in shown) else [chosen]
    names = {each["serviceId"]: each["name"] for each in services}
    return [
        *({"value": each, "label": names.get(each, each)} for each in further),
        *({"value": each["serviceId"], "label": each["name"]} for each in shown),
    ]


def _outcomes() -> Sequence[Mapping[str, str]]:
    return [{"value": outcome, "label": word} for outcome, (_, word) in OUTCOMES.items()]


PAGE = Page(
    path=DELIVERIES_PATH, permission=SEARCH.name, show=show, parts={"rows": rows}, topics=lambda _visit: ("deliveries",)
)
