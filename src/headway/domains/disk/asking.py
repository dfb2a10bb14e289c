"""Asks servers what services hold there: each for itself, within a deadline, and one that cannot be asked is named."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headway.domains.disk.model import NOTHING, Counted, Held, OnServer, Owners, Part, Server, counted
from headway.domains.disk.places import Places
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.usage import Layer, measure
from headway.infra.hosts.base import HostUnreachable
from headway.infra.hosts.measure import bytes_on
from headway.infra.hosts.ssh import SshHost
from headway.kernel.errors import HeadwayError

_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """What is asked of one server."""

    host: SshHost
    api: DockerApi
    panel_id: str
    places: Places


@dataclass(slots=True, kw_only=True)
class Asking:
    """``there`` gives what is asked of a server, and raises HostUnreachable where it cannot be entered."""

    there: Callable[[str], There]
    seconds: float = _SECONDS
    _layers: dict[str, dict[str, tuple[Layer, ...]]] = field(default_factory=lambda: defaultdict(dict))

    async def all(self, servers: Sequence[Server], services: Sequence[Held]) -> tuple[OnServer, ...]:
        """What each of them has said, in their order."""
        return tuple(
            await asyncio.gather(
                *(self._asked(each, [one for one in services if one.host_id == each.server_id]) for each in servers)
            )
        )

    async def _asked(self, server: Server, services: Sequence[Held]) -> OnServer:
        try:
            async with asyncio.timeout(self.seconds):
                return await self._answer(server, services)
        except TimeoutError:
            away = f"{server.name} has not answered within {self.seconds:g} s."
        except HeadwayError as error:
            away = error.message
        return OnServer(server=server, away=away, held=NOTHING)

    async def _answer(self, server: Server, services: Sequence[Held]) -> OnServer:
        there = self.there(server.server_id)
        if there.host.link is None:
            raise there.host.standing.away_why or HostUnreachable(f"{server.name} has not been reached yet.")
        folders = {path: (each, part) for each in services for path, part in there.places.of(each).items()}
        engine = await self._engine(server, there, services)
        held = engine or NOTHING
        return OnServer(
            server=server,
            engine=engine is not None,
            free=await there.host.free_bytes(there.host.root),
            held=replace(held, of_service=_with_files(held, folders, await bytes_on(there.host, folders))),
        )

    async def _engine(self, server: Server, there: There, services: Sequence[Held]) -> Counted | None:
        try:
            usage = await measure(there.api, self._layers[server.server_id])
        except (EngineAway, EngineRefused):
            return None
        return counted(usage, Owners(there.panel_id, services))


def _with_files(
    held: Counted, folders: Mapping[str, tuple[Held, Part]], sizes: Mapping[str, int]
) -> Mapping[str, Mapping[Part, int]]:
    of_service: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
    for service_id, parts in held.of_service.items():
        of_service[service_id].update(parts)
    for path, size in sizes.items():
        service, part = folders[path]
        of_service[service.service_id][part] += size
    return of_service
