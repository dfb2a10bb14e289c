"""Reads and writes of certificates; private keys are sealed before they come here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from headway.core.access.policy import Missing, Noun
from headway.core.access.survey import Line, has_machine
from headway.core.deployments.model import SubjectType
from headway.features.edge import domains_store
from headway.features.edge.certificates_model import Certificate, reserved_in, showable
from headway.features.edge.domains_model import EdgeFacts
from headway.infra.db.tables.edge import certificates, domains
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c = certificates.c
_s = services.c
# What is reached by a name of its own below the base domain, and by which.
_NAMED = _s.kind != SubjectType.COMPOSE
_HOST_NAME = func.coalesce(_s.host_name, _s.app_name)
_PUBLIC = tuple(column for column in _c if column.name != "private_key")


def find(tx: Tx, certificate_id: str) -> Certificate:
    """The certificate with this id. Raises Missing."""
    row = tx.execute(select(*_PUBLIC).where(_c.certificate_id == certificate_id)).one_or_none()
    if row is None:
        raise Missing(Noun.CERTIFICATE)
    return _record(row)


def of_organization(tx: Tx, organization_id: str) -> list[Certificate]:
    """An organisation's certificates, the newest first."""
    mine = select(*_PUBLIC).where(_c.organization_id == organization_id)
    return [_record(row) for row in tx.execute(mine.order_by(_c.created_at.desc(), _c.certificate_id))]


def every(tx: Tx) -> list[tuple[Certificate, str]]:
    """All certificates with their sealed keys."""
    return [(_record(row), row.private_key) for row in tx.execute(select(certificates))]


def showable_of(tx: Tx, kept: Sequence[Certificate], facts: EdgeFacts) -> list[Certificate]:
    """Those of these that the edge may show, by the hosts that organisations have now."""
    if not kept:
        return []
    rows = tx.execute(select(_HOST_NAME.label("host_name"), _s.organization_id).where(_NAMED))
    named = [(facts.generated_host(row.host_name), row.organization_id) for row in rows]
    return showable(kept, [*named, *domains_store.hosts(tx)])


def survey(tx: Tx, vault: Vault, *, facts: EdgeFacts) -> Iterator[Line]:
    """See ``Survey``: certificates for what is no organisation's own, and those that are not shown."""
    del vault
    kept = [each for each, _ in every(tx)]
    shown = {each.certificate_id for each in showable_of(tx, kept, facts)}
    for each in kept:
        what = f"certificate {each.name} ({each.certificate_id})"
        reserved = reserved_in(each, facts.reserved)
        if reserved is not None and not has_machine(tx, each.organization_id):
            why = f"are of {reserved} too: it goes on, and is refused when it is changed next"
            yield Line(what=what, setting="its names", why=why, refused=True)
        if not each.readable:
            why = "cannot be read: it is not shown, and is refused when it is changed next"
            yield Line(what=what, setting="its names", why=why, refused=True)
        elif each.certificate_id not in shown:
            why = "are also those of another certificate, or of a host of another organisation: it is not shown"
            yield Line(what=what, setting="its names", why=why, refused=True)


def named_there(tx: Tx, host_id: str) -> list[str]:
    """The names below the base domain of what is on a host."""
    there = (_NAMED, _s.host_id == host_id, _s.deleted_at.is_(None))
    return list(tx.execute(select(_HOST_NAME).where(*there)).scalars())


def hosts_there(tx: Tx, host_id: str) -> list[str]:
    """The host names of the domains of what is on a host."""
    ids = select(_s.service_id).where(_s.host_id == host_id)
    return list(tx.execute(select(domains.c.host).where(domains.c.subject_id.in_(ids)).distinct()).scalars())


def add(tx: Tx, certificate: Certificate, sealed_key: str) -> None:
    """Writes a new certificate."""
    tx.execute(
        insert(certificates).values(
            certificate_id=certificate.certificate_id,
            organization_id=certificate.organization_id,
            name=certificate.name,
            certificate=certificate.pem,
            private_key=sealed_key,
            auto_renew=certificate.auto_renew,
            created_at=certificate.created_at,
        )
    )


def change(tx: Tx, certificate_id: str, **fields: str) -> None:
    """Writes columns of one certificate."""
    tx.execute(update(certificates).where(_c.certificate_id == certificate_id).values(**fields))


def remove(tx: Tx, certificate_id: str) -> None:
    """Deletes a certificate."""
    tx.execute(delete(certificates).where(_c.certificate_id == certificate_id))


def sealed_key(tx: Tx, certificate_id: str) -> str:
    """A certificate's sealed private key. Raises Missing."""
    found: str | None = tx.scalar(select(_c.private_key).where(_c.certificate_id == certificate_id))
    if found is None:
        raise Missing(Noun.CERTIFICATE)
    return found


def _record(row: Row[Any]) -> Certificate:
    return Certificate(
        certificate_id=row.certificate_id,
        organization_id=row.organization_id,
        name=row.name,
        pem=row.certificate,
        auto_renew=row.auto_renew,
        created_at=row.created_at,
    )
