"""The bars above a list of one service's deployments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from headway.core.deployments.status import Status
from headway.kernel.errors import HeadwayError
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.deployments.api.strip import BarRow

STRIP: Asked[list[BarRow]] = Asked("deployment.strip")
_OF = frozenset({"application", "compose", "database", "previewDeployment", "schedule", "backup", "volumeBackup"})
_UNFINISHED = frozenset({Status.PENDING, Status.RUNNING})
_SECONDS = 5.0


async def strip_values(
    visit: Visit, filters: Mapping[str, str], path: str, topic: str = "deployments"
) -> Mapping[str, object]:
    """What the template is given; no bars where the list is not of one thing, or of one that is not to be seen. It is
    pulled below ``path``, when the ``topic`` changes.
    """
    of_it = {name: filters.get(name, "") for name in ("type", "id")}
    bars: Sequence[BarRow] | Unknown = ()
    if of_it["type"] in _OF and of_it["id"]:
        try:
            bars = await visit.ask_within(_SECONDS, STRIP, **of_it)
        except HeadwayError:  # it is gone, or was never there: the list says so
            bars = ()
    known: Sequence[BarRow] = () if isinstance(bars, Unknown) else bars
    return {
        "bars": known,
        "bars_unknown": bars if isinstance(bars, Unknown) else None,
        "strip_pull": f"{path}/-/strip?{urlencode(of_it)}",
        "strip_topic": topic,
        "strip_live": any(each["status"] in _UNFINISHED for each in known),
    }
