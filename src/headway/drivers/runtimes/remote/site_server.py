"""The file server that is put into the images of sites, in a folder of a server."""

from __future__ import annotations

from dataclasses import dataclass

from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.drivers.runtimes.site_server import PROGRAM


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSiteServer:
    """As ``SiteServer``, there. Everything raises HostUnreachable too."""

    attended: RuntimeAgentClient
    folder: str

    async def lay_out(self) -> None:
        """Makes the folder what it has to be. Raises NotPrepared where the program cannot run there."""
        kept, host = self.attended.setting.site, self.attended.host
        await self.attended.provide(PROGRAM, kept)
        await host.make_folder(self.folder, mode=0o755)
        await self.attended.link(kept, f"{self.folder}/{PROGRAM}")
