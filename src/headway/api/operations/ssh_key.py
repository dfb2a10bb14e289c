"""``sshKey.*``: keys with which private repositories are fetched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.domains.catalog.ssh_keys_model import KeyType
from headway.faces.http.inputs import Empty, Input, Told
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.projects import KeyPairRow, SshKeyName, SshKeyRow, ssh_key_row
from headway.kernel.secret import Secret


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("sshKey.all", "Every key, without its private part", list[SshKeyRow], Empty, _all),
        query("sshKey.allForApps", "Every key by name", list[SshKeyName], Empty, _names),
        query("sshKey.one", "One key, without its private part", SshKeyRow, ById, _one),
        mutation("sshKey.create", "Keep a key; without a private one a pair is made", SshKeyRow, Create, _create),
        mutation("sshKey.update", "Change a key's name or description", SshKeyRow, Update, _update),
        mutation("sshKey.generate", "A fresh pair that is kept nowhere", KeyPairRow, Generate, _generate),
        mutation("sshKey.remove", "Forget a key", SshKeyRow, ById, _remove),
    )


class ById(Input):
    ssh_key_id: Annotated[str, Field(min_length=1)]


class Create(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    description: Told | None = None
    private_key: str | None = Field(default=None, repr=False)
    public_key: str | None = None


class Update(ById):
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    description: Told | None = None


class Generate(Input):
    type: Literal["rsa", "ed25519"] = "ed25519"


async def _all(call: Call[Empty]) -> list[SshKeyRow]:
    return [ssh_key_row(key) for key in await call.platform.ssh_keys.all(call.actor, call.permission)]


async def _names(call: Call[Empty]) -> list[SshKeyName]:
    found = await call.platform.ssh_keys.all(call.actor, call.permission)
    return [{"sshKeyId": key.ssh_key_id, "name": key.name} for key in found]


async def _one(call: Call[ById]) -> SshKeyRow:
    return ssh_key_row(await call.platform.ssh_keys.one(call.actor, call.permission, call.input.ssh_key_id))


async def _create(call: Call[Create]) -> SshKeyRow:
    given = call.input
    return ssh_key_row(
        await call.platform.ssh_keys.create(
            call.actor,
            call.permission,
            name=given.name,
            description=given.description,
            private_key=Secret(given.private_key) if given.private_key else None,
            public_key=given.public_key or None,
        )
    )


async def _update(call: Call[Update]) -> SshKeyRow:
    given = call.input
    return ssh_key_row(
        await call.platform.ssh_keys.update(
            call.actor, call.permission, given.ssh_key_id, name=given.name, description=given.description
        )
    )


async def _generate(call: Call[Generate]) -> KeyPairRow:
    pair = await call.platform.ssh_keys.generate(call.actor, call.permission, KeyType(call.input.type))
    return {"privateKey": pair.private_key.reveal(), "publicKey": pair.public_key}


async def _remove(call: Call[ById]) -> SshKeyRow:
    return ssh_key_row(await call.platform.ssh_keys.remove(call.actor, call.permission, call.input.ssh_key_id))
