"""What came of asking an authority for the certificates of domains, in words: told before browsers tell visitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from headway.pages.certificate_ends import SOON
from headway.pages.page import Asked, Unknown, Visit

if TYPE_CHECKING:
    from headway.features.edge.api.rows import DomainCertificateRow, IssuedRow

OF_DOMAINS: Asked[list[DomainCertificateRow]] = Asked("domain.certificates")
_PATIENCE = timedelta(hours=1)  # an authority that reaches the name issues one within a minute
_SECONDS = 2.0
_MOST = 10


def kind_of(issued: IssuedRow, now: datetime) -> str:
    """What is to be said of one: ``own`` (one that was added is shown), ``good``, ``soon`` (it ends), ``over``,
    ``unknown``, ``waits`` (nothing serves there yet), ``asked`` (a short while ago), ``none`` (was issued).
    """
    until, asked = issued["goodUntil"], issued["askedAt"]
    if issued["certificateId"] is not None:
        return "own"
    if issued["unknown"] is not None:
        return "unknown"
    if until is not None:
        ends = datetime.fromisoformat(until)
        return "over" if ends <= now else "soon" if ends <= now + SOON else "good"
    if asked is None:
        return "waits"
    return "asked" if now - datetime.fromisoformat(asked) < _PATIENCE and issued["refusal"] is None else "none"


async def missing_values(visit: Visit) -> Mapping[str, object]:
    """The domains without a good certificate, or soon without one, that asked an authority an hour ago; and why that
    is not known of others.
    """
    found: list[DomainCertificateRow] | Unknown = []
    if visit.may(OF_DOMAINS.name):
        found = await visit.ask_within(_SECONDS, OF_DOMAINS)
    if isinstance(found, Unknown):
        return {"uncertified": (), "uncertified_unknown": found}
    told = [{"row": each, "kind": kind_of(each["issued"], visit.now)} for each in found if _is_late(each, visit.now)]
    late = [each for each in told if each["kind"] in {"over", "none", "soon"}]
    return {"uncertified": late[:_MOST], "uncertified_unknown": _unknown_among(found, visit.now)}


def _is_late(row: DomainCertificateRow, now: datetime) -> bool:
    """What was asked for a moment ago is no news yet, also where it was refused: it may be set right just now."""
    asked = row["issued"]["askedAt"]
    return asked is not None and now - datetime.fromisoformat(asked) >= _PATIENCE


def _unknown_among(found: Sequence[DomainCertificateRow], now: datetime) -> Unknown | None:
    unknown = [each for each in found if each["issued"]["unknown"] and _is_late(each, now)]
    if not unknown:
        return None
    issued = unknown[0]["issued"]
    others = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    since = issued["toldAt"]
    why = f"{issued['unknown']} The certificate of {unknown[0]['host']}{others} is meant."
    return Unknown(since=None if since is None else datetime.fromisoformat(since), why=why)
