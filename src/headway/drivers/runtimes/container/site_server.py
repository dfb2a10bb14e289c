"""The file server that is put into the images of sites: its program, in a folder of its own, and what it is told."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

from headway.drivers.runtimes.launch.launcher import file_server
from headway.drivers.runtimes.launch.site_routes import site_routes
from headway.infra.hosts.wheel_programs import beside_python
from headway.kernel.dataclass import dataclass
from headway.kernel.site_rules import SiteRules

PORT = 80
PROGRAM = "caddy"
_SITE = "/site"


@dataclass(frozen=True, slots=True)
class SiteServer:
    """The folder on this machine."""

    path: Path

    @property
    def folder(self) -> str:
        """Where it is."""
        return str(self.path)

    async def lay_out(self) -> None:
        """Makes the folder what it has to be; quick when it is."""
        await asyncio.to_thread(lay_out, self.path)


def configuration(rules: SiteRules) -> str:
    """What the file server is told: it serves /site by these rules. One line."""
    told = file_server(_SITE, PORT, site_routes(_SITE, rules))
    told["apps"]["http"]["servers"]["static"]["listen"] = [f":{PORT}"]
    return json.dumps(told)


def lay_out(folder: Path) -> None:
    """As ``SiteServer.lay_out``. Blocks."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    program, kept = beside_python(PROGRAM), folder / PROGRAM
    if not kept.exists() or kept.stat().st_size != program.stat().st_size:
        draft = folder.with_name(f".{PROGRAM}.new")
        shutil.copyfile(program, draft)
        draft.chmod(0o755)
        draft.replace(kept)
