"""What is said of the certificate of a domain, from what the edge of its machine tells."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from headway.core.deployments.model import SubjectType
from headway.drivers.edge.issuance import Issuance, IssuedCertificate, Refusal
from headway.features.edge.domains_model import CertificateType, Domain, DomainRequest
from headway.features.edge.issuance_model import Issued, OwnCertificate, RoutedService, ToldIssuance, issued_of

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
ASKED = NOW - 2 * HOUR
HOST = "www.example.org"
DOMAIN = Domain(
    domain_id="d",
    organization_id="o",
    subject_type=SubjectType.APPLICATION,
    subject_id="s",
    wish=DomainRequest(host=HOST, https=True, certificate_type=CertificateType.LETSENCRYPT),
    created_at=NOW - DAY,
    asked_at=ASKED,
)
SERVES = RoutedService(host_id="local", since=NOW - DAY)


def told(days: int | None = None, refused: datetime | None = None, at: datetime = NOW) -> ToldIssuance:
    certificates = () if days is None else (IssuedCertificate(hosts=(HOST,), until=NOW + days * DAY),)
    refusals = () if refused is None else (Refusal(hosts=(HOST,), at=refused, why="no such name"),)
    return ToldIssuance(at=at, issuance=Issuance(certificates=certificates, refusals=refusals))


def of(edge: ToldIssuance | None, service: RoutedService = SERVES, own: OwnCertificate | None = None) -> Issued:
    found = issued_of(DOMAIN, service, edge, own, now=NOW)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("change", "asks"),
    [
        ({}, True),
        ({"certificate_type": CertificateType.NONE}, False),
        ({"certificate_type": CertificateType.CUSTOM, "resolver": "acme"}, True),
        ({"https": False}, False),
        ({"enabled": False}, False),
    ],
)
def test_a_domain_asks_over_https_while_it_is_switched_on(change: dict[str, object], asks: bool) -> None:  # noqa: FBT001 - a row
    assert replace(DOMAIN.wish, **change).asks is asks  # type: ignore[arg-type]


def test_of_a_domain_that_asks_for_none_nothing_is_said() -> None:
    assert issued_of(replace(DOMAIN, asked_at=None), SERVES, told(60), None, now=NOW) is None


def test_one_that_was_issued_is_good_until_its_end() -> None:
    assert of(told(60)) == Issued(asked_at=ASKED, until=NOW + 60 * DAY, told_at=NOW)


def test_none_yet_is_asked_for_since_both_the_domain_and_what_serves_are_there() -> None:
    assert of(told()) == Issued(asked_at=ASKED, told_at=NOW)
    young = replace(SERVES, since=NOW - HOUR)
    assert of(told(), young).asked_at == NOW - HOUR
    assert of(told(), replace(SERVES, since=None)).asked_at is None


def test_what_was_said_last_is_told_where_there_is_none_or_it_is_to_be_renewed() -> None:
    refused = NOW - HOUR
    assert (of(told(refused=refused)).refusal, of(told(refused=refused)).refused_at) == ("no such name", refused)
    assert of(told(10, refused)).refusal == "no such name"
    assert of(told(60, refused)).refusal is None, "it was issued since"
    assert of(told(refused=ASKED - HOUR)).refusal is None, "that was of another domain of this name"
    soon = replace(DOMAIN, asked_at=ASKED + timedelta(milliseconds=400))
    found = issued_of(soon, SERVES, told(refused=ASKED), None, now=NOW)
    assert found is not None
    assert found.refusal == "no such name", "the log of the edge tells whole seconds"


def test_an_edge_that_does_not_tell_is_unknown_with_what_it_told_last() -> None:
    never, long_ago = of(None), of(told(60, at=NOW - HOUR))
    assert never.unknown == "The edge of its machine was not looked at since the panel was started."
    assert long_ago.unknown == "The edge of its machine does not tell what was issued."
    assert (long_ago.until, long_ago.told_at) == (NOW + 60 * DAY, NOW - HOUR)


def test_a_certificate_that_was_added_is_shown_instead_and_nobody_is_asked() -> None:
    own = OwnCertificate(certificate_id="c", until=NOW + DAY)
    assert of(None, own=own) == Issued(asked_at=ASKED, until=NOW + DAY, own_id="c")


def test_where_the_panel_asks_nobody_any_more_that_is_said() -> None:
    found = issued_of(DOMAIN, SERVES, None, None, now=NOW, is_asked=False)
    assert found is not None
    assert "HEADWAY_CERTIFICATE_MAIL" in (found.refusal or "")
    assert found.unknown is None
