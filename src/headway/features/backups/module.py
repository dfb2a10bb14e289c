"""Brings backups of databases, of volumes and of the panel: how they are made, restored and tried."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.features.backups.database import store as database_store
from headway.features.backups.database.plan import BackupPlanner
from headway.features.backups.database.requests import BackupSource, drill_of
from headway.features.backups.database.restore import DrillKind, RestoreKind
from headway.features.backups.database.run import BackupKind, PanelArchive
from headway.features.backups.database.servers import DatabaseServers
from headway.features.backups.database.service import BackupService
from headway.features.backups.database.subject import BackupSubject
from headway.features.backups.volume import store as volume_store
from headway.features.backups.volume.plan import VolumeBackupPlanner
from headway.features.backups.volume.requests import VolumeBackupSource
from headway.features.backups.volume.restore import VolumeRestoreKind
from headway.features.backups.volume.run import VolumeBackupKind
from headway.features.backups.volume.service import VolumeBackupService
from headway.features.backups.volume.services import VolumeServices
from headway.features.backups.volume.subject import VolumeBackupSubject
from headway.features.destinations.module import Destinations
from headway.features.destinations.stored_backup_retention import RetentionRule
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """What callers may ask of those of databases and of volumes; ``wanted`` tells what of each is to be kept."""

    databases: BackupService
    volumes: VolumeBackupService
    wanted: Callable[[Tx], Sequence[RetentionRule]]
    module: Module


def install_backups(base: Base, destinations: Destinations, applications: Applications, composes: Composes) -> Backups:
    """Backups that are brought to these destinations."""
    keeping, lifecycle = destinations.keeping, applications.lifecycle
    planner = BackupPlanner(keeping=keeping)
    servers = DatabaseServers(
        hosts=lifecycle.hosts, keeping=keeping, composes=composes.lifecycle.contexts, databases=lifecycle
    )
    drill = drill_of(base.ledger, base.vault)
    services = VolumeServices(vault=base.vault, applications=applications.lifecycle, composes=composes.lifecycle)
    volume_planner = VolumeBackupPlanner(keeping=keeping, services=services)
    module = Module(
        kinds=(
            BackupKind(planner=planner, keeping=keeping, servers=servers, archive=_archive(base), drill=drill),
            RestoreKind(planner=planner, keeping=keeping, servers=servers),
            DrillKind(planner=planner, keeping=keeping, servers=servers),
            VolumeBackupKind(planner=volume_planner, keeping=keeping, services=services),
            VolumeRestoreKind(planner=volume_planner, keeping=keeping, services=services),
        ),
        subjects={
            SubjectType.BACKUP: BackupSubject(base.timers),
            SubjectType.VOLUME_BACKUP: VolumeBackupSubject(base.timers),
        },
        timers={
            SubjectType.BACKUP: BackupSource(base.vault),
            SubjectType.VOLUME_BACKUP: VolumeBackupSource(base.vault, services),
        },
    )
    databases = BackupService(
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
    )
    volumes = VolumeBackupService(
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
        services=services,
    )

    wanted = partial(_wanted, vault=base.vault)
    return Backups(databases=databases, volumes=volumes, wanted=wanted, module=module)


def _wanted(tx: Tx, *, vault: Vault) -> list[RetentionRule]:
    databases = [(SubjectType.BACKUP, each.backup_id, each.settings.keep) for each in database_store.every(tx, vault)]
    volumes = [
        (SubjectType.VOLUME_BACKUP, each.volume_backup_id, each.settings.keep) for each in volume_store.every(tx, vault)
    ]
    return [RetentionRule(subject_type=of, subject_id=id_, keep=keep) for of, id_, keep in (*databases, *volumes)]


def _archive(base: Base) -> PanelArchive:
    """The command that an operator would type, with this panel's settings."""
    argv = (sys.executable, "-m", "headway.cli.main", "backup", f"--data-dir={base.data_dir.path}")
    url = base.settings.database_url
    env = {} if url is None else {"HEADWAY_DATABASE_URL": url.reveal()}
    return PanelArchive(argv=argv, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env})
