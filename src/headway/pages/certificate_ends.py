"""Until when certificates are good that were brought along: told before browsers tell visitors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.edge.api.rows import CertificateRow

CERTIFICATES: Asked[list[CertificateRow]] = Asked("certificates.all")
SOON = timedelta(days=14)
_SECONDS = 2.0
_MOST = 10


async def ending_values(visit: Visit) -> Mapping[str, object]:
    """The certificates that are good no more, or soon not, the first to end first; to who may see them."""
    found: list[CertificateRow] | Unknown = []
    if visit.may(CERTIFICATES.name):
        found = await visit.ask_within(_SECONDS, CERTIFICATES)
    if isinstance(found, Unknown):
        return {"ending": (), "ending_unknown": found}
    ending = [each for each in found if end_of(each, visit.now)]
    return {"ending": sorted(ending, key=lambda each: each["goodUntil"] or "")[:_MOST], "ending_unknown": None}


def end_of(row: CertificateRow, now: datetime) -> str:
    """Whether it is "over", or "soon"; "" of what is good for longer, and of what cannot be read."""
    until = row["goodUntil"]
    if until is None or datetime.fromisoformat(until) > now + SOON:
        return ""
    return "over" if datetime.fromisoformat(until) <= now else "soon"
