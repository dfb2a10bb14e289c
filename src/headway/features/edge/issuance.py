"""Which certificates authorities have issued for domains: told by the edges again and again, kept in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from headway.core.access.model import Actor
from headway.core.access.policy import reach
from headway.drivers.edge.issuance import Issuance
from headway.features.edge import certificates_store, domains_store
from headway.features.edge.certificates_model import Certificate, covers
from headway.features.edge.domains_model import Domain, EdgeFacts
from headway.features.edge.issuance_model import (
    Issued,
    IssuedDomain,
    OwnCertificate,
    RoutedService,
    ToldIssuance,
    issued_of,
)
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

_NOWHERE = RoutedService(host_id="", since=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuanceReader:
    """What may be said of it. ``now`` is the panel's clock."""

    db: Database
    facts: EdgeFacts
    now: Callable[[], datetime]
    _told: dict[str, ToldIssuance] = field(default_factory=dict)

    def note(self, host_id: str, issuance: Issuance | None) -> None:
        """Keeps what the edge of a host has told; None, where that could not be read, lets the last one grow old."""
        if issuance is not None:
            self._told[host_id] = ToldIssuance(at=self.now(), issuance=issuance)

    @property
    def is_asked(self) -> bool:
        """Whether the panel's edges ask any authority."""
        return self.facts.https is not None and self.facts.https.mail is not None

    async def of(self, domains: Sequence[Domain]) -> Mapping[str, Issued]:
        """By the ids of those of these domains that ask for one; whoever calls may see them."""
        asking = [each for each in domains if each.asked_at is not None]
        return await self.db.read(lambda tx: self._of(tx, asking)) if asking else {}

    async def all(self, actor: Actor) -> list[IssuedDomain]:
        """Of each domain that asks for one and leads to a service that the caller may see, by host and path."""

        def look(tx: Tx) -> list[IssuedDomain]:
            found = domains_store.asking(tx, actor.organization_id, reach(actor))
            issued = self._of(tx, [each for each, _ in found])
            return [
                IssuedDomain(domain=each, service_name=name, issued=issued[each.domain_id])
                for each, name in found
                if each.domain_id in issued
            ]

        return await self.db.read(look)

    def _of(self, tx: Tx, domains: Sequence[Domain]) -> Mapping[str, Issued]:
        services = domains_store.routed(tx, {each.subject_id for each in domains})
        own = {each: self._shown(tx, each) for each in {domain.organization_id for domain in domains}}
        found: dict[str, Issued] = {}
        for each in domains:
            service = services.get(each.subject_id, _NOWHERE)
            added = next((one for one in own[each.organization_id] if covers(one, each.wish.host)), None)
            issued = issued_of(
                each,
                service,
                self._told.get(service.host_id),
                None if added is None else _own(added),
                now=tx.now,
                is_asked=self.is_asked,
            )
            if issued is not None:
                found[each.domain_id] = issued
        return found

    def _shown(self, tx: Tx, organization_id: str) -> Sequence[Certificate]:
        kept = certificates_store.of_organization(tx, organization_id)
        return certificates_store.showable_of(tx, kept, self.facts)


def _own(certificate: Certificate) -> OwnCertificate:
    from headway.features.edge.certificate_parser import good_until  # noqa: PLC0415 - few bring a certificate along

    return OwnCertificate(certificate_id=certificate.certificate_id, until=good_until(certificate.pem))
