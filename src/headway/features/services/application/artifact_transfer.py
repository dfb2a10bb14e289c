"""The way of an artifact from where it was built to where it is released, and there under its name only once it is
whole.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import Json, Run, RunFailed, UndoContext
from headway.core.deployments.status import Reason
from headway.features.servers.auxiliary_run import to_be_ended
from headway.features.services.application.stream_relay import Program, RelayedStream, end_move
from headway.features.services.application.tools import ApplicationContext
from headway.infra.docker import archive_script, images
from headway.infra.docker.api import DockerApi
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account, Stage
from headway.infra.hosts.ssh import SshHost
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Image
from headway.kernel.dataclass import dataclass

UNDO = "move"
_BLOCKS = "--blocking-factor=256"
_PYTHON = "/usr/bin/python3"
_ONLY_ONE = Path(archive_script.__file__).read_text()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactTransfer:
    """One move. ``run`` is where it was built, with the tools ``source``; ``there`` is the same run where it is to be
    released, with ``target``; ``auxiliary`` opens what carries on the panel's machine, ``here``, and ``files`` is a
    folder there for as long.
    """

    run: Run
    source: ApplicationContext
    there: Run
    target: ApplicationContext
    here: Host
    files: str
    auxiliary: Callable[[], AbstractAsyncContextManager[Work]]

    async def image(self, image: Image, account: Account | None) -> Image:
        """The image in the engine there, and no other by any name, whatever a server sends: the ``account`` looks
        through it. The very same where both ends share one engine. Raises RunFailed.
        """
        api = self.target.imaging.api
        await api.require()
        if await self.is_one_engine():
            return image
        await self._begin({"image": image.name})
        out = ("docker", "--host", self.source.imaging.host, "save", "--", image.name)
        into = ("docker", "--host", self.target.imaging.host, "load", "--quiet")
        only = Stage(argv=(_PYTHON, "-I", "-c", _ONLY_ONE, image.name), account=account)
        between = (only,) if isinstance(self.run.host, SshHost) else ()
        stream = replace(self._stream(out, into), between=between)
        await stream.carry(f"the image ({image.bytes >> 20} MiB)")
        found = await images.inspect(api, image.name, image.name)
        if found is None:
            raise RunFailed(f"The image {image.name} was moved, and the engine there has none of that name.")
        return replace(image, reference=found.reference, digest=found.digest, bytes=found.bytes)

    async def folder(self, folder: str, account: Account | None) -> None:
        """What was built in a folder, to the same folder there: it may hold that path. Raises RunFailed."""
        self._require_one_kind_of_machine()
        if await self.is_one_place():
            return
        arriving = self.target.folders.arriving(self._id)
        await self._begin({"arriving": arriving})

        async def make_way() -> None:
            for path in (arriving, folder):
                await self.there.host.remove_tree(path)
                await self.there.host.make_folder(path.rpartition("/")[0], mode=0o711)
            await self.there.host.make_folder(arriving, owner=account)

        out = ("tar", "--create", "--file=-", _BLOCKS, f"--directory={folder}", ".")
        kept = ("--no-same-owner", "--preserve-permissions", f"--directory={arriving}")
        into = ("tar", "--extract", "--file=-", _BLOCKS, *kept)
        await self._stream(out, into, account, make_way).carry("what was built")
        await self.there.host.sync(arriving)
        await self.there.host.rename(arriving, folder)

    async def is_one_engine(self) -> bool:
        """Whether both ends have one container engine."""
        return await self.source.imaging.api.engine_id() == await self.target.imaging.api.engine_id()

    async def is_one_place(self) -> bool:
        """Whether a path is the same file at both ends: one machine can be two servers, or the panel's own too."""
        probe = f"{self.target.folders.arriving(self._id)}.probe"
        await self.there.host.make_folder(probe.rpartition("/")[0], mode=0o711)
        await self.there.host.write_file(probe, self._id.encode(), lasting=False)
        try:
            return await self.run.host.read_file(probe) is not None
        finally:
            await self.there.host.remove_tree(probe)

    async def _begin(self, what: Mapping[str, str]) -> None:
        """Records what is taken back where the run ends otherwise, and looks for room."""
        await self.target.room.require(self.there)
        await self.run.undo(UNDO, {"files": self.files, **what})
        await to_be_ended(self.run, self.there.host)

    def _stream(
        self,
        out: tuple[str, ...],
        into: tuple[str, ...],
        account: Account | None = None,
        make_way: Callable[[], Awaitable[None]] | None = None,
    ) -> RelayedStream:
        return RelayedStream(
            run=self.run,
            here=self.here,
            files=self.files,
            auxiliary=self.auxiliary,
            out=Program(host=self.run.host, argv=out, account=account),
            into=Program(host=self.there.host, argv=into, account=account),
            make_way=make_way or _nothing,
        )

    def _require_one_kind_of_machine(self) -> None:
        built, needed = _machine(self.run.host), _machine(self.there.host)
        if built != needed:
            raise RunFailed(
                f"It was built on a machine of the kind {built} and is to run on one of the kind {needed}. Choose "
                "another build server (buildServerId), or none.",
                Reason.REFUSED,
            )

    @property
    def _id(self) -> str:
        return self.run.deployment.deployment_id


async def undo(undoing: UndoContext, hosts: Mapping[str, Host], api: DockerApi, data: Mapping[str, Json]) -> None:
    """Takes back what a move has begun, to the engine behind ``api``."""
    await hosts[LOCAL_HOST].remove_tree(data["files"])
    ends = [hosts[each] for each in undoing.deployment.host_ids]
    await end_move(ends, undoing.deployment.deployment_id)
    if "arriving" in data:
        await ends[-1].remove_tree(data["arriving"])
    if "image" in data:
        await images.let_go(api, data["image"])


def _machine(host: Host) -> str:
    return host.machine if isinstance(host, SshHost) else os.uname().machine


async def _nothing() -> None:
    return None
