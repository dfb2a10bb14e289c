"""Services where they are shown by what they lie in: each as in the list of all, with what it does now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from headway.pages.page import Asked, Unknown, Visit
from headway.pages.service_states import down_among, line_of
from headway.pages.words import state

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

ALL: Asked[list[GlanceRow]] = Asked("service.all")
_SECONDS = 2.0


async def services_that(visit: Visit, lie_there: Callable[[GlanceRow], bool]) -> Sequence[GlanceRow] | Unknown:
    """The services that lie there, of those that the caller sees, in the order of the list of all."""
    found = await visit.ask_within(_SECONDS, ALL)
    return found if isinstance(found, Unknown) else [each for each in found if lie_there(each)]


async def lines_of(visit: Visit, services: Sequence[GlanceRow]) -> Sequence[Mapping[str, object]]:
    """These services with their states."""
    down = await down_among(visit, services)
    return [line_of(each, down) for each in services]


def unknown_line(service_id: str, name: str, kind: str, unknown: Unknown) -> Mapping[str, object]:
    """A service of which nothing more is known now than that it is there."""
    service = {"serviceId": service_id, "name": name, "serving": None}
    told = {"state": "unknown", "word": state("unknown").word, "at": unknown.since, "why": unknown.why}
    return {"service": service, "kind": kind, "serves": False, "down": None, **told}
