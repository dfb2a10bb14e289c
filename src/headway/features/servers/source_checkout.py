"""Gets a deploy its source: fetched on the panel's machine, where git, its mirrors and its keys are, and laid out on
the host of the run, wherever that is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableSet
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, field
from typing import Any

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.run import Json, Run, Undo, UndoContext
from headway.drivers.sources import git
from headway.drivers.sources.base import Source
from headway.features.servers import auxiliary_run
from headway.features.servers.auxiliary_run import AuxiliaryRun, open_errand
from headway.features.servers.fleet import ServerUnknown
from headway.features.servers.source_transfer import UNDO_HERE, UNDO_THERE, SourceTransfer, TransferFolders, undo_here
from headway.infra.hosts.base import Host
from headway.infra.hosts.command import Account
from headway.kernel.artifacts import Commit, Workspace
from headway.kernel.dataclass import dataclass


@dataclass(slots=True, kw_only=True)
class Supply:
    """The source of one run. ``here`` is the panel's machine with the folders ``bundles``, ``there`` are those of the
    run's host.
    """

    run: Run
    source: Source
    here: Host
    untracked_runs: MutableSet[str]
    bundles: TransferFolders
    there: TransferFolders
    account: Account | None
    _errands: AsyncExitStack = field(default_factory=AsyncExitStack)
    _errand: AuxiliaryRun | None = None

    @asynccontextmanager
    async def under_way(self) -> AsyncIterator[None]:
        """For as long as the source is being brought; nothing that was started on the panel's machine is left then."""
        async with self._errands:
            yield

    @property
    def is_here(self) -> bool:
        """Whether the run is on the panel's own machine."""
        return self.run.deployment.host_id == self.here.host_id

    async def fetch(self) -> Commit:
        """The newest commit, in a step of the caller's."""
        return await self.source.fetch(await self._where_sources_are())

    async def lay_out(self, commit: Commit, root: str, begin: Callable[[], Awaitable[None]]) -> Workspace:
        """The commit's files in ``root``, in recorded steps; ``begin`` is the first of the one that makes anything
        there. To a server they are packed here, sent there, and unpacked by the build account.
        """
        run = self.run
        source_transfer = SourceTransfer(
            run=run, source=self.source, here=self.bundles, there=self.there, account=self.account
        )

        async def check_out() -> Json:
            await begin()
            return asdict(await self.source.check_out(run, commit, root))

        async def pack() -> Json:
            return await source_transfer.pack(await self._where_sources_are(), commit)

        async def send() -> Json:
            await source_transfer.send(packed)

        async def unpack() -> Json:
            await begin()
            workspace = await source_transfer.lay_out(packed, root)
            await source_transfer.clear(self.here)
            return asdict(workspace)

        if self.is_here:
            return Workspace(**await run.step("check out", check_out))
        packed = await run.step("check out", pack)
        if not source_transfer.goes_along(packed):
            await run.step("send", send)
        return Workspace(**await run.step("unpack", unpack))

    async def _where_sources_are(self) -> Any:  # noqa: ANN401 - a run or its errand: what fits ``Work``
        """The run itself, or its errand on the panel's machine, one for all steps there."""
        if self.is_here:
            return self.run
        if self._errand is None:
            auxiliary = open_errand(self.run, self.here, self.untracked_runs)
            self._errand = await self._errands.enter_async_context(auxiliary)
        return self._errand


def checkout_undos(hosts: Mapping[str, Host]) -> Mapping[str, Undo]:
    """What takes back what is recorded on the way."""
    here = hosts[LOCAL_HOST]

    def of_git(name: str) -> Undo:
        return lambda _undoing, data: git.UNDOS[name](here, data)

    async def auxiliary(undoing: UndoContext, data: Json) -> None:
        with suppress(ServerUnknown):  # nothing is owed on a server that was removed
            await auxiliary_run.undo(hosts, here, undoing.deployment.deployment_id, data)

    async def packed(_undoing: UndoContext, data: Json) -> None:
        await undo_here(here, data)

    async def arrived(undoing: UndoContext, data: Json) -> None:
        await undoing.host.remove_tree(data["path"])

    return {
        **{name: of_git(name) for name in git.UNDOS},
        auxiliary_run.UNDO: auxiliary,
        UNDO_HERE: packed,
        UNDO_THERE: arrived,
    }
