"""Use cases of servers: each one transaction, each asked of the policy; the fleet follows the rows."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headway.core.access import policy
from headway.core.access.machine import may_use_the_machine
from headway.core.access.model import Actor
from headway.core.access.outward_addresses import require_outward
from headway.core.access.policy import Permission
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Lane, Request, SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished_on
from headway.features.servers import store
from headway.features.servers.examination import examined
from headway.features.servers.fleet import Fleet, ServerClosed
from headway.features.servers.model import (
    ConnectionState,
    Server,
    ServerAccess,
    ServerFacts,
    ServerType,
    app_name_for,
    check_name,
    checked,
    checked_concurrency,
)
from headway.features.servers.setup import KIND, VERSION, Wants
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.ssh import SshHost
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict, InvalidInput, Unavailable
from headway.kernel.ids import new_id

_SHOWN = 5
_REMOVED = "Its server was removed from Headway while it did not answer. What still runs there is not known."
GiveUp = Callable[[str, str], Awaitable[None]]
OpenKey = Callable[[Tx, str, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerChange:
    """What is to be changed of a server; None stays as it is. ``forgets_host_key``: the next key that the server shows
    is taken for its own.
    """

    name: str | None = None
    description: str | None = None
    type: ServerType | None = None
    access: ServerAccess | None = None
    concurrency: int | None = None
    forgets_host_key: bool = False
    settings: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerService:
    """An organisation's servers. ``give_up`` ends a run by a sentence without asking its host, ``open_key`` raises
    Missing where an organisation has no such SSH key.
    """

    db: Database
    fleet: Fleet
    ledger: Ledger
    stopping: Stopping
    give_up: GiveUp
    open_key: OpenKey

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        access: ServerAccess,
        *,
        name: str,
        type: ServerType,
        description: str | None,
        concurrency: int,
        settings: Mapping[str, Any],
    ) -> Server:
        """Keeps a server; it is connected to at once, beside this call. Raises Forbidden, InvalidInput, Missing."""
        policy.permit(actor, permission, actor.organization_id)
        check_name(name)
        checked_concurrency(concurrency)

        def write(tx: Tx) -> Server:
            server = Server(
                server_id=new_id(),
                organization_id=actor.organization_id,
                name=name,
                description=description,
                app_name=app_name_for(name),
                type=type,
                access=_judged(actor, self._checked(tx, actor, permission, access, None)),
                host_key=None,
                concurrency=concurrency,
                facts=None,
                looked_at=None,
                standing=ConnectionState(),
                settings=settings,
                created_at=tx.now,
            )
            store.add(tx, server)
            return server

        made = await self.db.run(write)
        await self.fleet.load()
        return made

    async def one(self, actor: Actor, permission: Permission, server_id: str) -> Server:
        """One server. Raises Missing, Forbidden."""
        return self._now(await self.db.read(lambda tx: _permitted(tx, actor, permission, server_id)))

    async def all(self, actor: Actor, permission: Permission) -> list[Server]:
        """The organisation's servers, newest first. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        found = await self.db.read(lambda tx: store.of_organization(tx, actor.organization_id))
        return [self._now(server) for server in found]

    async def inhabitants(self, actor: Actor, permission: Permission) -> Mapping[str, int]:
        """How many services live on each of the organisation's servers that has any. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        return await self.db.read(lambda tx: store.counted(tx, actor.organization_id))

    async def update(self, actor: Actor, permission: Permission, server_id: str, change: ServerChange) -> Server:
        """Changes a server. The host key stays, also over another address or port: that it is another machine is said
        by ``forgets_host_key``. Raises Missing, Forbidden, InvalidInput.
        """
        if change.name is not None:
            check_name(change.name)
        if change.concurrency is not None:
            checked_concurrency(change.concurrency)

        def write(tx: Tx) -> Server:
            before = _permitted(tx, actor, permission, server_id)
            if change.access is not None:
                access = self._checked(tx, actor, permission, change.access, server_id)
                store.set_access(tx, server_id, _judged(actor, access, before.access))
            store.set_fields(tx, server_id, **_fields(change, before))
            host = {"name": change.name, "concurrency": change.concurrency}
            store.set_host(tx, server_id, **{name: value for name, value in host.items() if value is not None})
            return store.find(tx, server_id)

        changed = await self.db.run(write)
        if changed.host_key is None:
            self.fleet.forget_pin(server_id)
        await self.fleet.load()
        return changed

    async def remove(self, actor: Actor, permission: Permission, server_id: str, *, force: bool = False) -> Server:
        """Forgets a server; the machine itself is not touched. Raises Missing, Forbidden, and Conflict with what still
        lives there; with ``force`` deployments are ended first, and given up where the server does not answer.
        """
        found = await self.one(actor, permission, server_id)
        if force:
            await self._empty(server_id)

        def write(tx: Tx) -> bool:
            if through := store.reached_through(tx, server_id):
                raise Conflict(f"{', '.join(through)} can only be reached through this server. Change these first.")
            if names := store.inhabitants(tx, server_id):
                raise Conflict(f"{_listed(names)} on this server. Delete what is there, then remove the server.")
            left = store.leaving(tx, server_id)
            if left and not force:
                raise Conflict(
                    f"{_listed(left)} deleted, and not gone from this server yet. Wait until the server has answered, "
                    "or remove it by force: then that stays there."
                )
            if names := store.built_there(tx, server_id):
                raise Conflict(f"{_listed(names)} built on this server (buildServerId). Let another one do it first.")
            if count := store.unfinished(tx, server_id):
                there = "1 deployment waits or runs" if count == 1 else f"{count} deployments wait or run"
                raise Conflict(f"{there} on this server. End them first, or remove it by force.")
            store.remove(tx, server_id)
            return bool(left)

        await self.fleet.leave(server_id, serves=await self.db.run(write))
        return found

    async def validate(self, actor: Actor, permission: Permission, server_id: str) -> ServerFacts:
        """What is found on the server now. Raises Missing, Forbidden, and HostUnreachable with what is wrong."""
        found = await self.one(actor, permission, server_id)
        host = self._host(found)
        host.retry_at_once()
        facts: ServerFacts = await examined(host)
        await self.db.run(lambda tx: store.set_facts(tx, server_id, facts))
        return facts

    async def time(self, actor: Actor, permission: Permission, server_id: str | None) -> float:
        """Its clock, this machine's without an id, in seconds since 1970. Raises Missing, HostUnreachable."""
        if server_id is None:
            policy.permit(actor, permission, actor.organization_id)
            return time.time()
        return await self._host(await self.one(actor, permission, server_id)).clock()

    async def address(self, actor: Actor, permission: Permission, server_id: str | None) -> str:
        """By which it is reached; without an id, that which this machine has for others. Raises Missing."""
        if server_id is None:
            policy.permit(actor, permission, actor.organization_id)
            return _outward_address()
        return (await self.one(actor, permission, server_id)).access.address

    async def setup(
        self, actor: Actor, permission: Permission, server_id: str, wants: Wants, once: Once | None = None
    ) -> Queued:
        """Queues the deployment that prepares the server. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Queued:
            server = _permitted(tx, actor, permission, server_id)
            return self.ledger.enqueue_once(tx, once, lambda: asked_by(actor, _request(server, wants)))

        return await self.db.run(write)

    def _now(self, server: Server) -> Server:
        """The server with what this panel knows of its link at this moment."""
        standing, host_key = self.fleet.standing(server.server_id), self.fleet.host_key(server.server_id)
        return replace(server, standing=standing or server.standing, host_key=host_key or server.host_key)

    def _host(self, server: Server) -> SshHost:
        try:
            return self.fleet.server(server.server_id)
        except ServerClosed as closed:
            raise InvalidInput(closed.message) from closed

    def _checked(
        self, tx: Tx, actor: Actor, permission: Permission, access: ServerAccess, server_id: str | None
    ) -> ServerAccess:
        """The access, whose key and way are the organisation's own."""
        checked(access)
        if access.ssh_key_id is not None:
            self.open_key(tx, access.ssh_key_id, actor.organization_id)
        on_the_way, jump = {server_id}, access.jump_server_id
        while jump is not None:
            if jump in on_the_way:
                raise InvalidInput("A server cannot be reached through itself; choose another jump server.")
            on_the_way.add(jump)
            jump = _permitted(tx, actor, permission, jump).access.jump_server_id
        return access

    async def _empty(self, server_id: str) -> None:
        try:
            await end_unfinished_on(self.db, self.stopping, server_id, Intent.KILL)
        except Unavailable:
            for deployment_id in await self.db.read(lambda tx: store.out_of_reach(tx, server_id)):
                await self.give_up(deployment_id, _REMOVED)


