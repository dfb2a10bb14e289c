"""Measures what services hold: folders and logs of the panel's machine, what its engine has, and what servers have."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from headway.domains.disk import store
from headway.domains.disk.asking import Asking
from headway.domains.disk.model import NOTHING, Counted, Held, Machine, OnServer, Owners, Part, Server, Usage, counted
from headway.domains.disk.places import Places
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.usage import EngineUsage, Layer, measure
from headway.infra.hosts.measure import bytes_of

FRESH_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Measuring:
    """Measures, at most once at a time; who asks again within ``FRESH_SECONDS`` is told the same. ``logs`` is where
    those of deployments lie.
    """

    db: Database
    api: DockerApi
    panel_id: str
    places: Places
    logs: Path
    asking: Asking
    floor: int
    cache_bound: int
    _layers: dict[str, tuple[Layer, ...]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: tuple[float, Usage] | None = None

    async def usage(self, *, fresh: bool = False) -> Usage:
        """What is there now, or was there a moment ago."""
        async with self._turn:
            if fresh or self._last is None or time.monotonic() - self._last[0] > FRESH_SECONDS:
                self._last = (time.monotonic(), await self._measured())
            return self._last[1]

    async def engine(self) -> EngineUsage | None:
        """What the engine holds; None where there is none that answers."""
        try:
            return await measure(self.api, self._layers)
        except (EngineAway, EngineRefused):
            return None

    async def _measured(self) -> Usage:
        services, servers, logs_of, now = await self.db.read(_known)
        usage, afar = await asyncio.gather(
            self._measured_here(services, logs_of, now), self.asking.all(servers, services)
        )
        by_id = {each.server.server_id: each for each in afar}
        return replace(usage, services=tuple(_together(each, by_id) for each in usage.services), servers=afar)

    async def _measured_here(self, services: list[Held], logs_of: Mapping[str, str], now: datetime) -> Usage:
        engine = await self.engine()
        found = NOTHING if engine is None else counted(engine, Owners(self.panel_id, services))
        parts: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
        whole: dict[Part, int] = defaultdict(int)
        for of_service in (found.of_service, await self._files(services), await self._logs(logs_of)):
            for service_id, of_part in of_service.items():
                for part, size in of_part.items():
                    parts[service_id][part] += size
                    whole[part] += size
        return Usage(
            measured_at=now,
            services=tuple(replace(each, parts=dict(parts[each.service_id])) for each in services),
            machine=await self._machine(found, engine),
            engine=engine is not None,
            here=whole,
        )

    async def _files(self, services: list[Held]) -> Mapping[str, Mapping[Part, int]]:
        folders = {path: (each, part) for each in services for path, part in self.places.of(each).items()}
        sizes: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
        for path, size in (await bytes_of(folders)).items():
            service, part = folders[path]
            sizes[service.service_id][part] += size
        return sizes

    async def _logs(self, service_of: Mapping[str, str]) -> Mapping[str, Mapping[Part, int]]:
        sizes: dict[str, dict[Part, int]] = defaultdict(lambda: defaultdict(int))
        for deployment_id, size in (await asyncio.to_thread(_log_sizes, self.logs)).items():
            if deployment_id in service_of:
                sizes[service_of[deployment_id]][Part.LOGS] += size
        return sizes

    async def _machine(self, found: Counted, engine: EngineUsage | None) -> Machine:
        disk = await asyncio.to_thread(shutil.disk_usage, self.places.applications.work)
        free = disk.free
        if engine is not None and await asyncio.to_thread(Path(engine.root).is_dir):
            free = min(free, (await asyncio.to_thread(shutil.disk_usage, engine.root)).free)
        return Machine(
            free=free,
            total=disk.total,
            floor=self.floor,
            shared=found.shared,
            foreign=found.foreign,
            cache=found.cache,
            cache_bound=self.cache_bound,
        )


def _known(tx: Tx) -> tuple[list[Held], list[Server], Mapping[str, str], datetime]:
    services = store.services(tx)
    return services, store.servers_of(tx, services), store.service_of_deployment(tx), tx.now


def _together(service: Held, servers: Mapping[str, OnServer]) -> Held:
    """The service with what it holds on its server, too."""
    server = servers.get(service.host_id)
    if server is None:
        return service
    there = server.of(service.service_id)
    return replace(service, parts={part: service.parts.get(part, 0) + there.get(part, 0) for part in Part})


def _log_sizes(folder: Path) -> dict[str, int]:
    """What is kept of each deployment's log, the files beside it among it."""
    sizes: dict[str, int] = defaultdict(int)
    with os.scandir(folder) as entries:
        for entry in entries:
            deployment_id, dot, _ = entry.name.partition(".log")
            if dot:
                try:
                    sizes[deployment_id] += entry.stat(follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
    return sizes
