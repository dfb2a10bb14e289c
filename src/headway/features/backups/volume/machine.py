"""On which machine a volume lies, and how a run works there: on the panel's own as it is, on a server by OpenSSH's
client, which carries what programs read and write, and by what is asked of the server itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from headway.core.deployments.run import Json, Run, UndoContext
from headway.drivers.dumps import trees
from headway.drivers.dumps.base import Whole
from headway.features.backups.server_work import remote_stage, require_end
from headway.features.backups.volume.plan import VolumeBackupPlan
from headway.features.destinations.transfer import BackupTransfer
from headway.features.servers.fleet import ServerUnknown
from headway.features.services.application.remote_stage import ENV, RemoteStage, away, end_there
from headway.infra.hosts.base import Host, HostUnreachable
from headway.infra.hosts.command import Account, Command, Stage
from headway.infra.hosts.environment_transfer import ahead, taking
from headway.infra.hosts.privileges import FILLING, READING, bounded
from headway.kernel.dataclass import dataclass

UNDO_THERE = "programs on a server"
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMachine:
    """The machine that a run's volume lies on. ``far`` is the end of its programs there; None: it is the panel's."""

    run: Run
    host: Host
    far: RemoteStage | None

    @property
    def place(self) -> str:
        """The server's name, "" for the panel's machine."""
        return "" if self.far is None else self.far.place

    @property
    def env(self) -> Mapping[str, str]:
        """What ``program`` is started with."""
        return trees.ENV if self.far is None else ENV

    @property
    def ahead(self) -> bytes:
        """What ``program`` reads before what it is to read."""
        return b"" if self.far is None else ahead({})

    def program(
        self, argv: tuple[str, ...], account: Account | None = None, bounds: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """A program there, as a stage of a command here; one that is not there is named. With ``bounds`` it has these
        of root's rights only. As an ``account`` only there: here the stage says so.
        """
        whole = argv if self.far is None else taking(argv)
        whole = whole if bounds is None else bounded(whole, bounds)
        return whole if self.far is None else self.far.argv(whole, account)

    def reads(self, folder: str) -> tuple[str, ...]:
        """What makes a stream of a folder there."""
        return self.program(trees.read(folder), bounds=READING)

    def fence(self) -> AbstractAsyncContextManager[None]:
        """Guards an effect there."""
        return self.run.fence(self.host)

    async def begin(self) -> None:
        """Notes, before a program is started there, that it has to be ended, and so before what was noted until now is
        taken back.
        """
        if self.far is not None:
            await self.run.undo(UNDO_THERE, {"host": self.host.host_id})

    def fills(self, folder: str, owner: Account | None) -> Whole:
        """What makes of a stream what is in a folder there: as the account that is to own all of it, else as root with
        as many of its rights as that takes.
        """
        argv = trees.write(folder) if owner is None else trees.write_own(folder)
        return Whole(
            programs=(self.program(argv, owner, FILLING if owner is None else None),),
            env=self.env,
            ahead=self.ahead,
            place=self.place,
            speaker=trees.PROGRAM,
            account=self._here(owner),
        )

    async def tame(self, folder: str, owner: Account) -> None:
        """Takes out of what was filled so what no application keeps; the log says what."""
        finding = Stage(argv=self.program(trees.tame(folder), owner), account=self._here(owner))
        some = Stage(argv=("sed", "--quiet", f"1,{_MOST_NAMED}p"), account=self._here(owner))
        await self.run.command("tame", Command(stages=(finding, some), env=self.env, stdin=self.ahead), check=False)

    def _here(self, account: Account | None) -> Account | None:
        return account if self.far is None else None

    async def sync(self, folder: str) -> None:
        """Returns when what lies in a folder there is on its disk."""
        argv = self.program(("sync", "--file-system", folder))
        command = Command(stages=(Stage(argv=argv),), env=self.env, stdin=self.ahead)
        ended = await self.run.command("sync", command, check=False)
        await require_end(self.run, "sync", command, ended, self.far)


async def open_way(
    run: Run, hosts: Mapping[str, Host], transfer: BackupTransfer, plan: VolumeBackupPlan, *, reads: bool
) -> VolumeMachine:
    """The machine, with what opens it where that is a server; ``reads``: most of what passes comes from there. Raises
    RunFailed where it does not answer.
    """
    try:
        host = hosts[plan.host_id]
        far = await remote_stage(run, host, transfer, reads=reads)
    except HostUnreachable as error:
        raise away(error) from error
    return VolumeMachine(run=run, host=host, far=far)


async def undo_there(hosts: Mapping[str, Host], undoing: UndoContext, data: Mapping[str, Json]) -> None:
    """Ends what a run has started on a server. Raises HostUnreachable: it is repeated when the
    server answers.
    """
    host = known_host(hosts, data["host"])
    if host is not None:
        async with undoing.fence(host):
            await end_there(host, undoing.deployment.deployment_id)


def known_host(hosts: Mapping[str, Host], host_id: str) -> Host | None:
    """The host that an undo is about; None where it is a server that was removed: what lies there stays. Raises
    HostUnreachable.
    """
    try:
        return hosts[host_id]
    except ServerUnknown:
        return None
