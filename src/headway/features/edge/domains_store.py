"""Reads and writes of domains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from headway.core.access.policy import Missing, Noun, Visibility
from headway.core.access.survey import Line, has_machine
from headway.core.deployments.model import SubjectType
from headway.features.edge.domains_model import CertificateType, Domain, DomainRequest, EdgeFacts, generated
from headway.features.edge.issuance_model import RoutedService
from headway.features.edge.route_target import RouteTargetFacts
from headway.infra.db.tables.base import Instant
from headway.infra.db.tables.edge import domains
from headway.infra.db.tables.projects import environments
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault

_c, _s, _r = domains.c, services.c, releases.c
_TOLD = (_c.host, _c.path, _c.subject_type, _c.subject_id, _c.organization_id)
_WISHED = tuple(each.name for each in fields(DomainRequest))


def find(tx: Tx, domain_id: str) -> Domain:
    """The domain with this id. Raises Missing."""
    row = tx.execute(select(domains).where(_c.domain_id == domain_id)).one_or_none()
    if row is None:
        raise Missing(Noun.DOMAIN)
    return _record(row)


def of_subject(tx: Tx, subject_type: SubjectType, subject_id: str) -> list[Domain]:
    """A service's domains, the oldest first."""
    mine = (_c.subject_type == subject_type, _c.subject_id == subject_id)
    return [_record(row) for row in tx.execute(select(domains).where(*mine).order_by(_c.created_at, _c.domain_id))]


def standing(
    tx: Tx, subject_type: SubjectType, subject_id: str, front: RouteTargetFacts, facts: EdgeFacts
) -> list[Domain]:
    """All domains of a service: the generated one, unless another that is switched on stands in its place, then the
    oldest first.
    """
    found = of_subject(tx, subject_type, subject_id)
    own = generated(subject_type, subject_id, front, facts)
    if own is None or any(each.wish.path == "/" and each.wish.enabled for each in of_host(tx, own.wish.host)):
        return found
    return [own, *found]


def of_host(tx: Tx, host: str) -> list[Domain]:
    """Every domain, of whomever, at this host name."""
    return [_record(row) for row in tx.execute(select(domains).where(_c.host == host))]


def name_of(tx: Tx, service_id: str) -> str | None:
    """What a service is called, None where it is gone."""
    name: str | None = tx.scalar(select(services.c.name).where(services.c.service_id == service_id))
    return name


def is_foreign(tx: Tx, host: str, subject_id: str) -> bool:
    """Whether a service of another project, or of another organisation, has any part of this host name."""
    return not _projects(tx, {each.subject_id for each in of_host(tx, host)}) <= _projects(tx, {subject_id})


def _projects(tx: Tx, subject_ids: AbstractSet[str]) -> set[str]:
    """Those that services lie in."""
    lie = services.c.environment_id == environments.c.environment_id
    joined = select(environments.c.project_id).join(services, lie)
    return set(tx.execute(joined.where(services.c.service_id.in_(subject_ids))).scalars())


def hosts(tx: Tx) -> list[tuple[str, str]]:
    """(host name, organisation) of every domain."""
    return [(row.host, row.organization_id) for row in tx.execute(select(_c.host, _c.organization_id).distinct())]


def asking(tx: Tx, organization_id: str, reach: Visibility) -> list[tuple[Domain, str]]:
    """The domains of an organisation that ask for a certificate and lead to a service within reach, each with what that
    is called, by host and path. Those of previews, which come and go, are not among them.
    """
    mine = (_c.organization_id == organization_id, _c.asked_at.is_not(None))
    led = (_s.service_id == _c.subject_id, _s.deleted_at.is_(None), _s.preview_of.is_(None))
    statement = select(domains, _s.name.label("called")).join(services, and_(*led)).where(*mine)
    if not reach.everything:
        statement = statement.where(or_(_s.project_id.in_(reach.projects), _s.service_id.in_(reach.services)))
    if reach.within is not None:
        statement = statement.where(_s.project_id.in_(reach.within))
    return [(_record(row), row.called) for row in tx.execute(statement.order_by(_c.host, _c.path))]


def routed(tx: Tx, service_ids: AbstractSet[str]) -> Mapping[str, RoutedService]:
    """Where these services are routed: one that is to run and serves, since the oldest of its releases that are kept
    came to serve.
    """
    serves = and_(_s.wanted == "up", _s.serving_release_id.is_not(None))
    first = select(func.min(_r.serving_since)).where(_r.service_id == _s.service_id).scalar_subquery()
    rows = select(_s.service_id, _s.host_id, case((serves, func.coalesce(first, _s.created_at))).label("since"))
    found = tx.execute(rows.where(_s.service_id.in_(service_ids)))
    return {row.service_id: RoutedService(host_id=row.host_id, since=row.since) for row in found}


def survey(tx: Tx, vault: Vault, *, facts: EdgeFacts) -> Iterator[Line]:
    """See ``Survey``: the domains at names that no service is given any more."""
    del vault
    for row in tx.execute(select(*_TOLD).order_by(_c.host, _c.path)):
        whose = facts.whose_name(row.host)
        if whose is not None:
            what = f"domain {row.host}{row.path} of {row.subject_type} {row.subject_id}"
            refused = not has_machine(tx, row.organization_id)
            then = "it is refused when it is changed next" if refused else "only who may use the machine changes it"
            yield Line(what=what, setting="its host", why=f"is {whose}: it goes on, and {then}", refused=refused)


def put(tx: Tx, domain: Domain) -> bool:
    """Writes a new domain; False when host and path are somebody's already."""
    values = {
        "domain_id": domain.domain_id,
        "organization_id": domain.organization_id,
        "subject_type": domain.subject_type,
        "subject_id": domain.subject_id,
        "created_at": domain.created_at,
        "asked_at": tx.now if domain.wish.asks else None,
        **asdict(domain.wish),
    }
    return _unless_taken(tx, insert(domains).values(**values))


def change(tx: Tx, domain_id: str, wish: DomainRequest) -> bool:
    """Makes an existing domain what is wished; False when host and path are somebody else's already."""
    values = {**asdict(wish), "asked_at": None}
    if wish.asks:  # since before, where a certificate for this very host was asked for already
        goes_on = and_(_c.host == wish.host, _c.asked_at.is_not(None))
        values["asked_at"] = case((goes_on, _c.asked_at), else_=literal(tx.now, Instant))
    return _unless_taken(tx, update(domains).where(_c.domain_id == domain_id).values(**values))


def remove(tx: Tx, domain_id: str) -> None:
    """Deletes a domain."""
    tx.execute(delete(domains).where(_c.domain_id == domain_id))


def forget(tx: Tx, subject_type: SubjectType, subject_id: str) -> None:
    """Deletes all domains of a service."""
    tx.execute(delete(domains).where(_c.subject_type == subject_type, _c.subject_id == subject_id))


def _unless_taken(tx: Tx, statement: Any) -> bool:  # noqa: ANN401 - an insert or an update
    try:
        with tx.connection.begin_nested():
            tx.execute(statement)
    except IntegrityError:
        return False
    return True


def _record(row: Row[Any]) -> Domain:
    wished: Mapping[str, Any] = {name: getattr(row, name) for name in _WISHED}
    return Domain(
        domain_id=row.domain_id,
        organization_id=row.organization_id,
        subject_type=SubjectType(row.subject_type),
        subject_id=row.subject_id,
        wish=DomainRequest(**{**wished, "certificate_type": CertificateType(row.certificate_type)}),
        created_at=row.created_at,
        asked_at=row.asked_at,
    )
