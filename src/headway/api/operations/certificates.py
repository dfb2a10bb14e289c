"""``certificates.*``: certificates that are brought along, shown to who asks for a name in them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.core.access.policy import Missing, Noun
from headway.faces.http.inputs import Empty, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.edge import CertificateRow, certificate_row
from headway.kernel.secret import Secret


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("certificates.all", "Every certificate, without its key", list[CertificateRow], Empty, _all),
        query("certificates.one", "One certificate, without its key", CertificateRow, ById, _one),
        mutation("certificates.create", "Keep a certificate and show it", CertificateRow, Create, _create),
        mutation("certificates.update", "Rename or renew a certificate", CertificateRow, Update, _update),
        mutation("certificates.remove", "Forget a certificate", bool, ById, _remove),
    )


Name = Annotated[str, Field(min_length=1, max_length=255)]
Pem = Annotated[str, Field(min_length=1, max_length=100_000)]


class ById(Input):
    certificate_id: Annotated[str, Field(min_length=1)]


class Create(Input):
    name: Name
    certificate_data: Pem
    private_key: Annotated[str, Field(min_length=1, max_length=100_000, repr=False)]
    auto_renew: bool | None = None
    organization_id: str | None = None
    server_id: str | None = None


class Update(ById):
    name: Name | None = None
    certificate_data: Pem | None = None
    private_key: Pem | None = Field(default=None, repr=False)


async def _all(call: Call[Empty]) -> list[CertificateRow]:
    return [certificate_row(each) for each in await call.platform.certificates.all(call.actor, call.permission)]


async def _one(call: Call[ById]) -> CertificateRow:
    return certificate_row(await call.platform.certificates.one(call.actor, call.permission, call.input.certificate_id))


async def _create(call: Call[Create]) -> CertificateRow:
    given = call.input
    if given.server_id:
        raise Missing(Noun.SERVER)
    return certificate_row(
        await call.platform.certificates.create(
            call.actor,
            call.permission,
            name=given.name,
            pem=given.certificate_data,
            private_key=Secret(given.private_key),
            auto_renew=given.auto_renew,
        )
    )


async def _update(call: Call[Update]) -> CertificateRow:
    given = call.input
    return certificate_row(
        await call.platform.certificates.update(
            call.actor,
            call.permission,
            given.certificate_id,
            name=given.name,
            pem=given.certificate_data,
            private_key=Secret(given.private_key) if given.private_key else None,
        )
    )


async def _remove(call: Call[ById]) -> bool:
    await call.platform.certificates.remove(call.actor, call.permission, call.input.certificate_id)
    return True
