"""The page of all containers, machine by machine: the panel's own, and each server that services are on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.containers.pages.container_states import address, state_of, terminal_of
from headway.pages.list_view import chips, filters_of, holds, list_address
from headway.pages.page import Asked, Page, Unknown, View, Visit

if TYPE_CHECKING:
    from headway.features.containers.api.observations import OwnedContainerRow
    from headway.features.services.api.service_rows import GlanceRow

PATH = "/containers"
ALL: Asked[list[OwnedContainerRow]] = Asked("docker.all")
SERVICES: Asked[list[GlanceRow]] = Asked("service.all")
LABELS: Mapping[str, str] = {"text": "Text", "serverId": "Server", "state": "State"}
HERE = "panel"  # the panel's own machine, where an address names one
_SECONDS = 3.0
_MOST = 100  # of a machine
_MOST_SERVERS = 20
_STATES = ("running", "exited", "restarting", "paused", "created")


async def show(visit: Visit) -> View:
    """Every container that the filters let through."""
    return await _view(visit, "container_list.html")


async def rows(visit: Visit) -> View:
    """The same without the filters."""
    return await _view(visit, "container_rows.html")


async def _view(visit: Visit, template: str) -> View:
    filters = filters_of(visit.query, LABELS)
    services = await visit.ask_within(_SECONDS, SERVICES)
    known: Sequence[GlanceRow] = () if isinstance(services, Unknown) else services
    servers = {each["serverId"]: each["serverName"] or each["serverId"] for each in known if each["serverId"]}
    by_id = {each["serviceId"]: each for each in known}
    wanted = filters.get("serverId")
    asked = [None, *list(servers)[:_MOST_SERVERS]] if not wanted else [None if wanted == HERE else wanted]
    machines = await asyncio.gather(*(_machine(visit, each, servers, by_id, filters) for each in asked))
    words = {**servers, HERE: "the panel's own machine"}
    return View(
        template=f"features/containers/pages/{template}",
        values={
            "machines": machines,
            "further": max(len(servers) - _MOST_SERVERS, 0) if not wanted else 0,
            "services_unknown": services if isinstance(services, Unknown) else None,
            "filters": {name: filters.get(name, "") for name in LABELS},
            "chips": chips(PATH, LABELS, filters, words),
            "servers": _choices(servers, wanted),
            "states": _STATES,
            "is_empty": all(not each["lines"] and each["unknown"] is None for each in machines),
            "pull": list_address(f"{PATH}/-/rows", filters),
        },
        title="Containers",
    )


async def _machine(
    visit: Visit,
    server_id: str | None,
    servers: Mapping[str, str],
    services: Mapping[str, GlanceRow],
    filters: Mapping[str, str],
) -> Mapping[str, object]:
    """What is on one machine, Unknown where it does not tell."""
    found = await visit.ask_within(_SECONDS, ALL, serverId=server_id)
    lines: Sequence[Mapping[str, object]] = ()
    left_out = 0
    if not isinstance(found, Unknown):
        wanted = [each for each in found if _fits(each, services.get(each["serviceId"]), filters)]
        lines, left_out = (
            [_line(visit, each, services.get(each["serviceId"])) for each in wanted[:_MOST]],
            max(len(wanted) - _MOST, 0),
        )
    return {
        "name": "The panel's own machine" if server_id is None else servers.get(server_id, server_id),
        "key": server_id or HERE,
        "lines": lines,
        "left_out": left_out,
        "unknown": found if isinstance(found, Unknown) else None,
    }


def _fits(row: OwnedContainerRow, service: GlanceRow | None, filters: Mapping[str, str]) -> bool:
    if filters.get("state", row["state"]) != row["state"]:
        return False
    return holds(filters, row["name"], row["image"], row["service"], service and service["name"])


def _line(visit: Visit, row: OwnedContainerRow, service: GlanceRow | None) -> Mapping[str, object]:
    return {
        "row": row,
        "href": address(row),
        "state": state_of(row),
        "actions": terminal_of(visit, row, service),
        "service": service["name"] if service else row["project"] or row["serviceId"],
        "service_href": f"/services/{row['serviceId']}" if service else None,  # a preview has no page of its own
    }


def _choices(servers: Mapping[str, str], wanted: str | None) -> Sequence[Mapping[str, str]]:
    known = {HERE: "the panel's own machine", **servers}
    further = [] if not wanted or wanted in known else [{"value": wanted, "label": wanted}]
    return [*further, *({"value": each, "label": label} for each, label in known.items())]


PAGE = Page(
    path=PATH,
    permission=ALL.name,
    show=show,
    parts={"rows": rows},
    topics=lambda _visit: ("containers", "services"),
)
