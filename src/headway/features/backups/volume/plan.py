"""What a run of a volume backup works from, fixed when it is let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headway.core.deployments import pending_undos
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.features.backups.volume import store
from headway.features.backups.volume.model import ServiceType, VolumeBackup
from headway.features.backups.volume.services import Origin, VolumeServices, Whose
from headway.features.destinations.stored_backup_model import checked_path, checked_prefix, path_of
from headway.features.destinations.transfer import BackupTransfer, ObjectPlace
from headway.features.servers import store as servers
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError, InvalidInput
from headway.kernel.secret import Secret

SUFFIX = "tar.zst"
UNDO_STOPPED, UNDO_SWAP = "stopped service", "exchanged folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupPlan:
    """The volume backup as it was when the run began. ``host_id`` is the host that its service is on, called
    ``host_name``, ``was_up`` whether that is to be started again; ``target`` is the new volume that a restore makes,
    empty for the same one.
    """

    volume_backup_id: str
    service_type: ServiceType
    service_id: str
    app_name: str
    volume: str
    turn_off: bool
    was_up: bool
    place: ObjectPlace = field(repr=False)
    host_id: str = LOCAL_HOST
    host_name: str = ""
    target: str = ""

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return {**asdict(self), "place": self.place.dump()}

    @staticmethod
    def load(values: Mapping[str, Any]) -> VolumeBackupPlan:
        """The plan that ``dump`` wrote."""
        made = {"service_type": ServiceType(values["service_type"]), "place": ObjectPlace.load(values["place"])}
        return VolumeBackupPlan(**{**values, **made})

    @property
    def origin(self) -> Origin:
        """Of which service the volume is, and where."""
        return Origin(service_type=self.service_type, service_id=self.service_id, host_id=self.host_id)

    @property
    def at(self) -> str:
        """The server that it is on, as the end of a phrase; "" for what is on none."""
        return "" if self.host_id == LOCAL_HOST else f" on the server {self.host_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupPlanner:
    """Makes the plans."""

    keeping: BackupTransfer
    services: VolumeServices

    def backup(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that makes a volume backup. Raises RunFailed (refused)."""
        try:
            found = store.find(tx, deployment.subject_id, self.keeping.vault)
            self.keeping.require_allowed(tx, found.destination_id)
            prefix = checked_prefix(found.settings.prefix)
            above = f"{found.app_name}/{found.settings.volume_name}"
            path = path_of(above, prefix, tx.now, deployment.deployment_id, SUFFIX)
            return self._frozen(tx, deployment, found, path)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def restore(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Of a run that restores a file. Raises RunFailed (refused)."""
        given = deployment.input
        try:
            found = store.find(tx, deployment.subject_id, self.keeping.vault)
            path = checked_path(given["file"])
            where, target = given["destination_id"], given["target"]
            return self._frozen(tx, deployment, found, path, destination_id=where, target=target)
        except HeadwayError as error:
            raise RunFailed(error.message, Reason.REFUSED) from error

    def _frozen(
        self,
        tx: Tx,
        deployment: Deployment,
        found: VolumeBackup,
        path: str,
        *,
        destination_id: str | None = None,
        target: str = "",
    ) -> Frozen:
        settings = found.settings
        whose = self._whose(tx, deployment, found)
        password = None if settings.password is None else Secret(settings.password)
        where = destination_id or found.destination_id
        plan = VolumeBackupPlan(
            volume_backup_id=found.volume_backup_id,
            service_type=found.service_type,
            service_id=found.service_id,
            app_name=whose.app_name,
            volume=settings.volume_name,
            turn_off=settings.turn_off,
            was_up=whose.is_up,
            place=self.keeping.place(tx, where, path, password),
            host_id=whose.host_id,
            host_name="" if whose.host_id == LOCAL_HOST else servers.find(tx, whose.host_id).name,
            target=target,
        )
        known = (settings.password or "", *self.keeping.secrets(tx, where))
        return Frozen(plan=plan.dump(), mask=tuple(each for each in known if each))

    def _whose(self, tx: Tx, deployment: Deployment, found: VolumeBackup) -> Whose:
        """The service, on the host that the run was asked to work on. Raises InvalidInput."""
        whose = self.services.whose(tx, found.service_type, found.service_id)
        if whose is None:
            raise InvalidInput("The service whose volume this is was deleted.")
        if whose.lacks:
            raise InvalidInput(whose.lacks)
        if whose.host_id != (deployment.release_host_id or LOCAL_HOST):
            raise InvalidInput("The service is on another machine than when this was asked for. Start it again.")
        mine = store.of_service(tx, found.service_type, found.service_id, self.keeping.vault)
        ids = [each.volume_backup_id for each in mine]
        if pending_undos.by(tx, SubjectType.VOLUME_BACKUP, ids, (UNDO_STOPPED, UNDO_SWAP)):
            raise InvalidInput(
                "What an earlier run has done to this service is still being taken back there. Start this again in a"
                " minute."
            )
        return whose
