"""Use cases of the disk: what services hold, what may go, and the rounds that see to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import field, replace

from headway.core.access import policy
from headway.core.access.model import Actor, Role
from headway.core.access.policy import Missing, Noun, Permission
from headway.features.disk import store
from headway.features.disk.cleanup import Cleaning
from headway.features.disk.measurement import Measuring
from headway.features.disk.model import Cleared, DiskServer, FreeDisk, Machine, OnServer, ServiceUsage, Usage
from headway.features.disk.rounds import Chosen
from headway.infra.db.engine import Database
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import DiskMeasured, Events

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a caller may know: the services that it sees and the servers that these are on, and of the machine as a
    whole (None) only who may.
    """

    usage: Usage
    services: tuple[ServiceUsage, ...]
    servers: tuple[OnServer, ...]
    machine: Machine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskService:
    """What callers may ask of the disk. ``rooms`` is what was free on the servers that answer, by their ids, as it was
    seen last by who watches them.
    """

    db: Database
    measuring: Measuring
    cleaning: Cleaning
    events: Events
    rooms: dict[str, int] = field(default_factory=dict)

    async def usage(self, actor: Actor, permission: Permission, *, fresh: bool = False) -> Shown:
        """What the caller's services hold, the largest first; measured anew with ``fresh``, else at most half a minute
        old. Raises Forbidden.
        """
        policy.admit(actor, permission)
        found = await self.measuring.usage(fresh=fresh)
        mine = [each for each in found.services if _sees(actor, each)]
        whole = actor.role >= Role.ADMIN and actor.terms.projects is None
        return Shown(
            usage=found,
            services=tuple(sorted(mine, key=lambda each: (-each.total, each.name))),
            servers=tuple(
                each for each in found.servers if _is_on(each, mine) or (whole and _sees_server(actor, each.server))
            ),
            machine=found.machine if whole else None,
        )

    async def free(self, actor: Actor, permission: Permission) -> FreeDisk:
        """How much is free on the panel's machine and on servers. Raises Forbidden."""
        policy.permit(actor, permission, actor.organization_id)
        known = await self.db.read(store.every_server) if self.rooms else []
        seen = {each: self.rooms[each.server_id] for each in known if each.server_id in self.rooms}
        mine = {each: free for each, free in seen.items() if _sees_server(actor, each)}
        return replace(await self.measuring.free(), servers=mine)

    async def clean(self, actor: Actor, permission: Permission, *, dry: bool, service_id: str | None = None) -> Cleared:
        """Removes what nobody needs of the organisation's services and on its servers, or of one service and where that
        is; ``dry`` only says what that is. Raises Forbidden, Missing.
        """
        policy.permit(actor, permission, actor.organization_id)
        known = [each for each in await self.db.read(store.services) if _sees(actor, each)]
        chosen = [each for each in known if service_id in {None, each.service_id}]
        if service_id is not None and not chosen:
            raise Missing(Noun.SERVICE)
        ids = {each.service_id for each in chosen}
        hosts = {host_id for each in chosen for host_id in (each.host_id, each.build_host_id)}

        def is_chosen(server: DiskServer) -> bool:
            return _sees_server(actor, server) and (service_id is None or server.server_id in hosts)

        return await self.cleaning.clean(Chosen(service=lambda each: each.service_id in ids, server=is_chosen), dry=dry)

    async def keep_clean(self) -> None:
        """Clears away what nobody needs of all organisations, on every host, and tells how full the disk is."""
        everything = Chosen(service=lambda _: True, server=lambda _: True, everything=True)
        try:
            _say(await self.cleaning.clean(everything, dry=False))
        except HeadwayError as error:
            log.warning("not all was cleared away that nobody needs: %s", error.message)
        usage = await self.measuring.usage(fresh=True)
        self.events.announce(_told(usage))
        if usage.machine.free < usage.machine.floor:
            log.warning("the disk is nearly full: %d MiB are free, no build begins", usage.machine.free >> 20)


def _say(cleared: Cleared) -> None:
    if cleared.items:
        freed = sum(each.bytes or 0 for each in cleared.items)
        log.info("cleared away %d things that nobody needs: %d MiB", len(cleared.items), freed >> 20)
    for server_id, why in cleared.away.items():
        log.info("server %s was not cleaned, or not all of it, and is left to the next time: %s", server_id, why)


def _told(usage: Usage) -> DiskMeasured:
    parts: dict[str, int] = {"shared": usage.machine.shared, "build cache": usage.machine.cache}
    parts |= {part.value: size for part, size in usage.here.items()}
    return DiskMeasured(free_bytes=usage.machine.free, held_bytes=parts)


def _sees(actor: Actor, service: ServiceUsage) -> bool:
    return policy.sees(actor, service.organization_id, service.project_id, service_id=service.service_id)


def _sees_server(actor: Actor, server: DiskServer) -> bool:
    return policy.sees(actor, server.organization_id, None, in_project=False)


def _is_on(server: OnServer, services: Sequence[ServiceUsage]) -> bool:
    """Whether one of these services is on the server, is built there, or has something there."""
    there = server.server.server_id
    return any(there in {each.host_id, each.build_host_id} or server.of(each.service_id) for each in services)
