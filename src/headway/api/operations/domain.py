"""``domain.*``: at which host names and paths services answer. A change is in force when its call returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from headway.core.access.policy import Missing, Noun
from headway.core.deployments.model import SubjectType
from headway.domains.catalog.domains_model import CertificateType, Domain, Wish
from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.edge import DomainRow, ResolvedRow, domain_row, domain_rows, resolved_row
from headway.kernel.errors import InvalidInput


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("domain.byApplicationId", "An application's domains", list[DomainRow], OfApplication, _of_application),
        query("domain.byComposeId", "A compose service's domains", list[DomainRow], OfCompose, _of_compose),
        query("domain.one", "One domain", DomainRow, ById, _one),
        query("domain.canGenerateTraefikMeDomains", "Never: names are made below the base domain", str, Where, _no),
        mutation("domain.create", "Lead a host name, or a path of it, to a service", DomainRow, Create, _create),
        mutation("domain.update", "Change a domain; what is not sent stays", DomainRow, Update, _update),
        mutation("domain.toggleEnable", "Switch a domain off, or on again", DomainRow, ById, _toggle),
        mutation("domain.delete", "Lead a domain nowhere and forget it", DomainRow, ById, _delete),
        mutation("domain.generateDomain", "A host name below the base domain that is free", str, Generate, _generate),
        mutation("domain.validateDomain", "What the DNS says of a name", ResolvedRow, Validate, _validate),
    )


Name = Annotated[str, Field(min_length=1, max_length=1_024)]
Text = Annotated[str, Field(max_length=1_024)]


class OfApplication(Input):
    application_id: Annotated[str, Field(min_length=1)]


class OfCompose(Input):
    compose_id: Annotated[str, Field(min_length=1)]


class ById(Input):
    domain_id: Annotated[str, Field(min_length=1)]


class Where(Input):
    server_id: str | None = None


class Generate(Where):
    app_name: str


class Validate(Where):
    domain: str


class Given(Input):
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

    def applied(self, wish: Wish) -> Wish:
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


class Create(Given):
    application_id: str | None = None
    compose_id: str | None = None
    preview_deployment_id: str | None = None


class Update(Given):
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
_PLAIN = Wish(host="")


async def _of_application(call: Call[OfApplication]) -> list[DomainRow]:
    return await _rows(call, SubjectType.APPLICATION, call.input.application_id)


async def _of_compose(call: Call[OfCompose]) -> list[DomainRow]:
    return await _rows(call, SubjectType.COMPOSE, call.input.compose_id)


async def _one(call: Call[ById]) -> DomainRow:
    return _row(call, await call.platform.domains.one(call.actor, call.permission, call.input.domain_id))


async def _no(call: Call[Where]) -> str:
    _refuse_servers(call.input)
    return ""


async def _create(call: Call[Create]) -> DomainRow:
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
    return _row(
        call, await call.platform.domains.create(call.actor, call.permission, *subjects[0], given.applied(_PLAIN))
    )


async def _update(call: Call[Update]) -> DomainRow:
    return _row(
        call, await call.platform.domains.update(call.actor, call.permission, call.input.domain_id, call.input.applied)
    )


async def _toggle(call: Call[ById]) -> DomainRow:
    return _row(
        call,
        await call.platform.domains.update(
            call.actor,
            call.permission,
            call.input.domain_id,
            lambda wish: replace(wish, enabled=not wish.enabled),
        ),
    )


async def _delete(call: Call[ById]) -> DomainRow:
    return _row(call, await call.platform.domains.delete(call.actor, call.permission, call.input.domain_id))


async def _generate(call: Call[Generate]) -> str:
    _refuse_servers(call.input)
    return await call.platform.domains.generate(call.actor, call.permission, call.input.app_name)


async def _validate(call: Call[Validate]) -> ResolvedRow:
    _refuse_servers(call.input)
    return resolved_row(await call.platform.domains.resolved(call.actor, call.permission, call.input.domain))


async def _rows(call: Call[Any], subject_type: SubjectType, subject_id: str) -> list[DomainRow]:
    domains = call.platform.domains
    return domain_rows(await domains.of(call.actor, call.permission, subject_type, subject_id), domains.address)


def _row(call: Call[Any], domain: Domain) -> DomainRow:
    return domain_row(domain, call.platform.domains.address(domain))


def _value(name: str, value: object) -> object:
    if value is None or value == "":
        return getattr(_PLAIN, name)
    return CertificateType(str(value)) if name == "certificate_type" else value


def _refuse_servers(given: Where) -> None:
    if given.server_id:
        raise Missing(Noun.SERVER)
