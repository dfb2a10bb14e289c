"""``domain.*``: at which host names and paths services answer. A change is in force when its call returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Missing, Noun
from headway.core.deployments.model import SubjectType
from headway.features.edge.api.rows import (
    DOMAIN_TYPES,
    DomainCertificateRow,
    DomainLookRow,
    IssuedDomainRow,
    ResolvedRow,
    domain_certificate_row,
    domain_look_row,
    domain_row,
    domain_rows,
    issued_domain_row,
    resolved_row,
)
from headway.features.edge.domains import DomainService
from headway.features.edge.domains_model import CertificateType, Domain, DomainRequest
from headway.kernel.errors import InvalidInput

router = Router[DomainService]("domain", "Host names and paths at which services answer", resource=Noun.DOMAIN)


Name = Annotated[str, Field(min_length=1, max_length=1_024)]
Text = Annotated[str, Field(max_length=1_024)]


class DomainsOfApplication(Input):
    application_id: Annotated[str, Field(min_length=1)]


class DomainsOfCompose(Input):
    compose_id: Annotated[str, Field(min_length=1)]


class DomainById(Input):
    domain_id: Annotated[str, Field(min_length=1)]


class SwitchedDomain(DomainById):
    """``enabled`` is what it is to be; without it, what it is not now."""

    enabled: bool | None = None


class DomainServer(Input):
    server_id: str | None = None


class GenerateDomain(DomainServer):
    app_name: str


class Validate(DomainServer):
    domain: str


class DomainFields(Input):
    """What may be said of a domain. What is sent as null goes back to its default."""

    host: Name
    path: Text | None = None
    internal_path: Text | None = None
    strip_path: bool | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    https: bool | None = None
    certificate_type: Literal["letsencrypt", "none", "custom"] | None = None
    custom_cert_resolver: Text | None = None
    custom_entrypoint: Text | None = None
    service_name: Text | None = None
    domain_type: Literal["compose", "application", "preview"] | None = None
    middlewares: list[str] | None = None
    forward_auth_enabled: bool | None = None

    def require_type(self, subject_type: SubjectType) -> None:
        """Raises InvalidInput where it is said to lead to something else than it does."""
        own = DOMAIN_TYPES[subject_type]
        if self.domain_type not in {None, own}:
            raise InvalidInput(
                f"The domainType of this domain is {own}, for it goes by what the domain leads to, and "
                f"{self.domain_type} was sent: leave it out."
            )

    def applied(self, wish: DomainRequest) -> DomainRequest:
        """``wish`` with what was sent. Raises InvalidInput for what would protect, and that nothing here acts on."""
        if self.middlewares:
            raise InvalidInput(
                "Headway keeps no middlewares to be named here: use redirects.*, security.* or "
                "application.updateTraefikConfig."
            )
        if self.forward_auth_enabled:
            raise InvalidInput("Headway has no forward authentication yet: leave forwardAuthEnabled out.")
        changed: dict[str, Any] = {}
        for name in self.model_fields_set & _FIELDS.keys():
            changed[_FIELDS[name]] = _value(_FIELDS[name], getattr(self, name))
        return replace(wish, **changed)


class CreateDomain(DomainFields):
    application_id: str | None = None
    compose_id: str | None = None
    preview_deployment_id: str | None = None


class UpdateDomain(DomainFields):
    domain_id: Annotated[str, Field(min_length=1)]
    enabled: bool | None = None


_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "host": "host",
        "path": "path",
        "internal_path": "inner_path",
        "strip_path": "strip",
        "port": "port",
        "https": "https",
        "certificate_type": "certificate_type",
        "custom_cert_resolver": "resolver",
        "custom_entrypoint": "entrypoint",
        "service_name": "service_name",
        "enabled": "enabled",
    }
)
_PLAIN = DomainRequest(host="")


@router.query("byApplicationId", least=Role.MEMBER, scope=Scope.READ, resource=Noun.APPLICATION)
async def of_application(domains: DomainService, call: Call[DomainsOfApplication]) -> list[IssuedDomainRow]:
    """An application's domains."""
    return await _rows(domains, call, SubjectType.APPLICATION, call.input.application_id)


@router.query("byComposeId", least=Role.MEMBER, scope=Scope.READ, resource=Noun.COMPOSE)
async def of_compose(domains: DomainService, call: Call[DomainsOfCompose]) -> list[IssuedDomainRow]:
    """A compose service's domains."""
    return await _rows(domains, call, SubjectType.COMPOSE, call.input.compose_id)


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(domains: DomainService, call: Call[DomainById]) -> IssuedDomainRow:
    """One domain."""
    return await _row(domains, await domains.one(call.actor, call.permission, call.input.domain_id))


