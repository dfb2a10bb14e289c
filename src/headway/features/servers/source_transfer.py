"""The way of a source from the panel's machine, where it is fetched, to the server where it is built."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from headway.core.deployments.run import Json, Run, RunFailed
from headway.drivers.sources.base import Source
from headway.features.servers.auxiliary_run import AuxiliaryRun
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.ssh import SshHost
from headway.kernel.artifacts import Commit, Workspace
from headway.kernel.dataclass import dataclass

UNDO_HERE, UNDO_THERE = "outgoing", "incoming"
SMALL_BYTES = 1 << 20
_ENV: Mapping[str, str] = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class TransferFolders:
    """Where sources lie on their way: below ``work``, which the unprivileged accounts can reach, and below ``private``,
    which they cannot.
    """

    work: str
    private: str

    def outgoing(self, deployment_id: str) -> str:
        """Where a source lies that is to go to a server."""
        return f"{self.work}/outgoing/{deployment_id}"

    def bundle(self, deployment_id: str) -> str:
        """The same as one file, which only the panel reads."""
        return f"{self.private}/outgoing/{deployment_id}.tar"

    def incoming(self, deployment_id: str) -> str:
        """Where that file arrives on its server, under its digest."""
        return f"{self.private}/incoming/{deployment_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTransfer:
    """Makes one file of a commit on this machine (``here``) and unpacks it on the run's host. All of it may be asked
    again, and goes on where it was.
    """

    run: Run
    source: Source
    here: TransferFolders
    there: TransferFolders
    account: Account | None

    async def pack(self, auxiliary: AuxiliaryRun, commit: Commit) -> Mapping[str, Json]:
        """Makes the file; what is needed to lay it out again. What is left of an earlier try goes."""
        host, folder, bundle = auxiliary.host, self.here.outgoing(self._id), self.here.bundle(self._id)
        await self.run.undo(UNDO_HERE, {"paths": [folder, bundle]})
        await host.remove_tree(folder)
        await host.make_folder(bundle.rpartition("/")[0])
        if not await self.source.pack(auxiliary, commit, bundle):
            await host.make_folder(folder.rpartition("/")[0], mode=0o711)
            await self.source.check_out(auxiliary, commit, folder)
            argv = ("tar", "--create", f"--file={bundle}", f"--directory={folder}", ".")
            await auxiliary.command("pack", Command(stages=(Stage(argv=argv),), env=_ENV))
        digest, length = await asyncio.to_thread(_measured, bundle)
        return {"digest": digest, "bytes": length}

    def goes_along(self, packed: Mapping[str, Json]) -> bool:
        """Whether the file is so small that the command which unpacks it takes it along."""
        return int(packed["bytes"]) <= SMALL_BYTES

    async def send(self, packed: Mapping[str, Json]) -> None:
        """Brings the file over the link, from the byte on that the server has."""
        host = self.run.host
        if not isinstance(host, SshHost):
            msg = "a source is carried to servers only"
            raise TypeError(msg)
        bundle = Path(self.here.bundle(self._id))
        if not await asyncio.to_thread(bundle.exists):
            raise RunFailed("The source that was to be sent to the server is gone from the panel. Deploy again.")
        folder = self.there.incoming(self._id)
        await self.run.undo(UNDO_THERE, {"path": folder})
        await host.make_folder(folder)
        await host.send_file(bundle, self._arrived(packed))

    async def lay_out(self, packed: Mapping[str, Json], root: str) -> Workspace:
        """The workspace in ``root`` on the server; the file is removed on both sides."""
        run = self.run
        await run.host.make_folder(root, owner=self.account)
        tar = ("tar", "--extract", "--file=-", "--no-same-owner", "--no-same-permissions", f"--directory={root}")
        unpack = Stage(argv=tar, account=self.account)
        if self.goes_along(packed):
            content = await asyncio.to_thread(_content, self.here.bundle(self._id))
            await run.command("unpack", Command(stages=(unpack,), env=_ENV, stdin=content))
        else:
            read = Stage(argv=("cat", "--", self._arrived(packed)))
            await run.command("unpack", Command(stages=(read, unpack), env=_ENV))
            await run.host.remove_tree(self.there.incoming(self._id))
        return await self.source.workspace(run, root)

    async def clear(self, host: Host) -> None:
        """Removes what lies on this machine."""
        for path in (self.here.outgoing(self._id), self.here.bundle(self._id)):
            await host.remove_tree(path)

    def _arrived(self, packed: Mapping[str, Json]) -> str:
        return f"{self.there.incoming(self._id)}/{packed['digest']}.tar"

    @property
    def _id(self) -> str:
        return self.run.deployment.deployment_id


async def undo_here(here: Host, data: Mapping[str, Any]) -> None:
    """Removes what was packed on this machine."""
    for path in data["paths"]:
        await here.remove_tree(path)


def _measured(path: str) -> tuple[str, int]:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def _content(path: str) -> bytes:
    """The file; nothing where it was cleared away, which it is when the command has taken it."""
    with suppress(FileNotFoundError):
        return Path(path).read_bytes()
    return b""
