"""``certificates.*``: certificates that are brought along, shown to who asks for a name in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Missing, Noun
from headway.features.edge.api.rows import CertificateRow, certificate_row
from headway.features.edge.certificates import CertificateService
from headway.kernel.secret import Secret

router = Router[CertificateService](
    "certificates", "Certificates that are brought along", resource=Noun.CERTIFICATE, in_project=False
)


Name = Annotated[str, Field(min_length=1, max_length=255)]
Pem = Annotated[str, Field(min_length=1, max_length=100_000)]


class CertificateById(Input):
    certificate_id: Annotated[str, Field(min_length=1)]


class CreateCertificate(Input):
    name: Name
    certificate_data: Pem
    private_key: Annotated[str, Field(min_length=1, max_length=100_000, repr=False)]
    auto_renew: bool | None = None
    organization_id: str | None = None
    server_id: str | None = None


class UpdateCertificate(CertificateById):
    name: Name | None = None
    certificate_data: Pem | None = None
    private_key: Pem | None = Field(default=None, repr=False)


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(certificates: CertificateService, call: Call[Empty]) -> list[CertificateRow]:
    """Every certificate, without its key."""
    return [certificate_row(each) for each in await certificates.all(call.actor, call.permission)]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(certificates: CertificateService, call: Call[CertificateById]) -> CertificateRow:
    """One certificate, without its key."""
    return certificate_row(await certificates.one(call.actor, call.permission, call.input.certificate_id))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(certificates: CertificateService, call: Call[CreateCertificate]) -> CertificateRow:
    """Keep a certificate and show it."""
    given = call.input
    if given.server_id:
        raise Missing(Noun.SERVER)
    return certificate_row(
        await certificates.create(
            call.actor,
            call.permission,
            name=given.name,
            pem=given.certificate_data,
            private_key=Secret(given.private_key),
            auto_renew=given.auto_renew,
        )
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(certificates: CertificateService, call: Call[UpdateCertificate]) -> CertificateRow:
    """Rename or renew a certificate."""
    given = call.input
    return certificate_row(
        await certificates.update(
            call.actor,
            call.permission,
            given.certificate_id,
            name=given.name,
            pem=given.certificate_data,
            private_key=Secret(given.private_key) if given.private_key else None,
        )
    )


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(certificates: CertificateService, call: Call[CertificateById]) -> bool:
    """Forget a certificate."""
    await certificates.remove(call.actor, call.permission, call.input.certificate_id)
    return True
