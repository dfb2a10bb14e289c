"""Where a service answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headway.features.services.pages.service_actions import APPLICATION, COMPOSE
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.edge.api.rows import DomainRow
    from headway.features.services.api.service_rows import GlanceRow

OF_APPLICATION: Asked[list[DomainRow]] = Asked("domain.byApplicationId")
OF_COMPOSE: Asked[list[DomainRow]] = Asked("domain.byComposeId")
_SECONDS = 2.0


async def addresses_of(visit: Visit, service: GlanceRow) -> Sequence[str] | Unknown:
    """Where it answers, each once: the domains that are switched on."""
    asked = {APPLICATION: OF_APPLICATION, COMPOSE: OF_COMPOSE}.get(service["kind"])
    if asked is None or not visit.may(asked.name):
        return ()
    id_of = {f"{service['kind']}Id": service["serviceId"]}
    domains = await visit.ask_within(_SECONDS, asked, **id_of)
    if isinstance(domains, Unknown):
        return domains
    return list(dict.fromkeys(each["address"] for each in domains if each["enabled"]))
