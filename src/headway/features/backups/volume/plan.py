"""What a run of a volume's backup works from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.features.backups.base import BackupPlan
from headway.features.backups.volume.model import ServiceType
from headway.features.backups.volume.services import Origin
from headway.features.destinations.transfer import ObjectPlace
from headway.kernel.dataclass import dataclass

UNDO_STOPPED, UNDO_SWAP = "stopped service", "exchanged folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackupPlan(BackupPlan):
    """``was_up``: the service is to be started again; ``target`` is the new volume that a restore makes, empty for the
    same one.
    """

    volume_backup_id: str
    service_type: ServiceType
    service_id: str
    app_name: str
    volume: str
    turn_off: bool
    was_up: bool

    @staticmethod
    def load(values: Mapping[str, Any]) -> VolumeBackupPlan:
        """The plan that ``dump`` wrote."""
        made = {"service_type": ServiceType(values["service_type"]), "place": ObjectPlace.load(values["place"])}
        return VolumeBackupPlan(**{**values, **made})

    @property
    def origin(self) -> Origin:
        """Of which service the volume is, and where."""
        return Origin(service_type=self.service_type, service_id=self.service_id, host_id=self.host_id)
