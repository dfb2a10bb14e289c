"""Brings backups of volumes: how they are made and restored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.domains.applications.module import Applications
from headway.domains.catalog.kept_retention import Wanted
from headway.domains.catalog.module import Destinations
from headway.domains.composes.module import Composes
from headway.domains.volume_backups import store
from headway.domains.volume_backups.asking import VolumeBackupSource
from headway.domains.volume_backups.plan import Planning
from headway.domains.volume_backups.restoring import VolumeRestoreKind
from headway.domains.volume_backups.run import VolumeBackupKind
from headway.domains.volume_backups.service import VolumeBackupService
from headway.domains.volume_backups.services import Services
from headway.domains.volume_backups.subject import VolumeBackupSubject
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeBackups:
    """What callers may ask of them; ``wanted`` tells what of each is to be kept."""

    service: VolumeBackupService
    wanted: Callable[[Tx], Sequence[Wanted]]
    module: Module


def install_volume_backups(
    base: Base, destinations: Destinations, applications: Applications, composes: Composes
) -> VolumeBackups:
    """Backups of services' volumes that are brought to these destinations."""
    keeping = destinations.keeping
    services = Services(vault=base.vault, applications=applications.operating, composes=composes.operating)
    planning = Planning(keeping=keeping, services=services)
    module = Module(
        kinds=(
            VolumeBackupKind(planning=planning, keeping=keeping, services=services),
            VolumeRestoreKind(planning=planning, keeping=keeping, services=services),
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


def _wanted(tx: Tx, *, vault: Vault) -> list[Wanted]:
    return [
        Wanted(subject_type=SubjectType.VOLUME_BACKUP, subject_id=each.volume_backup_id, keep=each.settings.keep)
        for each in store.every(tx, vault)
    ]
