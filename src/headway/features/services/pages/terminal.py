"""The page of a terminal: a command of one's own inside what runs of a service, for as long as the page lies open."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import APPLICATION, COMPOSE, ONE, router_of
from headway.features.services.pages.service_processes import process_values
from headway.features.services.pages.service_topics import TERMINAL, exec_of, framed, id_of, service_of
from headway.kernel.errors import NotFound
from headway.pages.page import Page, View, Visit

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import ServiceOverviewRow

PATH = "/services/{serviceId}/terminal"
_COMMAND = "sh"
# What a service of a kind is made of: as the operation takes it, and as people call it.
_PARTS: Mapping[str, tuple[str, str]] = {APPLICATION: ("process", "Process"), COMPOSE: ("serviceName", "Service")}


async def show(visit: Visit) -> View:
    """What can be entered, and the way in. Raises NotFound of a database, which has no such way."""
    service = await service_of(visit)
    router = router_of(service)
    if router not in _PARTS:
        raise NotFound("A database has no terminal.")
    values = await process_values(visit, service)
    rows: Sequence[Mapping[str, object]] = values["processes"]  # type: ignore[assignment] # its rows
    of, of_label = _PARTS[router]
    return framed(
        visit,
        service,
        TERMINAL,
        "terminal.html",
        {
            "operation": exec_of(router),
            "given": json.dumps(id_of(router, visit)),
            "of": of,
            "of_label": of_label,
            "names": list(dict.fromkeys(each["name"] for each in rows)) if _is_up(service) else (),
            "chosen": visit.query.get("of", ""),
            "command": _COMMAND,
            "may": visit.may(exec_of(router)),
            "unknown": values["processes_unknown"],
        },
    )


def _is_up(service: ServiceOverviewRow) -> bool:
    return service["serving"] is not None and service["wanted"] == "up"


PAGE = Page(path=PATH, permission=ONE.name, show=show)
