"""Measures what services hold: folders and logs of the panel's machine, what its engine has, and what servers have."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from headway.features.disk import store
from headway.features.disk.engines import DiskEngines
from headway.features.disk.files import OfService, files_of, together
from headway.features.disk.model import (
    NOTHING,
    Counted,
    DiskServer,
    FreeDisk,
    Machine,
    ServiceUsage,
    Usage,
    counted,
)
from headway.features.disk.places import DiskHost
from headway.features.disk.server_usage import ServerUsage
from headway.features.services.folders import Part
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.usage import EngineUsage
from headway.kernel.dataclass import dataclass

FRESH_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class Measuring:
    """Measures, at most once at a time; who asks again within ``FRESH_SECONDS`` is told the same. ``logs`` is where
    those of deployments lie.
    """

    db: Database
    here: DiskHost
    engines: DiskEngines
    logs: Path
    asking: ServerUsage
    floor: int
    cache_bound: int
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _last: tuple[float, Usage] | None = None
    _engine_root: Path | None = None  # as it was told last

    async def usage(self, *, fresh: bool = False) -> Usage:
        """What is there now, or was there a moment ago."""
        async with self._turn:
            if fresh or self._last is None or time.monotonic() - self._last[0] > FRESH_SECONDS:
                self._last = (time.monotonic(), await self._measured())
            return self._last[1]

    async def free(self) -> FreeDisk:
        """How much is free on the panel's machine, which takes no time to tell."""
        disks = [await asyncio.to_thread(shutil.disk_usage, self.here.places.root)]
        if self._engine_root is not None and await asyncio.to_thread(self._engine_root.is_dir):
            disks.append(await asyncio.to_thread(shutil.disk_usage, self._engine_root))
        return FreeDisk(free=min(each.free for each in disks), total=disks[0].total, floor=self.floor)

    async def _measured(self) -> Usage:
        services, servers, logs_of, now = await self.db.read(_known)
        usage, afar = await asyncio.gather(
            self._measured_here(services, logs_of, now), self.asking.all(servers, services)
        )
        parts = together(
            {each.service_id: each.parts for each in usage.services}, *(server.held.of_service for server in afar)
        )
        services = [replace(each, parts=parts[each.service_id]) for each in usage.services]
        return replace(usage, services=tuple(services), servers=afar)

    async def _measured_here(self, services: list[ServiceUsage], logs_of: Mapping[str, str], now: datetime) -> Usage:
        engine = await self.engines.usage(self.here)
        found = NOTHING if engine is None else counted(engine, self.here.owners(services))
        parts = together(found.of_service, await files_of(self.here, services), await self._logs(logs_of))
        whole = {part: sum(each.get(part, 0) for each in parts.values()) for part in Part}
        return Usage(
            measured_at=now,
            services=tuple(replace(each, parts=dict(parts.get(each.service_id, {}))) for each in services),
            machine=await self._machine(found, engine),
            engine=engine is not None,
            here=whole,
        )

    async def _logs(self, service_of: Mapping[str, str]) -> OfService:
        sizes: dict[str, int] = defaultdict(int)
        for deployment_id, size in (await asyncio.to_thread(_log_sizes, self.logs)).items():
            if deployment_id in service_of:
                sizes[service_of[deployment_id]] += size
        return {service_id: {Part.LOGS: size} for service_id, size in sizes.items()}

    async def _machine(self, found: Counted, engine: EngineUsage | None) -> Machine:
        self._engine_root = None if engine is None else Path(engine.root)
        disk = await self.free()
        return Machine(
            free=disk.free,
            total=disk.total,
            floor=disk.floor,
            shared=found.shared,
            foreign=found.foreign,
            cache=found.cache,
            cache_bound=self.cache_bound,
        )


def _known(tx: Tx) -> tuple[list[ServiceUsage], list[DiskServer], Mapping[str, str], datetime]:
    services = store.services(tx)
    return services, store.every_server(tx), store.service_of_deployment(tx), tx.now


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