def _judged(actor: Actor, access: ServerAccess, before: ServerAccess | None = None) -> ServerAccess:
    """The access, with whose word its way is; one that stays stays whose it was. What is reached through another server
    is that one's to find. Raises NearRefused.
    """
    if before is not None and access.way == before.way:
        return replace(access, guarded=before.guarded)
    if access.jump_server_id is None:
        require_outward(actor, access.address, "The server")
    return replace(access, guarded=not may_use_the_machine(actor))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = f" and {len(names) - _SHOWN} more are" if len(names) > _SHOWN else " is" if len(names) == 1 else " are"
    return f"{shown}{more}"


def _permitted(tx: Tx, actor: Actor, permission: Permission, server_id: str) -> Server:
    server = store.find(tx, server_id)
    policy.permit(actor, permission, server.organization_id, noun=policy.Noun.SERVER)
    return server


def _fields(change: ServerChange, before: Server) -> Mapping[str, Any]:
    given = {
        "name": change.name,
        "description": change.description,
        "type": change.type,
        "settings": None if change.settings is None else {**before.settings, **change.settings},
    }
    fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if change.forgets_host_key:
        fields["host_key"] = None
    return fields


def _request(server: Server, wants: Wants) -> Request:
    return Request(
        kind=KIND,
        kind_version=VERSION,
        subject_type=SubjectType.SERVER,
        subject_id=server.server_id,
        host_id=server.server_id,
        organization_id=server.organization_id,
        project_id=None,
        exclusive_key=f"server.{server.server_id}",
        lane=Lane.DEPLOY,
        default_title="Setup Server",
        input=wants.dump(),
    )


def _outward_address() -> str:
    """That of the way out of this machine, which the kernel knows without a packet sent; a loopback where there is no
    way out.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # kept for documentation by RFC 5737: nobody's
        except OSError:
            return "127.0.0.1"
        address: str = asked.getsockname()[0]
        return address
