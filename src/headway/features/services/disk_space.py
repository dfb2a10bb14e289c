"""Room on the disk: below a floor nothing is begun that would fill it, and the sentence says what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Never

from headway.core.deployments.run import Run, RunFailed
from headway.core.deployments.status import Reason
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.hosts.base import FileFailed, HostUnreachable
from headway.kernel.dataclass import dataclass

_MIB = 1 << 20
_REST = 0.5
_KEPT_SECONDS = 120.0  # that long what an engine has said of itself is taken for true
_AGAIN_SECONDS = 10.0  # no longer where it says that it keeps images there is no such place
_ANSWER_SECONDS = 5.0  # what builds are watched by meanwhile is what it has said before


@dataclass(slots=True, kw_only=True)
class Room:
    """``floor`` is what has to be free where deploys write, in bytes: in ``work`` on their host, and where its engine,
    if there is one, keeps images. That may be moved while this stands, so the engine is asked anew now and then.
    """

    work: str
    floor: int
    api: DockerApi
    monotonic: Callable[[], float] = time.monotonic
    _root: str | None = field(default=None, init=False)
    _asked_at: float = field(default=0.0, init=False)

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
        found = await asyncio.gather(run.host.free_bytes(self.work), self._free_at_engine(run))
        return tuple(zip(("where builds are made", "where Docker keeps images"), found, strict=True))

    async def _free_at_engine(self, run: Run) -> int:
        """Free bytes there; what is no place of the host that we can see (an engine elsewhere) is taken as enough."""
        root = await self._engine_root()
        free = await _free(run, root)
        if free is None and root is not None:
            moved = await self._engine_root(kept_seconds=_AGAIN_SECONDS)
            free = None if moved == root else await _free(run, moved)
        return self.floor if free is None else free

    async def _engine_root(self, *, kept_seconds: float = _KEPT_SECONDS) -> str | None:
        """Where the engine keeps its images. It is asked again after so many seconds; as long as it does not answer,
        what it has said before is taken for true.
        """
        now = self.monotonic()
        if self._root is None or now - self._asked_at >= kept_seconds:
            self._asked_at = now  # before it answers: builds that are watched meanwhile do not all wait for it
            told = await self._told()
            self._root = self._root if told is None else told
        return self._root or None

    async def _told(self) -> str | None:
        try:
            asked = self.api.get("/info") if self._root is None else self.api.get("/info", seconds=_ANSWER_SECONDS)
            root: str = (await asked)["DockerRootDir"]
        except (EngineAway, EngineRefused, HostUnreachable):
            return None
        return root


async def _free(run: Run, place: str | None) -> int | None:
    """Free bytes there, None where there is no such place."""
    if place is None:
        return None
    try:
        return await run.host.free_bytes(place)
    except FileFailed:
        return None
