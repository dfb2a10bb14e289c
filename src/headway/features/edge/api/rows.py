"""Domains, redirects, logins and certificates as the wire shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.model import SubjectType
from headway.features.edge.certificates_model import Certificate
from headway.features.edge.domains import DomainLook, Resolved
from headway.features.edge.domains_model import Domain
from headway.features.edge.issuance_model import Issued, IssuedDomain
from headway.features.edge.middlewares_model import KeptLogin, KeptRedirect

CertificateTypeWord = Literal["letsencrypt", "none", "custom"]
DomainTypeWord = Literal["compose", "application", "preview"]
_NOT_LED = "Nothing leads there now: it is switched off, or nothing serves of its service."


class DomainRow(TypedDict):
    """A host name, or a path of it, at which a service answers. A ``generated`` one is always there; its id is that of
    its application.
    """

    domainId: str
    host: str
    path: str
    internalPath: str
    stripPath: bool
    port: int | None
    https: bool
    certificateType: CertificateTypeWord
    customCertResolver: str | None
    customEntrypoint: str | None
    serviceName: str | None
    domainType: DomainTypeWord
    uniqueConfigKey: int
    enabled: bool
    middlewares: list[str]
    forwardAuthEnabled: bool
    applicationId: str | None
    composeId: str | None
    previewDeploymentId: str | None
    createdAt: str
    generated: bool
    address: str


class IssuedRow(TypedDict):
    """What came of asking an authority for the certificate of a domain. ``askedAt`` is since when it is asked for
    (null: it is not yet, for nothing serves there), ``goodUntil`` when the one that is shown is good no more (null:
    none was issued, or it is not known); ``certificateId`` names one that was added and is shown instead, so that no
    authority is asked. ``refusal`` is what was said last where none was issued or none anew, ``refusedAt`` when.
    ``toldAt`` is when the edge of its machine told all this, ``unknown`` why that is not what it would tell now (null:
    it is).
    """

    askedAt: str | None
    goodUntil: str | None
    certificateId: str | None
    refusal: str | None
    refusedAt: str | None
    toldAt: str | None
    unknown: str | None


class DomainLookRow(TypedDict):
    """What a visitor of a domain was answered ``at`` that time: the status and after how many milliseconds (null:
    nothing came, or nothing led there), what is wrong with it, and until when the certificate is good that was issued
    for it (null: none was).
    """

    at: str
    status: int | None
    ms: int | None
    warning: str | None
    goodUntil: str | None


class IssuedDomainRow(DomainRow):
    """A domain; ``issued`` is null where no authority is asked for its certificate, ``look`` where nobody has asked
    since the panel was started what a visitor is answered.
    """

    issued: IssuedRow | None
    look: DomainLookRow | None


class DomainCertificateRow(TypedDict):
    """A domain that asks for a certificate, and the service that it leads to."""

    domainId: str
    host: str
    path: str
    serviceId: str
    serviceName: str
    issued: IssuedRow


class ResolvedRow(TypedDict):
    """What the DNS says of a name: whether it knows it, and whether its address is one of this machine's (which it need
    not be behind a proxy).
    """

    isValid: bool
    resolvedIp: str | None
    isThisMachine: bool
    isCloudflare: bool
    error: str | None


class RedirectRow(TypedDict):
    """A redirect of an application."""

    redirectId: str
    applicationId: str
    regex: str
    replacement: str
    permanent: bool
    uniqueConfigKey: int
    createdAt: str


class SecurityRow(TypedDict):
    """A login of an application; its password is never shown, so ``password`` is always empty."""

    securityId: str
    applicationId: str
    username: str
    password: str
    createdAt: str


class CertificateRow(TypedDict):
    """A certificate; ``hosts`` are the names that it is good for. ``goodUntil`` is when it is good no more, null where
    that cannot be read. Its private key is never shown, so ``privateKey`` is always empty.
    """

    certificateId: str
    name: str
    certificateData: str
    privateKey: str
    certificatePath: str
    autoRenew: bool | None
    organizationId: str
    serverId: str | None
    createdAt: str
    hosts: list[str]
    goodUntil: str | None


DOMAIN_TYPES: Mapping[SubjectType, DomainTypeWord] = {
    SubjectType.APPLICATION: "application",
    SubjectType.COMPOSE: "compose",
    SubjectType.PREVIEW: "preview",
}


def domain_row(domain: Domain, address: str, number: int = 1) -> DomainRow:
    """A domain, the ``number``-th of its service."""
    wish = domain.wish

    def of(subject_type: SubjectType) -> str | None:
        return domain.subject_id if domain.subject_type is subject_type else None

    return {
        "domainId": domain.domain_id,
        "host": wish.host,
        "path": wish.path,
        "internalPath": wish.inner_path,
        "stripPath": wish.strip,
        "port": wish.port,
        "https": wish.https,
        "certificateType": wish.certificate_type.value,
        "customCertResolver": wish.resolver,
        "customEntrypoint": wish.entrypoint,
        "serviceName": wish.service_name,
        "domainType": DOMAIN_TYPES[domain.subject_type],
        "uniqueConfigKey": number,
        "enabled": wish.enabled,
        "middlewares": [],
        "forwardAuthEnabled": False,
        "applicationId": of(SubjectType.APPLICATION),
        "composeId": of(SubjectType.COMPOSE),
        "previewDeploymentId": of(SubjectType.PREVIEW),
        "createdAt": moment(domain.created_at),
        "generated": domain.generated,
        "address": address,
    }


def domain_rows(domains: Sequence[Domain], address: Callable[[Domain], str]) -> list[DomainRow]:
    """All domains of a service."""
    return [domain_row(each, address(each), number) for number, each in enumerate(domains, 1)]


def issued_domain_row(row: DomainRow, issued: Issued | None, look: DomainLook | None) -> IssuedDomainRow:
    """A domain, with what came of asking for its certificate, and of visiting it."""
    told = None if issued is None else issued_row(issued)
    return {**row, "issued": told, "look": None if look is None else domain_look_row(look, issued)}


def domain_look_row(look: DomainLook, issued: Issued | None) -> DomainLookRow:
    """What came of visiting a domain."""
    found = look.answered
    return {
        "at": moment(look.at),
        "status": None if found is None else found.status,
        "ms": None if found is None else found.ms,
        "warning": _NOT_LED if found is None else found.warning,
        "goodUntil": None if issued is None else moment(issued.until),
    }


def issued_row(issued: Issued) -> IssuedRow:
    """What came of asking for one."""
    return {
        "askedAt": moment(issued.asked_at),
        "goodUntil": moment(issued.until),
        "certificateId": issued.own_id,
        "refusal": issued.refusal,
        "refusedAt": moment(issued.refused_at),
        "toldAt": moment(issued.told_at),
        "unknown": issued.unknown,
    }


def domain_certificate_row(found: IssuedDomain) -> DomainCertificateRow:
    """The same, in a list of those of all services."""
    wish = found.domain.wish
    return {
        "domainId": found.domain.domain_id,
        "host": wish.host,
        "path": wish.path,
        "serviceId": found.domain.subject_id,
        "serviceName": found.service_name,
        "issued": issued_row(found.issued),
    }


def resolved_row(found: Resolved) -> ResolvedRow:
    """What the DNS said."""
    return {
        "isValid": found.error is None,
        "resolvedIp": found.address,
        "isThisMachine": found.is_here,
        "isCloudflare": False,
        "error": found.error,
    }


def redirect_row(kept: KeptRedirect, number: int = 1) -> RedirectRow:
    """A redirect, the ``number``-th of its application."""
    return {
        "redirectId": kept.redirect_id,
        "applicationId": kept.application_id,
        "regex": kept.redirect.regex,
        "replacement": kept.redirect.replacement,
        "permanent": kept.redirect.permanent,
        "uniqueConfigKey": number,
        "createdAt": moment(kept.created_at),
    }


def security_row(kept: KeptLogin) -> SecurityRow:
    """A login."""
    return {
        "securityId": kept.login_id,
        "applicationId": kept.application_id,
        "username": kept.login.username,
        "password": "",
        "createdAt": moment(kept.created_at),
    }


def barrier_rows(
    redirects: Sequence[KeptRedirect], logins: Sequence[KeptLogin]
) -> tuple[list[RedirectRow], list[SecurityRow]]:
    """All that stands before an application."""
    return [redirect_row(each, at) for at, each in enumerate(redirects, 1)], [security_row(each) for each in logins]


def certificate_row(certificate: Certificate) -> CertificateRow:
    """A certificate."""
    from headway.features.edge.certificate_parser import good_until  # noqa: PLC0415 - few bring a certificate along

    return {
        "certificateId": certificate.certificate_id,
        "name": certificate.name,
        "certificateData": certificate.pem,
        "privateKey": "",
        "certificatePath": certificate.certificate_id,
        "autoRenew": certificate.auto_renew,
        "organizationId": certificate.organization_id,
        "serverId": None,
        "createdAt": moment(certificate.created_at),
        "hosts": list(certificate.hosts),
        "goodUntil": moment(good_until(certificate.pem)),
    }
