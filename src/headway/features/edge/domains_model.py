"""Domains: at which host names and paths a service answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from headway.core.deployments.model import SubjectType
from headway.drivers.edge.traefik import ACME, SECURE, WEB, Https
from headway.features.edge.host_names import normalised_host, normalised_path
from headway.features.edge.route_target import RouteTargetFacts
from headway.kernel.artifacts import Entrance, Way
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

HTTPS_ALIAS = "websecure"  # as the clients' own installations call it


class CertificateType(StrEnum):
    """Where a domain's certificate comes from: the edge's own or one of ``certificates.*`` (none, custom), or asked for
    by the edge.
    """

    NONE = "none"
    LETSENCRYPT = "letsencrypt"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRequest:
    """A domain as somebody asks for it. ``port`` and ``service_name`` choose among what a service of containers offers;
    a native release has one port.
    """

    host: str
    path: str = "/"
    inner_path: str = "/"
    strip: bool = False
    port: int | None = None
    https: bool = False
    certificate_type: CertificateType = CertificateType.NONE
    resolver: str | None = None
    entrypoint: str | None = None
    service_name: str | None = None
    enabled: bool = True

    @property
    def asks(self) -> bool:
        """Whether an authority is asked for a certificate."""
        is_issued = self.certificate_type is CertificateType.LETSENCRYPT or self.resolver is not None
        return self.enabled and self.https and is_issued


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One host name, or a path of it, and the service that it leads to. A ``generated`` one is the service's name
    below the panel's base domain: it is always there, and its id is the service's. ``asked_at`` is since when an
    authority is asked for a certificate, None where none is.
    """

    domain_id: str
    organization_id: str
    subject_type: SubjectType
    subject_id: str
    wish: DomainRequest
    created_at: datetime
    generated: bool = False
    asked_at: datetime | None = None

    def way(self) -> Way:
        """How requests come in by it."""
        if self.generated:
            return Way(host=self.wish.host)
        return Way(
            host=self.wish.host,
            path=self.wish.path,
            strip=self.wish.strip,
            inner_path=self.wish.inner_path,
            entrance=Entrance.HTTPS if self.wish.https else Entrance.HTTP,
            issued=self.wish.certificate_type is CertificateType.LETSENCRYPT or self.wish.resolver is not None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFacts:
    """What the panel's settings say of its edge."""

    base_domain: str
    port: int
    https: Https | None
    panel_host: str | None = None

    def whose_name(self, host: str) -> str | None:
        """Whose name the host is where no service may have it by itself: the panel's, or the machine's."""
        return self.reserved.get(host)

    @property
    def reserved(self) -> Mapping[str, str]:
        """The names that no service may have by itself, each with whose it is."""
        panel = {} if self.panel_host is None else {self.panel_host: "the panel's own name"}
        return {"localhost": "the machine's own name", **panel}

    def generated_host(self, host_name: str) -> str:
        """Where an application is reached before anybody has given it a domain."""
        return f"{host_name}.{self.base_domain}"

    def name_in(self, host: str) -> str | None:
        """The application's name in a generated host name, None for other hosts."""
        name, _, rest = host.partition(".")
        return name if rest == self.base_domain else None

    def address(self, domain: Domain) -> str:
        """What to open in a browser."""
        wish = domain.wish
        scheme, port, usual = ("http", self.port, 80)
        if wish.https and self.https is not None:
            scheme, port, usual = ("https", self.https.port, 443)
        return f"{scheme}://{wish.host}{'' if port == usual else f':{port}'}{wish.path.rstrip('/')}"


def generated(subject_type: SubjectType, subject_id: str, front: RouteTargetFacts, facts: EdgeFacts) -> Domain | None:
    """The domain that a service has by its name, None where it has none."""
    if front.host_name is None:
        return None
    return Domain(
        domain_id=subject_id,
        organization_id=front.owner.organization_id,
        subject_type=subject_type,
        subject_id=subject_id,
        wish=DomainRequest(host=facts.generated_host(front.host_name)),
        created_at=front.created_at,
        generated=True,
    )


def checked_wish(wish: DomainRequest, facts: EdgeFacts) -> DomainRequest:
    """The wish with its host and paths as the edge knows them. Raises InvalidInput for what the edge cannot do."""
    if wish.https and facts.https is None:
        raise InvalidInput(
            "This panel has no HTTPS: start it with HEADWAY_HTTPS_PORT, or add the domain without https."
        )
    asks = wish.https and (wish.certificate_type is CertificateType.LETSENCRYPT or wish.resolver is not None)
    if asks and (facts.https is None or facts.https.mail is None):
        raise InvalidInput(
            "This panel asks for no certificates: start it with HEADWAY_CERTIFICATE_MAIL, or choose the certificate "
            "type none or custom."
        )
    if wish.resolver not in {None, ACME, CertificateType.LETSENCRYPT.value}:
        raise InvalidInput(f"The edge has no certificate resolver {wish.resolver!r}; it has {ACME}.")
    wanted = {SECURE, HTTPS_ALIAS} if wish.https else {WEB}
    if wish.entrypoint is not None and wish.entrypoint not in wanted:
        raise InvalidInput(
            f"The edge has no entry point {wish.entrypoint!r} for this domain: leave it out, or name {WEB} without "
            f"https and {HTTPS_ALIAS} with it."
        )
    return replace(
        wish,
        host=normalised_host(wish.host),
        path=normalised_path(wish.path),
        inner_path=normalised_path(wish.inner_path),
    )
