"""The page of all services, by what they lie in, which can be had alone as it is filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from headway.core.access.model import Actor, Role
from headway.pages.list_view import AFTER, chips, filters_of, holds, options, part_of, view_values, words_of
from headway.pages.page import Asked, Page, View, Visit
from headway.pages.service_states import SHOWN, down_among, line_of, state_of

if TYPE_CHECKING:
    from headway.features.services.api.downtime import DownRow
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/services"
ALL: Asked[list[GlanceRow]] = Asked("service.all")
ROWS = 100
LABELS: Mapping[str, str] = {"text": "Text", "state": "State", "serverId": "Machine"}
HERE = "panel"  # the panel's own machine, where an address names one
NEW: Mapping[str, object] = {"label": "New service", "href": "/new", "icon": "new", "main": True}


async def show(visit: Visit) -> View:
    """Every service, those of one environment together."""
    return await _view(visit, "service_list.html")


async def rows(visit: Visit) -> View:
    """The same without the filter."""
    return await _view(visit, "service_rows.html")


async def _view(visit: Visit, template: str) -> View:
    services = await visit.ask(ALL)
    filters = filters_of(visit.query, LABELS)
    found = [each for each in services if _fits(each, filters)]
    if wanted := filters.get("state"):
        down = await down_among(visit, found)
        found = [each for each in found if state_of(each, down=down.get(each["serviceId"]))[0] == wanted]
    part = part_of(found, lambda each: each["serviceId"], visit.query.get(AFTER, ""), ROWS)
    down = await down_among(visit, part.rows)
    makes = visit.may("application.create")
    states = [{"value": key, "label": word} for key, word in SHOWN.items()]
    servers = options([(each["serverId"], each["serverName"]) for each in services], filters.get("serverId"))
    machines = [{"value": HERE, "label": "the panel's own"}, *(each for each in servers if each["value"] != HERE)]
    return View(
        template=f"features/services/pages/{template}",
        values={
            **view_values(PATH, filters, part),
            "chips": chips(PATH, LABELS, filters, words_of(states, machines)),
            "filters": {name: filters.get(name, "") for name in LABELS},
            "states": states,
            "machines": machines,
            "groups": groups_of(part.rows, down),
            "total": len(services),
            "live": any(each["status"] == "running" for each in part.rows),
            "was_given_nothing": was_given_nothing(visit.actor),
            "makes": makes,
            "actions": (NEW,) if makes and services else (),
        },
        title="Services",
    )


def was_given_nothing(actor: Actor) -> bool:
    """Whether there may be services that somebody does not see."""
    return actor.role < Role.ADMIN and not actor.projects and not actor.services


def groups_of(services: Sequence[GlanceRow], down: Mapping[str, DownRow]) -> Sequence[Mapping[str, object]]:
    """The environments in which services lie, in the order in which those come; ``down`` by their ids what of some does
    not run, or may not.
    """
    return [
        {"environment": rows[0]["environment"], "lines": [line_of(each, down) for each in rows]}
        for rows in (list(each) for _, each in groupby(services, lambda row: row["environment"]["environmentId"]))
    ]


def _fits(service: GlanceRow, filters: Mapping[str, str]) -> bool:
    """Whether it is on the machine that is wanted, and each word stands in what it is called, in the names of its
    domains, or in what it lies in.
    """
    if filters.get("serverId", service["serverId"] or HERE) != (service["serverId"] or HERE):
        return False
    environment = service["environment"]
    texts = (service["name"], service["appName"], service["description"], *service["hosts"])
    return holds(filters, *texts, environment["name"], environment["project"]["name"])


PAGE = Page(path=PATH, permission=ALL.name, show=show, parts={"list": rows}, topics=lambda _visit: ("services",))
