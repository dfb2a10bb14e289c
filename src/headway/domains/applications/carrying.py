"""The way of a source from the panel's machine, where it is fetched, to the server where it is built."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headway.core.deployments.run import Json, Run, RunFailed
from headway.domains.applications.errand import Errand
from headway.domains.applications.folders import AppFolders
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.ssh import SshHost
from headway.kernel.artifacts import Workspace

UNDO_HERE, UNDO_THERE = "outgoing", "incoming"
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrying:
    """Packs a workspace on this machine (``here``) and lays it out on the run's host, from the same place in it on. All
    of it may be asked again, and goes on where it was.
    """

    run: Run
    here: AppFolders
    there: AppFolders
    account: Account | None

    @property
    def folder(self) -> str:
        """Where the source is to be checked out before."""
        return self.here.outgoing(self._id)

    async def begin(self, host: Host) -> None:
        """Makes way for the check-out; what is left of an earlier try goes."""
        await self.run.undo(UNDO_HERE, {"paths": [self.folder, self.here.parcel(self._id)]})
        await host.remove_tree(self.folder)
        await host.make_folder(self.folder.rpartition("/")[0], mode=0o711)
        await host.make_folder(self.here.parcel(self._id).rpartition("/")[0])

    async def pack(self, errand: Errand, workspace: Workspace) -> Mapping[str, Json]:
        """Makes one file of the workspace; what is needed to lay it out again."""
        parcel = self.here.parcel(self._id)
        argv = ("tar", "--create", f"--file={parcel}", f"--directory={workspace.root}", ".")
        await errand.command("pack", Command(stages=(Stage(argv=argv),), env={"PATH": _PATH, "LC_ALL": "C"}))
        digest = await asyncio.to_thread(_digest, parcel)
        return {"digest": digest, "inner": workspace.folder.removeprefix(workspace.root)}

    async def send(self, packed: Mapping[str, Json]) -> None:
        """Brings the file over the link, from the byte on that the server has."""
        host = self.run.host
        if not isinstance(host, SshHost):
            msg = "a source is carried to servers only"
            raise TypeError(msg)
        parcel = Path(self.here.parcel(self._id))
        if not await asyncio.to_thread(parcel.exists):
            raise RunFailed("The source that was to be sent to the server is gone from the panel. Deploy again.")
        folder = self.there.incoming(self._id)
        await self.run.undo(UNDO_THERE, {"path": folder})
        await host.make_folder(folder)
        await host.send_file(parcel, self._arrived(packed))

    async def lay_out(self, packed: Mapping[str, Json], root: str) -> Workspace:
        """The workspace in ``root`` on the server; the file is removed on both sides."""
        host = self.run.host
        await host.make_folder(root, owner=self.account)
        tar = ("tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions", f"--directory={root}")
        stages = (Stage(argv=("cat", "--", self._arrived(packed))), Stage(argv=tar, account=self.account))
        await self.run.command("unpack", Command(stages=stages, env={"PATH": _PATH, "LC_ALL": "C"}))
        await host.remove_tree(self.there.incoming(self._id))
        return Workspace(root=root, folder=f"{root}{packed['inner']}")

    async def clear(self, host: Host) -> None:
        """Removes what lies on this machine."""
        for path in (self.folder, self.here.parcel(self._id)):
            await host.remove_tree(path)

    def _arrived(self, packed: Mapping[str, Json]) -> str:
        return f"{self.there.incoming(self._id)}/{packed['digest']}.tar"

    @property
    def _id(self) -> str:
        return self.run.deployment.deployment_id


async def undo(here: Host, there: Host, name: str, data: Mapping[str, Any]) -> bool:
    """Takes back what was recorded above; False when the name is not one of its own."""
    if name == UNDO_HERE:
        for path in data["paths"]:
            await here.remove_tree(path)
    elif name == UNDO_THERE:
        await there.remove_tree(data["path"])
    else:
        return False
    return True


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
