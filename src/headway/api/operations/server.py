"""``server.*``: machines that are reached by SSH."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from headway.core.deployments.model import SubjectType
from headway.domains.servers.model import Access, Server, ServerType
from headway.domains.servers.service import Change
from headway.domains.servers.setup import Wants, problems_of
from headway.faces.http.inputs import Empty, Input, Told
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.procedures.relations import ssh_key_of
from headway.faces.http.registry import Call, Nothing, Procedure, mutation, query, queued, starter
from headway.faces.http.wire.base import moment
from headway.faces.http.wire.servers import (
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
from headway.kernel.errors import InvalidInput

Name = Annotated[str, Field(min_length=1, max_length=255)]
Address = Annotated[str, Field(min_length=1, max_length=255)]
User = Annotated[str, Field(min_length=1, max_length=64)]
Id = Annotated[str, Field(min_length=1, max_length=64)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Concurrency = Annotated[int, Field(ge=1, le=64)]
_DEFAULT_CONCURRENCY = 2


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("server.all", "Every server, newest first", list[ListedServerRow], Empty, _all),
        query("server.one", "One server", ServerDetails, ById, _one),
        query("server.count", "How many servers there are", int, Empty, _count),
        query("server.allForPermissions", "Every server by name", list[ServerName], Empty, _names),
        query("server.withSSHKey", "The servers that releases go to", list[ServerRow], Empty, _with_key),
        query("server.buildServers", "The servers that only build", list[ServerRow], Empty, _build_servers),
        query("server.publicIp", "The address of a server, or of this machine", str, ByIdOrHere, _public_ip),
        query("server.getServerTime", "The clock of a server, or of this machine", TimeRow, ByIdOrHere, _time),
        query("server.validate", "Look at a server now", ValidationRow, ById, _validate),
        mutation("server.create", "Keep a server and how it is entered", ServerRow, Create, _create),
        mutation("server.update", "Change a server", ServerRow, Update, _update),
        mutation("server.remove", "Forget a server; the machine is not touched", ServerRow, Remove, _remove),
        starter("server.setup", "Prepare a server, as a deployment", None, Setup, _setup),
    )


class ById(Input):
    server_id: Id


class ByIdOrHere(Input):
    """The official command line asks for this machine, and has no way to name another."""

    server_id: Id | None = None


class Kept(Input):
    description: Told | None = None
    jump_server_id: Id | None = None
    concurrency: Concurrency | None = None
    enable_docker_cleanup: bool | None = None
    command: Annotated[str, Field(max_length=65_536)] | None = None


class Create(Kept):
    name: Name
    ip_address: Address
    port: Port = 22
    username: User = "root"
    ssh_key_id: Id | None = None
    server_type: Literal["deploy", "build"] = "deploy"


class Update(Kept):
    server_id: Id
    name: Name | None = None
    ip_address: Address | None = None
    port: Port | None = None
    username: User | None = None
    ssh_key_id: Id | None = None
    server_type: Literal["deploy", "build"] | None = None
    forget_host_key: bool = False


class Remove(ById):
    force: bool = False


class Setup(ById):
    docker: bool = True
    native: bool = False
    dry_run: bool = False


async def _all(call: Call[Empty]) -> list[ListedServerRow]:
    servers = call.platform.servers
    found, inhabitants = (
        await servers.all(call.actor, call.permission),
        await servers.inhabitants(call.actor, call.permission),
    )
    return [listed_server_row(each, inhabitants.get(each.server_id, 0)) for each in found]


async def _one(call: Call[ById]) -> ServerDetails:
    platform, actor = call.platform, call.actor
    server = await platform.servers.one(actor, call.permission, call.input.server_id)
    part = await platform.deployment_reads.rows_of(actor, call.permission, SubjectType.SERVER, server.server_id)
    return {
        **server_row(server),
        "sshKey": await ssh_key_of(call, server.access.ssh_key_id),
        "deployments": rows_of(part, pending_as_running=actor.terms.pending_as_running),
    }


async def _count(call: Call[Empty]) -> int:
    return len(await call.platform.servers.all(call.actor, call.permission))


async def _names(call: Call[Empty]) -> list[ServerName]:
    found = await call.platform.servers.all(call.actor, call.permission)
    return [{"serverId": each.server_id, "name": each.name} for each in found]


async def _with_key(call: Call[Empty]) -> list[ServerRow]:
    return await _of_type(call, ServerType.DEPLOY)


async def _build_servers(call: Call[Empty]) -> list[ServerRow]:
    return await _of_type(call, ServerType.BUILD)


async def _of_type(call: Call[Empty], wanted: ServerType) -> list[ServerRow]:
    found = await call.platform.servers.all(call.actor, call.permission)
    return [server_row(each) for each in found if each.type is wanted and each.access.ssh_key_id is not None]


async def _public_ip(call: Call[ByIdOrHere]) -> str:
    return await call.platform.servers.address(call.actor, call.permission, call.input.server_id)


async def _time(call: Call[ByIdOrHere]) -> TimeRow:
    seconds = await call.platform.servers.time(call.actor, call.permission, call.input.server_id)
    return {"time": moment(datetime.fromtimestamp(seconds, UTC)), "timezone": "UTC"}


async def _validate(call: Call[ById]) -> ValidationRow:
    facts = await call.platform.servers.validate(call.actor, call.permission, call.input.server_id)
    return validation_row(facts, problems_of(facts))


async def _create(call: Call[Create]) -> ServerRow:
    given = call.input
    made = await call.platform.servers.create(
        call.actor,
        call.permission,
        Access(
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


async def _update(call: Call[Update]) -> ServerRow:
    given = call.input
    before = await call.platform.servers.one(call.actor, call.permission, given.server_id)
    changed = await call.platform.servers.update(
        call.actor,
        call.permission,
        given.server_id,
        Change(
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


def _access(given: Update, before: Server) -> Access:
    """As it was, but for what is given; null takes a jump server away."""
    now = before.access
    says_how = "jump_server_id" in given.model_fields_set
    return Access(
        address=given.ip_address or now.address,
        port=given.port or now.port,
        username=given.username or now.username,
        ssh_key_id=given.ssh_key_id or now.ssh_key_id,
        jump_server_id=given.jump_server_id if says_how else now.jump_server_id,
    )


async def _remove(call: Call[Remove]) -> ServerRow:
    return server_row(
        await call.platform.servers.remove(call.actor, call.permission, call.input.server_id, force=call.input.force)
    )


async def _setup(call: Call[Setup]) -> Nothing:
    given = call.input
    if not given.docker and not given.native:
        raise InvalidInput("There is nothing to set up: ask for docker, native, or both.")
    wants = Wants(docker=given.docker, native=given.native, dry_run=given.dry_run)
    return queued(await call.platform.servers.setup(call.actor, call.permission, given.server_id, wants, call.once))
