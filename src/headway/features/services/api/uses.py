"""``gitProvider.usedBy``, ``sshKey.usedBy`` and ``registry.usedBy``: what is touched where one of these is removed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.deployments.api.rows import EnvironmentNameRow, environment_name
from headway.features.services.uses import Users, UsersReader

_MOST = 100
Id = Annotated[str, Field(min_length=1, max_length=64)]

provider_router = Router[UsersReader]("gitProvider", resource=Noun.GIT_PROVIDER, in_project=False)
ssh_key_router = Router[UsersReader]("sshKey", resource=Noun.SSH_KEY, in_project=False)
registry_router = Router[UsersReader]("registry", resource=Noun.REGISTRY, in_project=False)


class UsedGitProvider(Input):
    git_provider_id: Id


class UsedSshKey(Input):
    ssh_key_id: Id


class UsedRegistry(Input):
    registry_id: Id


class UserRow(TypedDict):
    """A service that uses something, or a server that is entered with a key (which lies in no environment)."""

    kind: Literal["application", "compose", "database", "server"]
    id: str
    name: str
    environment: EnvironmentNameRow | None


class UsersRow(TypedDict):
    """How many use it, and up to a hundred of them: servers first, then services, of each kind the oldest first."""

    total: int
    items: list[UserRow]


@provider_router.query("usedBy", least=Role.ADMIN, scope=Scope.READ)
async def of_provider(users: UsersReader, call: Call[UsedGitProvider]) -> UsersRow:
    """The services that take their repository from a git provider."""
    return _row(await users.of_provider(call.actor, call.permission, call.input.git_provider_id))


@ssh_key_router.query("usedBy", least=Role.ADMIN, scope=Scope.READ)
async def of_ssh_key(users: UsersReader, call: Call[UsedSshKey]) -> UsersRow:
    """The servers that are entered with a key, and the services that fetch with it."""
    return _row(await users.of_ssh_key(call.actor, call.permission, call.input.ssh_key_id))


@registry_router.query("usedBy", least=Role.ADMIN, scope=Scope.READ)
async def of_registry(users: UsersReader, call: Call[UsedRegistry]) -> UsersRow:
    """The services that fetch images from a registry with what is kept of it, or have theirs taken there."""
    return _row(await users.of_registry(call.actor, call.permission, call.input.registry_id))


def _row(found: Users) -> UsersRow:
    items: list[UserRow] = [
        {"kind": "server", "id": server_id, "name": name, "environment": None} for server_id, name in found.servers
    ]
    for service, place in found.services:
        kind: Literal["application", "compose", "database"] = service.kind.value  # type: ignore[assignment]
        environment = environment_name(place)
        items.append({"kind": kind, "id": service.service_id, "name": service.name, "environment": environment})
    return {"total": len(items), "items": items[:_MOST]}
