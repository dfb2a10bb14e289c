"""The page of all services, by what they lie in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from headway.features.services.pages.service_states import state_of
from headway.pages.page import Asked, Page, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/services"
ALL: Asked[list[GlanceRow]] = Asked("service.all")


async def show(visit: Visit) -> View:
    """Every service, those of one environment together."""
    services = await visit.ask(ALL)
    wanted = visit.query.get("text", "").strip()
    found = [each for each in services if _holds(each, wanted.casefold().split())]
    return View(
        template="features/services/pages/service_list.html",
        values={"groups": groups_of(found), "total": len(services), "found": len(found), "text": wanted},
        title="Services",
    )


def groups_of(services: Sequence[GlanceRow]) -> Sequence[Mapping[str, object]]:
    """The environments in which services lie, in the order in which those come."""
    return [
        {"environment": rows[0]["environment"], "lines": [line_of(each) for each in rows]}
        for rows in (list(each) for _, each in groupby(services, lambda row: row["environment"]["environmentId"]))
    ]


def line_of(service: GlanceRow) -> Mapping[str, object]:
    """A service with its state."""
    key, word = state_of(service)
    return {"service": service, "state": key, "word": word, "kind": service["database"] or service["kind"]}


def _holds(service: GlanceRow, words: Sequence[str]) -> bool:
    """Whether each word stands in what the service is called, or in what it lies in."""
    environment = service["environment"]
    texts = (service["name"], service["appName"], service["description"] or "")
    held = " ".join((*texts, environment["name"], environment["project"]["name"])).casefold()
    return all(word in held for word in words)


PAGE = Page(path=PATH, permission=ALL.name, show=show)
