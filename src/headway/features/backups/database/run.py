"""How a backup is made: dump, compress, encrypt where that is asked for, destination; then read back and proven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo
from headway.drivers.dumps.base import Whole
from headway.features.backups.database.container_processes import UNDO_INSIDE, end_inside
from headway.features.backups.database.model import WEB_SERVER
from headway.features.backups.database.plan import BackupPlan, BackupPlanner
from headway.features.backups.database.servers import DatabaseServers
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.features.destinations.transfer import BackupStream, BackupTransfer, TransferredFile, kept_file
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Command, Stage
from headway.infra.panel.archive import check_archive
from headway.kernel.phrase import phrase

KIND = "backup"
VERSION = 5  # raised with every change to the steps below: a run of another version is not resumed
_MIB = 1 << 20

Enqueue = Callable[[Tx, str, KeptFile], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelArchive:
    """How Headway's own data becomes one file: the arguments before the file's name, and the environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupKind:
    """Makes a backup; fits ``core.deployments.run.Kind``. ``drill`` enqueues a trial of what was made."""

    planner: BackupPlanner
    keeping: BackupTransfer
    servers: DatabaseServers
    archive: PanelArchive
    drill: Enqueue
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The backup as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planner.backup(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """See the module's docstring."""
        plan = BackupPlan.load(run.plan)
        await run.say(phrase("Backing up {} to {}.", plan.said, plan.place.path))
        stream = await self._stream(run, plan)
        await self.keeping.upload(run, plan.place, stream)
        kept = await self.keeping.prove(run, plan.place, stream, tolerated=False)
        await self.keeping.close_folder(run)
        message = f"{plan.place.path}: {_size(kept)}, sha256 {kept.sha256}; read back and found whole."
        return Success(message=message, settle=lambda tx: self._settle(tx, run, plan, kept))

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return {**self.keeping.undos, UNDO_INSIDE: lambda undoing, _data: end_inside(undoing, self.servers.hosts)}

    async def _stream(self, run: Run, plan: BackupPlan) -> BackupStream:
        if plan.engine is None:
            return await self._own_data(run, plan)
        asked = await self.servers.find(run, plan)
        dump = asked.dump()
        return BackupStream(
            programs=(dump.argv,),
            env=dump.env,
            stdin=dump.stdin,
            engine=plan.engine,
            whole=asked.whole(),
            place=asked.reached.place,
            account=dump.account,
        )

    async def _own_data(self, run: Run, plan: BackupPlan) -> BackupStream:
        """The archive is made beside, for its database has to be copied at one moment, and looked through before it is
        sent: what then arrives with the same sum is whole.
        """
        await run.step("open a folder", lambda: self._open_folder(run))
        file = f"{self.keeping.own_folder(run.deployment.deployment_id)}/headway.tar.gz"
        argv = (*self.archive.argv, "--logs" if plan.with_logs else "--no-logs", "--", file)
        await run.command("archive", Command(stages=(Stage(argv=argv),), env=self.archive.env))
        await run.step("look through the archive", lambda: _looked_through(Path(file)))
        return BackupStream(programs=(("cat", file),), env={}, engine=WEB_SERVER, whole=Whole(), plain=True)

    async def _open_folder(self, run: Run) -> Json:
        await self.keeping.open_folder(run)
        return None

    def _settle(self, tx: Tx, run: Run, plan: BackupPlan, kept: TransferredFile) -> None:
        file = kept_file(tx, run, plan.place, kept)
        stored_backup_store.add(tx, file)
        if plan.drill_days is None or plan.engine is None:
            return
        mine = stored_backup_store.of_subject(tx, file.subject_type, file.subject_id)
        last = max((each.proven_at for each in mine if each.proven_at is not None), default=None)
        if last is None or last <= tx.now - timedelta(days=plan.drill_days):
            self.drill(tx, plan.backup_id, file)


async def _looked_through(archive: Path) -> Json:
    await asyncio.to_thread(check_archive, archive)
    return None


def _size(kept: TransferredFile) -> str:
    return f"{kept.bytes / _MIB:.1f} MiB ({kept.contents / _MIB:.1f} MiB unpacked)"


def require_engine(plan: BackupPlan) -> None:
    """Raises RunFailed for Headway's own data, which a running panel cannot put in its own place."""
    if plan.engine is None:
        raise RunFailed(
            "Headway's own data is restored on a machine where no panel runs: headway restore FILE, with the file from"
            " the destination."
        )
