"""Room on the disk: below a floor nothing is begun that would fill it, and the sentence says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Never

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.hosts.base import FileFailed, HostUnreachable

_MIB = 1 << 20
_REST = 0.5


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
        for what, free in await self._looked(run):
            if free < self.floor:
                raise RunFailed(
                    f"Only {free // _MIB} MiB are free on the disk {what}, and a deploy begins with "
                    f"{self.floor // _MIB} MiB or more (HEADWAY_LEAST_FREE). 'headway disk' shows what holds the "
                    "space, 'headway disk clean' removes what nobody needs; then deploy again.",
                    Reason.REFUSED,
                )

    async def watch(self, run: Run) -> Never:
        """Looks while something is built on the run's host. Raises RunFailed once there is no room: what was built goes
        with the run. Whoever it was, all builds of that moment could not end well.
        """
        while True:
            await asyncio.sleep(_REST)
            for what, free in await self._looked(run):
                # What has to be free at its beginning is there for a build to use: it has half of it at least.
                if free < self.floor // 2:
                    raise RunFailed(
                        f"The disk {what} became full while it was built: {free // _MIB} MiB are free, and a build is "
                        f"ended below {self.floor // 2 // _MIB} MiB (half of HEADWAY_LEAST_FREE). Let it write less, "
                        "or free some of the disk ('headway disk' shows what holds the space); then deploy again."
                    )

    async def places(self) -> list[str]:
        """Where deploys write on their host."""
        root = await self._engine_root()
        return [self.work] if root is None else [self.work, root]

    async def _looked(self, run: Run) -> Sequence[tuple[str, int]]:
        found = await asyncio.gather(self._free(run, self.work), self._free(run, await self._engine_root()))
        return tuple(zip(("where builds are made", "where Docker keeps images"), found, strict=True))

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
