"""What an application holds on the disk, and what of it nobody needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.folders import AppFolders
from headway.features.services.kinds import Unneeded
from headway.features.services.model import Release
from headway.features.services.release_retention import is_shared
from headway.infra.docker import images
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDisk:
    """Fits ``kinds.ServiceDisk``."""

    lifecycle: ApplicationLifecycle

    def folders(self, host_id: str) -> AppFolders:
        return self.lifecycle.contexts.at(host_id).folders

    def repository(self, panel_id: str, app_name: str) -> str:
        return f"headway-{panel_id}/{app_name}"

    async def clear(
        self, host: Host, service_id: str, repository: str, *, freeing: Callable[[str], int] | None, dry: bool
    ) -> AsyncIterator[Unneeded]:
        del host
        async with self.lifecycle.turn(service_id):
            keep, not_kept = await self.lifecycle.beyond(service_id)
            for release in not_kept:
                size = await self._size(release, repository, freeing)
                if not dry and not await self.lifecycle.let_go(release):
                    continue
                yield Unneeded(name=release.release_id, why=f"it is not among {keep}", bytes=size)

    async def _size(self, release: Release, repository: str, freeing: Callable[[str], int] | None) -> int | None:
        """What goes with a release: nothing where another has the same files."""
        if release.runtime != "native" and freeing is not None:
            return freeing(f"{repository}:{images.tag_of(release.release_id)}")
        return 0 if await self.lifecycle.db.read(lambda tx: is_shared(tx, release)) else release.bytes
