"""Brings backups of volumes: how they are made and restored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.features.destinations.module import Destinations
from headway.features.destinations.stored_backup_retention import RetentionRule
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.features.volume_backups import store
from headway.features.volume_backups.plan import VolumeBackupPlanner
from headway.features.volume_backups.requests import VolumeBackupSource
from headway.features.volume_backups.restore import VolumeRestoreKind
from headway.features.volume_backups.run import VolumeBackupKind
from headway.features.volume_backups.service import VolumeBackupService
from headway.features.volume_backups.services import VolumeServices
from headway.features.volume_backups.subject import VolumeBackupSubject
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackups:
    """What callers may ask of them; ``wanted`` tells what of each is to be kept."""

    service: VolumeBackupService
    wanted: Callable[[Tx], Sequence[RetentionRule]]
    module: Module


def install_volume_backups(
    base: Base, destinations: Destinations, applications: Applications, composes: Composes
) -> VolumeBackups:
    """Backups of services' volumes that are brought to these destinations."""
    keeping = destinations.keeping
    services = VolumeServices(vault=base.vault, applications=applications.lifecycle, composes=composes.lifecycle)
    planner = VolumeBackupPlanner(keeping=keeping, services=services)
    module = Module(
        kinds=(
            VolumeBackupKind(planner=planner, keeping=keeping, services=services),
            VolumeRestoreKind(planner=planner, keeping=keeping, services=services),
        ),
        subjects={SubjectType.VOLUME_BACKUP: VolumeBackupSubject(base.timers)},
        timers={SubjectType.VOLUME_BACKUP: VolumeBackupSource(base.vault, services)},
    )
    service = VolumeBackupService(
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
        services=services,
    )
    return VolumeBackups(service=service, wanted=partial(_wanted, vault=base.vault), module=module)


def _wanted(tx: Tx, *, vault: Vault) -> list[RetentionRule]:
    return [
        RetentionRule(subject_type=SubjectType.VOLUME_BACKUP, subject_id=each.volume_backup_id, keep=each.settings.keep)
        for each in store.every(tx, vault)
    ]
