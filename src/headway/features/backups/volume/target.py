"""Volumes of services, as what backups are of: a service is stopped or running, by choice, while its volume is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from headway.core.deployments import pending_undos
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Request
from headway.core.deployments.run import Json, Run, RunFailed, Undo
from headway.core.deployments.status import Reason
from headway.drivers.dumps import trees
from headway.drivers.dumps.base import TAR, Whole
from headway.features.backups.base import BackupJob, BackupSource, RestoreSink
from headway.features.backups.plan import name_of_host
from headway.features.backups.volume.machine import VolumeMachine, open_way
from headway.features.backups.volume.model import VolumeBackup
from headway.features.backups.volume.plan import UNDO_STOPPED, UNDO_SWAP, VolumeBackupPlan
from headway.features.backups.volume.requests import VOLUME_JOB, backup_request
from headway.features.backups.volume.service_pause import start_again, stop, undos_of_service
from headway.features.backups.volume.services import VolumeServices, Whose
from headway.features.destinations.transfer import BackupStream, BackupTransfer, ObjectPlace
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.phrase import phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeTarget:
    """Fits ``BackupTarget``."""

    transfer: BackupTransfer
    services: VolumeServices
    job: BackupJob[VolumeBackup] = VOLUME_JOB

    def request(self, tx: Tx, backup: VolumeBackup) -> Request | None:
        """A run that makes the backup; None where its service was deleted."""
        whose = self.services.whose(tx, backup.service_type, backup.service_id)
        return None if whose is None else backup_request(backup, whose)

    def name(self, backup: VolumeBackup) -> tuple[str, str]:
        """(folder, suffix) of an object at its destination."""
        return f"{backup.app_name}/{backup.settings.volume_name}", "tar.zst"

    def plan(
        self,
        tx: Tx,
        deployment: Deployment,
        backup: VolumeBackup,
        place: Callable[[], ObjectPlace],
        given: Mapping[str, Any],
    ) -> VolumeBackupPlan:
        """What a run works from. Raises InvalidInput."""
        whose = self._whose(tx, deployment, backup)
        return VolumeBackupPlan(
            volume_backup_id=backup.backup_id,
            service_type=backup.service_type,
            service_id=backup.service_id,
            app_name=whose.app_name,
            volume=backup.settings.volume_name,
            turn_off=backup.settings.turn_off,
            was_up=whose.is_up,
            place=place(),
            host_id=whose.host_id,
            host_name=name_of_host(tx, whose.host_id),
            target=given.get("target", ""),
        )

    def load(self, values: Mapping[str, Any]) -> VolumeBackupPlan:
        """The plan that its ``dump`` wrote."""
        return VolumeBackupPlan.load(values)

    async def source(self, run: Run, plan: VolumeBackupPlan) -> BackupSource:
        """The volume, whose service is stopped where that is wanted, and started again once all is read."""
        _require_root(plan)
        where = await open_way(run, self.services.hosts, self.transfer, plan, reads=True)
        folder = await run.step("find the volume", lambda: self._folder(run, plan))
        if _stops(plan):
            await stop(where, self.services, plan)
        await where.begin()
        stream = _stream(where, plan, folder)
        if not _stops(plan):
            return BackupSource(stream=stream, counts=True)
        return BackupSource(stream=stream, counts=True, release=partial(start_again, where, self.services, plan))

    async def sink(self, run: Run, plan: VolumeBackupPlan) -> RestoreSink:
        """A new volume, or a folder that is exchanged with the old one."""
        from headway.features.backups.volume.restore import VolumeRestore  # noqa: PLC0415 - no start restores

        _require_root(plan)
        where = await open_way(run, self.services.hosts, self.transfer, plan, reads=False)
        restore = VolumeRestore(where=where, plan=plan, transfer=self.transfer, services=self.services)
        fill = restore.into_new if plan.target else restore.into_same
        proof = _whole(plan, trees.judge())
        return RestoreSink(engine=TAR, proof=proof, fill=fill, announce=restore.announce)

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect of its own, of whichever run."""
        return undos_of_service(self.services)

    @property
    def undos_of_restore(self) -> Mapping[str, Undo]:
        """And of one that restores."""
        from headway.features.backups.volume.restore import undos_of_restore  # noqa: PLC0415 - as above

        return undos_of_restore(self.services)

    def _whose(self, tx: Tx, deployment: Deployment, backup: VolumeBackup) -> Whose:
        """The service, on the host that the run was asked to work on. Raises InvalidInput."""
        whose = self.services.whose(tx, backup.service_type, backup.service_id)
        if whose is None:
            raise InvalidInput("The service whose volume this is was deleted.")
        if whose.lacks:
            raise InvalidInput(whose.lacks)
        if whose.host_id != (deployment.release_host_id or LOCAL_HOST):
            raise InvalidInput("The service is on another machine than when this was asked for. Start it again.")
        ids = [each.backup_id for each in VOLUME_JOB.store.of_service(tx, backup.service_id, self.transfer.vault)]
        if pending_undos.by(tx, VOLUME_JOB.subject_type, ids, (UNDO_STOPPED, UNDO_SWAP)):
            raise InvalidInput(
                "What an earlier run has done to this service is still being taken back there. Start this again in a"
                " minute."
            )
        return whose

    async def _folder(self, run: Run, plan: VolumeBackupPlan) -> Json:
        folder = await self.services.folder(plan.origin, plan.app_name, plan.volume)
        how = "stopped meanwhile" if _stops(plan) else "running" if plan.was_up else "not running"
        await run.say(phrase(f"Backing up the volume {{}} of {{}}{{}} ({how}).", plan.volume, plan.app_name, plan.at))
        return folder


def _require_root(plan: VolumeBackupPlan) -> None:
    """Raises RunFailed where the panel may not read the volume; on a server Headway is root."""
    if plan.host_id == LOCAL_HOST and os.geteuid() != 0:
        raise RunFailed(
            "Volumes hold files of many accounts, which only a panel that runs as root can read and restore.",
            Reason.REFUSED,
        )


def _stops(plan: VolumeBackupPlan) -> bool:
    return plan.turn_off and plan.was_up


def _stream(where: VolumeMachine, plan: VolumeBackupPlan, folder: str) -> BackupStream:
    return BackupStream(
        programs=(where.reads(folder),),
        env=where.env,
        stdin=where.ahead,
        engine=TAR,
        whole=_whole(plan, trees.list_names()),
        # A file that changes while it is read is a fault of a stopped service only.
        tolerated=frozenset() if plan.turn_off else frozenset({trees.CHANGED}),
        place=where.place,
        speaker=trees.PROGRAM,
    )


def _whole(plan: VolumeBackupPlan, programs: tuple[tuple[str, ...], ...]) -> Whole:
    """How the stream is known to be whole."""
    return Whole(programs=programs, env=trees.ENV, account=plan.place.storage.account)
