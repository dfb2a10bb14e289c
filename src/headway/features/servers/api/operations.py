"""``server.*``: machines that are reached by SSH."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from headway.api.inputs import Empty, Input, Told
from headway.api.operation import Call, Nothing, queued
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.deployments.api.lists import rows_of
from headway.features.servers.api.rows import (
    ListedServerRow,
    ServerDetails,
    ServerName,
    ServerRow,
    TimeRow,
    ValidationRow,
    kept_settings,
    listed_server_row,
    server_row,
    validation_row,
)
from headway.features.servers.model import Server, ServerAccess, ServerType
from headway.features.servers.service import ServerChange, ServerService
from headway.features.servers.setup import Wants, problems_of
from headway.features.services.api.relations import Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Name = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, Field(min_length=1, max_length=255)]
User = Annotated[str, Field(min_length=1, max_length=64)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Concurrency = Annotated[int, Field(ge=1, le=64)]
_DEFAULT_CONCURRENCY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerNeeds:
    """What these operations need."""

    deployment_reads: DeploymentReader
    relations: Relations
    servers: ServerService


router = Router[ServerNeeds](
    "server",
    "Machines that are reached by SSH: how they are entered, what is there, and preparing them.",
    resource=Noun.SERVER,
    in_project=False,
)


class ServerById(Input):
    server_id: Id


class ByIdOrHere(Input):
    """The official command line asks for this machine, and has no way to name another."""

    server_id: Id | None = None


class ServerFields(Input):
    description: Told | None = None
    jump_server_id: Id | None = None
    concurrency: Concurrency | None = None
    enable_docker_cleanup: bool | None = None
    command: Annotated[str, Field(max_length=65_536)] | None = None


class CreateServer(ServerFields):
    name: Name
    ip_address: Address
    port: Port = 22
    username: User = "root"
    ssh_key_id: Id | None = None
    server_type: Literal["deploy", "build"] = "deploy"


class UpdateServer(ServerFields):
    server_id: Id
    name: Name | None = None
    ip_address: Address | None = None
    port: Port | None = None
    username: User | None = None
    ssh_key_id: Id | None = None
    server_type: Literal["deploy", "build"] | None = None
    forget_host_key: bool = False


class RemoveServer(ServerById):
    force: bool = False


class Setup(ServerById):
    docker: bool = True
    native: bool = False
    dry_run: bool = False


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(needs: ServerNeeds, call: Call[Empty]) -> list[ListedServerRow]:
    """Every server, newest first."""
    servers = needs.servers
    found, inhabitants = (
        await servers.all(call.actor, call.permission),
        await servers.inhabitants(call.actor, call.permission),
    )
    return [listed_server_row(each, inhabitants.get(each.server_id, 0)) for each in found]


@router.query("one", least=Role.ADMIN, scope=Scope.READ)
async def one(needs: ServerNeeds, call: Call[ServerById]) -> ServerDetails:
    """One server."""
    actor = call.actor
    server = await needs.servers.one(actor, call.permission, call.input.server_id)
    part = await needs.deployment_reads.rows_of(actor, call.permission, SubjectType.SERVER, server.server_id)
    return {
        **server_row(server),
        "sshKey": await needs.relations.ssh_key(call.actor, server.access.ssh_key_id),
        "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
    }


@router.query("count", least=Role.ADMIN, scope=Scope.READ)
async def count(needs: ServerNeeds, call: Call[Empty]) -> int:
    """How many servers there are."""
    return len(await needs.servers.all(call.actor, call.permission))


@router.query("allForPermissions", least=Role.ADMIN, scope=Scope.READ)
async def names(needs: ServerNeeds, call: Call[Empty]) -> list[ServerName]:
    """Every server by name."""
    found = await needs.servers.all(call.actor, call.permission)
    return [{"serverId": each.server_id, "name": each.name} for each in found]


@router.query("withSSHKey", least=Role.ADMIN, scope=Scope.READ)
async def with_key(needs: ServerNeeds, call: Call[Empty]) -> list[ServerRow]:
    """The servers that releases go to."""
    return await _of_type(needs, call, ServerType.DEPLOY)


@router.query("buildServers", least=Role.ADMIN, scope=Scope.READ)
async def build_servers(needs: ServerNeeds, call: Call[Empty]) -> list[ServerRow]:
    """The servers that only build."""
    return await _of_type(needs, call, ServerType.BUILD)


async def _of_type(needs: ServerNeeds, call: Call[Empty], wanted: ServerType) -> list[ServerRow]:
    found = await needs.servers.all(call.actor, call.permission)
    return [server_row(each) for each in found if each.type is wanted and each.access.ssh_key_id is not None]


@router.query("publicIp", least=Role.ADMIN, scope=Scope.READ)
async def public_ip(needs: ServerNeeds, call: Call[ByIdOrHere]) -> str:
    """The address of a server, or of this machine."""
    return await needs.servers.address(call.actor, call.permission, call.input.server_id)


@router.query("getServerTime", least=Role.ADMIN, scope=Scope.READ)
async def time(needs: ServerNeeds, call: Call[ByIdOrHere]) -> TimeRow:
    """The clock of a server, or of this machine."""
    seconds = await needs.servers.time(call.actor, call.permission, call.input.server_id)
    return {"time": moment(datetime.fromtimestamp(seconds, UTC)), "timezone": "UTC"}


@router.query("validate", least=Role.ADMIN, scope=Scope.READ)
async def validate(needs: ServerNeeds, call: Call[ServerById]) -> ValidationRow:
    """Look at a server now."""
    facts = await needs.servers.validate(call.actor, call.permission, call.input.server_id)
    return validation_row(facts, problems_of(facts))


@router.mutation("create", least=Role.ADMIN, scope=Scope.ADMIN)
async def create(needs: ServerNeeds, call: Call[CreateServer]) -> ServerRow:
    """Keep a server and how it is entered."""
    given = call.input
    made = await needs.servers.create(
        call.actor,
        call.permission,
        ServerAccess(
            address=given.ip_address,
            port=given.port,
            username=given.username,
            ssh_key_id=given.ssh_key_id,
            jump_server_id=given.jump_server_id,
        ),
        name=given.name,
        type=ServerType(given.server_type),
        description=given.description,
        concurrency=given.concurrency or _DEFAULT_CONCURRENCY,
        settings=kept_settings(given.model_dump(by_alias=True, exclude_none=True)),
    )
    return server_row(made)


@router.mutation("update", least=Role.ADMIN, scope=Scope.ADMIN)
async def update(needs: ServerNeeds, call: Call[UpdateServer]) -> ServerRow:
    """Change a server."""
    given = call.input
    before = await needs.servers.one(call.actor, call.permission, given.server_id)
    changed = await needs.servers.update(
        call.actor,
        call.permission,
        given.server_id,
        ServerChange(
            name=given.name,
            description=given.description,
            type=None if given.server_type is None else ServerType(given.server_type),
            access=_access(given, before),
            concurrency=given.concurrency,
            forgets_host_key=given.forget_host_key,
            settings=kept_settings(given.model_dump(by_alias=True, exclude_none=True)),
        ),
    )
    return server_row(changed)


def _access(given: UpdateServer, before: Server) -> ServerAccess:
    """As it was, but for what is given; null takes a jump server away."""
    now = before.access
    says_how = "jump_server_id" in given.model_fields_set
    return ServerAccess(
        address=given.ip_address or now.address,
        port=given.port or now.port,
        username=given.username or now.username,
        ssh_key_id=given.ssh_key_id or now.ssh_key_id,
        jump_server_id=given.jump_server_id if says_how else now.jump_server_id,
    )


@router.mutation("remove", least=Role.ADMIN, scope=Scope.ADMIN)
async def remove(needs: ServerNeeds, call: Call[RemoveServer]) -> ServerRow:
    """Forget a server; the machine is not touched."""
    return server_row(
        await needs.servers.remove(call.actor, call.permission, call.input.server_id, force=call.input.force)
    )


@router.starter("setup", least=Role.ADMIN, scope=Scope.ADMIN)
async def setup(needs: ServerNeeds, call: Call[Setup]) -> Nothing:
    """Prepare a server, as a deployment."""
    given = call.input
    if not given.docker and not given.native:
        raise InvalidInput("There is nothing to set up: ask for docker, native, or both.")
    wants = Wants(docker=given.docker, native=given.native, dry_run=given.dry_run)
    return queued(await needs.servers.setup(call.actor, call.permission, given.server_id, wants, call.once))
