"""What came of asking an authority for a domain's certificate, decided from what the edge of its machine tells."""

from __future__ import annotations

from datetime import datetime, timedelta

from headway.drivers.edge.issuance import Issuance
from headway.features.edge.domains_model import Domain
from headway.kernel.dataclass import dataclass

_FRESH = timedelta(minutes=1)  # an edge is looked at every few seconds
_RENEWED = timedelta(days=30)  # before its end: until then nothing that was said once matters any more
_NOT_YET = "The edge of its machine was not looked at since the panel was started."
_AWAY = "The edge of its machine does not tell what was issued."
_NOBODY = "This panel asks no authority any more: start it with HEADWAY_CERTIFICATE_MAIL."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldIssuance:
    """What an edge has told, and when."""

    at: datetime
    issuance: Issuance


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedService:
    """The machine that a service is on, and since when it is routed there at least; None: nothing of it serves, and no
    edge asks for anything.
    """

    host_id: str
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCertificate:
    """A certificate that was added and is shown for a host: no authority is asked then."""

    certificate_id: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """``asked_at`` is since when a certificate is asked for (None: it is not yet, for nothing serves), ``until`` when
    the one that is shown is good no more (None: none was issued), ``own_id`` which one was added and is shown instead.
    ``refusal`` is what was said last, ``told_at`` when the edge told all this, and ``unknown`` why that is not what it
    tells now.
    """

    asked_at: datetime | None
    until: datetime | None = None
    own_id: str | None = None
    refusal: str | None = None
    refused_at: datetime | None = None
    told_at: datetime | None = None
    unknown: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedDomain:
    """A domain that asks for a certificate, what the service that it leads to is called, and what came of it."""

    domain: Domain
    service_name: str
    issued: Issued


def issued_of(
    domain: Domain,
    service: RoutedService,
    told: ToldIssuance | None,
    own: OwnCertificate | None,
    *,
    now: datetime,
    is_asked: bool = True,
) -> Issued | None:
    """None for a domain that asks for none. ``is_asked`` says whether the panel's edges ask any authority."""
    if domain.asked_at is None:
        return None
    asked_at = None if service.since is None else max(domain.asked_at, service.since)
    if own is not None:
        return Issued(asked_at=asked_at, until=own.until, own_id=own.certificate_id)
    if not is_asked:
        return Issued(asked_at=asked_at, refusal=_NOBODY)
    if told is None:
        return Issued(asked_at=asked_at, unknown=_NOT_YET)
    host = domain.wish.host
    until, refusal = told.issuance.until(host), told.issuance.refusal(host)
    since = domain.asked_at.replace(microsecond=0)  # the log of the edge tells whole seconds
    is_told = refusal is not None and refusal.at >= since and (until is None or until - now < _RENEWED)
    return Issued(
        asked_at=asked_at,
        until=until,
        refusal=refusal.why if refusal is not None and is_told else None,
        refused_at=refusal.at if refusal is not None and is_told else None,
        told_at=told.at,
        unknown=_AWAY if now - told.at > _FRESH else None,
    )
