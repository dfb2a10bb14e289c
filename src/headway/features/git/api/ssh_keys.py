"""``sshKey.*``: keys with which private repositories are fetched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Empty, Input, Told
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.git.ssh_keys import SshKeyService
from headway.features.git.ssh_keys_model import KeyType
from headway.features.projects.api.rows import KeyPairRow, SshKeyName, SshKeyRow, ssh_key_row
from headway.kernel.secret import Secret

router = Router[SshKeyService](
    "sshKey", "Keys with which private repositories are fetched", resource=Noun.SSH_KEY, in_project=False
)


class SshKeyById(Input):
    ssh_key_id: Annotated[str, Field(min_length=1)]


class CreateSshKey(Input):
    name: Annotated[str, Field(min_length=1, max_length=255)]
    description: Told | None = None
    private_key: str | None = Field(default=None, repr=False)
    public_key: str | None = None


class UpdateSshKey(SshKeyById):
    name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    description: Told | None = None


class GenerateSshKey(Input):
    type: Literal["rsa", "ed25519"] = "ed25519"


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(ssh_keys: SshKeyService, call: Call[Empty]) -> list[SshKeyRow]:
    """Every key, without its private part."""
    return [ssh_key_row(key) for key in await ssh_keys.all(call.actor, call.permission)]


@router.query("allForApps", least=Role.ADMIN, scope=Scope.READ)
async def names(ssh_keys: SshKeyService, call: Call[Empty]) -> list[SshKeyName]:
    """Every key by name."""
    found = await ssh_keys.all(call.actor, call.permission)
    return [{"sshKeyId": key.ssh_key_id, "name": key.name} for key in found]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(ssh_keys: SshKeyService, call: Call[SshKeyById]) -> SshKeyRow:
    """One key, without its private part."""
    return ssh_key_row(await ssh_keys.one(call.actor, call.permission, call.input.ssh_key_id))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(ssh_keys: SshKeyService, call: Call[CreateSshKey]) -> SshKeyRow:
    """Keep a key; without a private one a pair is made."""
    given = call.input
    return ssh_key_row(
        await ssh_keys.create(
            call.actor,
            call.permission,
            name=given.name,
            description=given.description,
            private_key=Secret(given.private_key) if given.private_key else None,
            public_key=given.public_key or None,
        )
    )


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(ssh_keys: SshKeyService, call: Call[UpdateSshKey]) -> SshKeyRow:
    """Change a key's name or description."""
    given = call.input
    return ssh_key_row(
        await ssh_keys.update(
            call.actor, call.permission, given.ssh_key_id, name=given.name, description=given.description
        )
    )


@router.mutation("generate", least=Role.ADMIN, scope=Scope.ADMIN)
async def generate(ssh_keys: SshKeyService, call: Call[GenerateSshKey]) -> KeyPairRow:
    """A fresh pair that is kept nowhere."""
    pair = await ssh_keys.generate(call.actor, call.permission, KeyType(call.input.type))
    return {"privateKey": pair.private_key.reveal(), "publicKey": pair.public_key}


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(ssh_keys: SshKeyService, call: Call[SshKeyById]) -> SshKeyRow:
    """Forget a key."""
    return ssh_key_row(await ssh_keys.remove(call.actor, call.permission, call.input.ssh_key_id))
