"""The part of a deploy that is there only where an application is built on another host than the one that it is on."""

from __future__ import annotations

from collections.abc import MutableSet
from functools import partial

from headway.core.deployments.run import Json, Run
from headway.features.servers.auxiliary_run import AuxiliaryRun, arrive, open_errand
from headway.features.services.application.artifact_transfer import ArtifactTransfer
from headway.features.services.application.artifacts import dump_artifact, load_artifact
from headway.features.services.application.tools import ApplicationContext
from headway.infra.docker import images
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Artifact, Image
from headway.kernel.dataclass import dataclass

WORKSHOP = "workshop"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildServer:
    """``run`` is on the host that builds, with the tools ``source``; it is released with ``target``. What moves between
    them is carried on the panel's machine, ``here``, by what is in its folder ``files``.
    """

    run: Run
    source: ApplicationContext
    target: ApplicationContext
    here: Host
    files: str
    untracked_runs: MutableSet[str]

    async def arrive(self, host: Host) -> AuxiliaryRun:
        """The run on the host where it releases. Raises RunFailed, HostUnreachable."""
        return await arrive(self.run, host)

    async def moved(self, there: Run, built: Artifact, folder: str, account: Account | None) -> Artifact:
        """The artifact there."""
        moving = self._moving(there)

        async def move() -> Json:
            if isinstance(built, Image):
                return dump_artifact(await moving.image(built, account))
            await moving.folder(folder, account)
            return dump_artifact(built)

        return load_artifact(await self.run.step("move", move))

    async def clear(self, there: Run, artifact: Artifact, folder: str) -> None:
        """Removes what is needed no more where it was built, once it is recorded as moved."""
        moving = self._moving(there)
        if isinstance(artifact, Image):
            await self.run.host.remove_tree(folder)
            if not await moving.is_one_engine():
                await images.let_go(self.source.imaging.api, artifact.name)
        elif not await moving.is_one_place():
            await self.run.host.remove_tree(folder)

    def _moving(self, there: Run) -> ArtifactTransfer:
        return ArtifactTransfer(
            run=self.run,
            source=self.source,
            there=there,
            target=self.target,
            here=self.here,
            files=self.files,
            auxiliary=partial(open_errand, self.run, self.here, self.untracked_runs, "move"),
        )