@router.query("certificates", least=Role.MEMBER, scope=Scope.READ)
async def certificates(domains: DomainService, call: Call[Empty]) -> list[DomainCertificateRow]:
    """What came of asking an authority for certificates: of all domains that do, of services that the caller sees.

    It is as the edge of each machine told it last. Domains of previews are not among them.
    """
    return [domain_certificate_row(each) for each in await domains.issuance.all(call.actor)]


@router.query(
    "canGenerateTraefikMeDomains", least=Role.MEMBER, scope=Scope.READ, resource=Noun.SERVER, in_project=False
)
async def never(_domains: DomainService, call: Call[DomainServer]) -> str:
    """Never: names are made below the base domain."""
    _refuse_servers(call.input)
    return ""


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN, resource=Noun.APPLICATION)
async def create(domains: DomainService, call: Call[CreateDomain]) -> IssuedDomainRow:
    """Lead a host name, or a path of it, to a service."""
    given = call.input
    subjects = [
        (subject_type, subject_id)
        for subject_type, subject_id in (
            (SubjectType.APPLICATION, given.application_id),
            (SubjectType.COMPOSE, given.compose_id),
            (SubjectType.PREVIEW, given.preview_deployment_id),
        )
        if subject_id
    ]
    if len(subjects) != 1:
        raise InvalidInput(
            "Say what the domain leads to: applicationId, composeId or previewDeploymentId, one of them."
        )
    given.require_type(subjects[0][0])
    return await _row(domains, await domains.create(call.actor, call.permission, *subjects[0], given.applied(_PLAIN)))


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(domains: DomainService, call: Call[UpdateDomain]) -> IssuedDomainRow:
    """Change a domain; what is not sent stays."""
    given = call.input
    if given.domain_type is not None:
        found = await domains.one(call.actor, call.permission, given.domain_id)
        given.require_type(found.subject_type)
    return await _row(domains, await domains.update(call.actor, call.permission, given.domain_id, given.applied))


@router.mutation("toggleEnable", least=Role.ADMIN, scope=Scope.ADMIN)
async def toggle(domains: DomainService, call: Call[SwitchedDomain]) -> IssuedDomainRow:
    """Switch a domain off, or on again."""
    given = call.input

    def switched(wish: DomainRequest) -> DomainRequest:
        return replace(wish, enabled=not wish.enabled if given.enabled is None else given.enabled)

    return await _row(domains, await domains.update(call.actor, call.permission, given.domain_id, switched))


@router.mutation("delete", least=Role.ADMIN, scope=Scope.ADMIN)
async def delete(domains: DomainService, call: Call[DomainById]) -> IssuedDomainRow:
    """Lead a domain nowhere and forget it."""
    return await _row(domains, await domains.delete(call.actor, call.permission, call.input.domain_id))


@router.mutation("generateDomain", least=Role.MEMBER, scope=Scope.READ, in_project=False)
async def generate(domains: DomainService, call: Call[GenerateDomain]) -> str:
    """A host name below the base domain that is free."""
    _refuse_servers(call.input)
    return await domains.generate(call.actor, call.permission, call.input.app_name)


@router.mutation("validateDomain", least=Role.MEMBER, scope=Scope.READ, in_project=False)
async def validate(domains: DomainService, call: Call[Validate]) -> ResolvedRow:
    """What the DNS says of a name."""
    _refuse_servers(call.input)
    return resolved_row(await domains.resolved(call.actor, call.permission, call.input.domain))


@router.mutation("ask", least=Role.MEMBER, scope=Scope.READ)
async def ask(domains: DomainService, call: Call[DomainById]) -> DomainLookRow:
    """Ask what a visitor of a domain is answered now.

    It is asked once, without its body and without following where it sends visitors, by the edge of the machine that
    the service is on: the DNS has no part in it, so that what the name leads to elsewhere is never asked.
    """
    domain, look = await domains.ask(call.actor, call.permission, call.input.domain_id)
    issued = await domains.issuance.of([domain])
    return domain_look_row(look, issued.get(domain.domain_id))


async def _rows(
    domains: DomainService, call: Call[Any], subject_type: SubjectType, subject_id: str
) -> list[IssuedDomainRow]:
    found = await domains.of(call.actor, call.permission, subject_type, subject_id)
    issued, rows = await domains.issuance.of(found), domain_rows(found, domains.address)
    return [
        issued_domain_row(row, issued.get(each.domain_id), domains.last_look(each))
        for each, row in zip(found, rows, strict=True)
    ]


async def _row(domains: DomainService, domain: Domain) -> IssuedDomainRow:
    issued = await domains.issuance.of([domain])
    row = domain_row(domain, domains.address(domain))
    return issued_domain_row(row, issued.get(domain.domain_id), domains.last_look(domain))


def _value(name: str, value: object) -> object:
    if value is None or value == "":
        return getattr(_PLAIN, name)
    return CertificateType(str(value)) if name == "certificate_type" else value


def _refuse_servers(given: DomainServer) -> None:
    if given.server_id:
        raise Missing(Noun.SERVER)
