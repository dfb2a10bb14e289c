"""What a compose service holds on the disk, and what of it nobody needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from headway.drivers.runtimes.compose.conversion import IMAGES
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.folders import ComposeFolders
from headway.features.services.kinds import Unneeded
from headway.infra.hosts.base import Host
from headway.infra.hosts.measure import bytes_of
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDisk:
    """Fits ``kinds.ServiceDisk``."""

    lifecycle: ComposeLifecycle

    def folders(self, host_id: str) -> ComposeFolders:
        return self.lifecycle.contexts.at(host_id).folders

    def repository(self, panel_id: str, app_name: str) -> str:
        del panel_id
        return f"{IMAGES}{app_name}"

    async def clear(
        self, host: Host, service_id: str, repository: str, *, freeing: Callable[[str], int] | None, dry: bool
    ) -> AsyncIterator[Unneeded]:
        del repository
        async with self.lifecycle.turn(service_id):
            keep, not_kept = await self.lifecycle.beyond(service_id)
            sizes = await bytes_of(host, [each.folder for each in not_kept])
            names = [] if freeing is None else await self.lifecycle.driver.needless_images(service_id)
            if not dry and (not_kept or names):
                await self.lifecycle.clear(service_id)
            for each in not_kept:
                size = sizes.get(each.folder, 0)
                yield Unneeded(name=each.release_id, why=f"it is not among {keep}", bytes=size)
            for name in names:
                gained = freeing(name) if freeing else None
                yield Unneeded(is_image=True, name=name, why="no release that is kept has it", bytes=gained)
