"""How a volume backup is made: its service stopped or running, by choice, and started again whatever happens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, Json, Run, RunFailed, Success, Undo
from headway.core.deployments.status import Reason
from headway.drivers.dumps import trees
from headway.drivers.dumps.base import TAR, Whole
from headway.features.backups.volume.plan import VolumeBackupPlan, VolumeBackupPlanner
from headway.features.backups.volume.service_pause import start_again, stop, undos_of_service
from headway.features.backups.volume.services import VolumeServices
from headway.features.backups.volume.where import VolumeMachine, open_way
from headway.features.destinations import stored_backup_store
from headway.features.destinations.transfer import BackupStream, BackupTransfer, TransferredFile, kept_file
from headway.infra.db.transaction import Tx
from headway.kernel.phrase import phrase

KIND = "volumeBackup"
VERSION = 6  # raised with every change to the steps of a backup or a restore: a run of another one is not resumed
_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupKind:
    """Makes a volume backup; fits ``core.deployments.run.Kind``."""

    planner: VolumeBackupPlanner
    keeping: BackupTransfer
    services: VolumeServices
    name: str = KIND
    version: int = VERSION
    repeatable_until: str | None = None

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """The volume backup as it is now. Raises RunFailed (refused) where it is gone."""
        return self.planner.backup(tx, deployment)

    async def perform(self, run: Run) -> Success:
        """Stops the service where that is wanted, reads the volume, starts it again, then proves the object."""
        plan = VolumeBackupPlan.load(run.plan)
        require_root(plan)
        where = await open_way(run, self.services.hosts, self.keeping, plan, reads=True)
        folder = await run.step("find the volume", lambda: self._folder(run, plan))
        stopping = plan.turn_off and plan.was_up
        if stopping:
            await stop(where, self.services, plan)
        await where.begin()
        stream = _stream(where, plan, folder)
        changed = await self.keeping.upload(run, plan.place, stream)
        if stopping:
            await start_again(where, self.services, plan)
        kept = await self.keeping.prove(run, plan.place, stream, tolerated=changed)
        await self.keeping.close_folder(run)
        return Success(message=_told(plan, kept), settle=lambda tx: _settle(tx, run, plan, kept))

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect."""
        return {**self.keeping.undos, **undos_of_service(self.services)}

    async def _folder(self, run: Run, plan: VolumeBackupPlan) -> Json:
        folder = await self.services.folder(plan.origin, plan.app_name, plan.volume)
        how = "stopped meanwhile" if plan.turn_off and plan.was_up else "running" if plan.was_up else "not running"
        await run.say(phrase(f"Backing up the volume {{}} of {{}}{{}} ({how}).", plan.volume, plan.app_name, plan.at))
        return folder


def whole(plan: VolumeBackupPlan) -> Whole:
    """How the stream is known to be whole."""
    return Whole(programs=trees.list_names(), env=trees.ENV, account=plan.place.storage.account)


def require_root(plan: VolumeBackupPlan) -> None:
    """Raises RunFailed where the panel may not read the volume; on a server Headway is root."""
    if plan.host_id == LOCAL_HOST and os.geteuid() != 0:
        raise RunFailed(
            "Volumes hold files of many accounts, which only a panel that runs as root can read and restore.",
            Reason.REFUSED,
        )


def _stream(where: VolumeMachine, plan: VolumeBackupPlan, folder: str) -> BackupStream:
    return BackupStream(
        programs=(where.reads(folder),),
        env=where.env,
        stdin=where.ahead,
        engine=TAR,
        whole=whole(plan),
        # A file that changes while it is read is a fault of a stopped service only.
        tolerated=frozenset() if plan.turn_off else frozenset({trees.CHANGED}),
        place=where.place,
        speaker=trees.PROGRAM,
    )


def _told(plan: VolumeBackupPlan, kept: TransferredFile) -> str:
    changed = " Files changed while they were read: it is not of one moment." if kept.tolerated else ""
    size = f"{kept.bytes / _MIB:.1f} MiB ({kept.contents / _MIB:.1f} MiB unpacked, {kept.said} entries)"
    return f"{plan.place.path}: {size}, sha256 {kept.sha256}; read back and found whole.{changed}"


def _settle(tx: Tx, run: Run, plan: VolumeBackupPlan, kept: TransferredFile) -> None:
    stored_backup_store.add(tx, kept_file(tx, run, plan.place, kept))
