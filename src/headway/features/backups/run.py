"""How a backup is made: read, compress, encrypt where that is asked for, destination; then read back and proven. And
how a kept file is restored: proven first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Generic

from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, Success, Undo
from headway.features.backups.base import BackupTarget, P, RestoreSink
from headway.features.backups.model import B
from headway.features.backups.plan import plan_backup, plan_restore
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import KeptFile
from headway.features.destinations.transfer import BackupTransfer, TransferredFile, kept_file
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

Then = Callable[[Tx, P, KeptFile], None]
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupKind(Generic[B, P]):
    """A kind of run of a target's backups; fits ``core.deployments.run.Kind``. One that ``fills`` does so from a kept
    file.
    """

    target: BackupTarget[B, P]
    name: str
    work: Callable[[Run, P], Awaitable[Success]]
    fills: bool = False
    repeatable_until: str | None = None

    @property
    def version(self) -> int:
        return self.target.job.version

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The backup as it is now, and the file that is to be restored. Raises RunFailed (refused) where it is gone."""
        return (plan_restore if self.fills else plan_backup)(self.target, tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Does its work."""
        return await self.work(run, self.target.load(run.plan))

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        of_restore = self.target.undos_of_restore if self.fills else {}
        return {**self.target.transfer.undos, **self.target.undos, **of_restore}


def backup_kind(target: BackupTarget[B, P], then: Then[P] | None = None) -> BackupKind[B, P]:
    """Makes a backup. ``then`` is told of what was made, in the transaction that writes its end."""
    return BackupKind(target=target, name=target.job.kind, work=partial(_back_up, target, then))


def restore_kind(target: BackupTarget[B, P]) -> BackupKind[B, P]:
    """Restores a kept file."""
    name, once = target.job.restore_kind, target.job.restores_once
    return BackupKind(target=target, name=name, work=partial(_restore, target), fills=True, repeatable_until=once)


async def _back_up(target: BackupTarget[B, P], then: Then[P] | None, run: Run, plan: P) -> Success:
    """Reads what it is of, brings that to its destination, and proves it there."""
    transfer = target.transfer
    source = await target.source(run, plan)
    changed = await transfer.upload(run, plan.place, source.stream)
    await source.release()
    kept = await transfer.prove(run, plan.place, source.stream, tolerated=changed)
    await transfer.close_folder(run)

    def settle(tx: Tx) -> None:
        file = kept_file(tx, run, plan.place, kept)
        stored_backup_store.add(tx, file)
        if then is not None:
            then(tx, plan, file)

    return Success(message=f"{plan.place.path}: {_told(kept, counts=source.counts)}", settle=settle)


async def _restore(target: BackupTarget[B, P], run: Run, plan: P) -> Success:
    """Looks at what is to be filled, says what will be overwritten, reads all of the file, then fills it."""
    transfer = target.transfer
    sink = await target.sink(run, plan)
    await run.step("open a folder", lambda: _open_folder(transfer, run, sink))
    await transfer.fetch(run, "prove the file", plan.place, sink.engine, sink.proof)
    done = await sink.fill()
    await transfer.close_folder(run)
    return Success(message=f"{plan.place.path} is restored into {done}")


async def _open_folder(transfer: BackupTransfer, run: Run, sink: RestoreSink) -> Json:
    await sink.announce()
    return await transfer.open_folder(run)


def _told(kept: TransferredFile, *, counts: bool) -> str:
    entries = f", {kept.said} entries" if counts else ""
    changed = " Files changed while they were read: it is not of one moment." if kept.tolerated else ""
    size = f"{kept.bytes / _MIB:.1f} MiB ({kept.contents / _MIB:.1f} MiB unpacked{entries})"
    return f"{size}, sha256 {kept.sha256}; read back and found whole.{changed}"
