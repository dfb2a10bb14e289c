"""The file server that is put into the images of sites, in a folder of a server."""

from __future__ import annotations

from headway.drivers.runtimes.container.site_server import PROGRAM
from headway.drivers.runtimes.remote.client import RuntimeAgentClient
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSiteServer:
    """As ``SiteServer``, there. Everything raises HostUnreachable too."""

    agent: RuntimeAgentClient
    folder: str

    async def lay_out(self) -> None:
        """Makes the folder what it has to be. Raises NotPrepared where the program cannot run there."""
        kept, host = self.agent.setting.site, self.agent.host
        await self.agent.provide(PROGRAM, kept)
        await host.make_folder(self.folder, mode=0o755)
        await self.agent.link(kept, f"{self.folder}/{PROGRAM}")
