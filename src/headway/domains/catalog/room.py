"""Room on the disk: below a floor nothing is begun that would fill it, and the sentence says what to do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.hosts.base import FileFailed, HostUnreachable

_MIB = 1 << 20


@dataclass(slots=True, kw_only=True)
class Room:
    """``floor`` is what has to be free where deploys write, in bytes: in ``work`` on their host, and where its engine,
    if there is one, keeps images.
    """

    work: str
    floor: int
    api: DockerApi
    _root: str | None = field(default=None, init=False)

    async def require(self, run: Run) -> None:
        """Returns where there is room for a build. Raises RunFailed (refused)."""
        names = ("where builds are made", "where Docker keeps images")
        found = await asyncio.gather(self._free(run, self.work), self._free(run, await self._engine_root()))
        for what, free in zip(names, found, strict=True):
            if free < self.floor:
                raise RunFailed(
                    f"Only {free // _MIB} MiB are free on the disk {what}, and a deploy begins with "
                    f"{self.floor // _MIB} MiB or more (HEADWAY_LEAST_FREE). 'headway disk' shows what holds the "
                    "space, 'headway disk clean' removes what nobody needs; then deploy again.",
                    Reason.REFUSED,
                )

    async def places(self) -> list[str]:
        """Where deploys write on their host."""
        root = await self._engine_root()
        return [self.work] if root is None else [self.work, root]

    async def _free(self, run: Run, place: str | None) -> int:
        """Free bytes there; what is no place of the host that we can see (an engine elsewhere) is taken as enough."""
        if place is None:
            return self.floor
        try:
            return await run.host.free_bytes(place)
        except FileFailed:
            if place == self.work:
                raise
            return self.floor

    async def _engine_root(self) -> str | None:
        """Where the engine keeps its images. It is asked once."""
        if self._root is None:
            try:
                root: str = (await self.api.get("/info"))["DockerRootDir"]
            except (EngineAway, EngineRefused, HostUnreachable):
                return None
            self._root = root
        return self._root or None
