"""Brings backups of databases, of volumes and of the panel: how they are made, restored and tried."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.features.backups.base import BackupJob
from headway.features.backups.database.drill import drill_kind, drill_when_due
from headway.features.backups.database.requests import DATABASE_JOB
from headway.features.backups.database.servers import DatabaseServers
from headway.features.backups.database.service import DatabaseBackupService, judged_database
from headway.features.backups.database.target import DatabaseTarget, PanelArchive
from headway.features.backups.model import B
from headway.features.backups.overview import BackupOverviewReader
from headway.features.backups.run import backup_kind, restore_kind
from headway.features.backups.subject import BackupSubject, carry_along
from headway.features.backups.volume.requests import VOLUME_JOB
from headway.features.backups.volume.service import VolumeBackupService, judged_volume
from headway.features.backups.volume.services import VolumeServices
from headway.features.backups.volume.target import VolumeTarget
from headway.features.containers.service import Engines
from headway.features.destinations.module import Destinations
from headway.features.destinations.stored_backup_retention import RetentionRule
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """What callers may ask of those of databases and of volumes; ``wanted`` tells what of each is to be kept."""

    databases: DatabaseBackupService
    volumes: VolumeBackupService
    overviews: BackupOverviewReader
    wanted: Callable[[Tx], Sequence[RetentionRule]]
    module: Module


def install_backups(
    base: Base, hosts: Mapping[str, Host], destinations: Destinations, kinds: ServiceKinds, engines: Engines
) -> Backups:
    """Backups of what is on these hosts, brought to these destinations; ``engines`` gives the engine of a host."""
    transfer = destinations.transfer
    services = VolumeServices(db=base.db, hosts=hosts, kinds=kinds, engines=engines)
    servers = DatabaseServers(hosts=hosts, transfer=transfer, kinds=kinds, engines=engines)
    database = DatabaseTarget(transfer=transfer, servers=servers, archive=_archive(base))
    volume = VolumeTarget(transfer=transfer, services=services)
    of_databases, of_volumes = BackupSubject(database, base.timers), BackupSubject(volume, base.timers)
    module = Module(
        kinds=(
            backup_kind(database, drill_when_due(base.ledger, base.vault)),
            restore_kind(database),
            drill_kind(database),
            backup_kind(volume),
            restore_kind(volume),
        ),
        subjects={SubjectType.BACKUP: of_databases, SubjectType.VOLUME_BACKUP: of_volumes},
        timers={SubjectType.BACKUP: of_databases, SubjectType.VOLUME_BACKUP: of_volumes},
    )
    databases = DatabaseBackupService(
        job=DATABASE_JOB,
        judge=judged_database,
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
    )
    volumes = VolumeBackupService(
        job=VOLUME_JOB,
        judge=judged_volume,
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
        services=services,
    )
    return Backups(
        databases=databases,
        volumes=volumes,
        overviews=BackupOverviewReader(db=base.db, vault=base.vault, timers=base.timers),
        wanted=partial(_wanted, vault=base.vault),
        module=module,
    )


def carry_backups_along(tx: Tx, service_id: str, project_id: str) -> None:
    """The backups of a service and of its volumes, and their runs, go with it to another project."""
    carry_along(VOLUME_JOB, tx, service_id, project_id)
    carry_along(DATABASE_JOB, tx, service_id, project_id)


def _wanted(tx: Tx, *, vault: Vault) -> list[RetentionRule]:
    return [*_rules(DATABASE_JOB, tx, vault), *_rules(VOLUME_JOB, tx, vault)]


def _rules(job: BackupJob[B], tx: Tx, vault: Vault) -> list[RetentionRule]:
    return [
        RetentionRule(
            subject_type=job.subject_type, subject_id=backup_id, keep=None if each is None else each.settings.keep
        )
        for backup_id, each in job.store.every(tx, vault).items()
    ]


def _archive(base: Base) -> PanelArchive:
    """The command that an operator would type, with this panel's settings."""
    argv = (sys.executable, "-m", "headway.cli.main", "backup", f"--data-dir={base.data_dir.path}")
    url = base.settings.database_url
    env = {} if url is None else {"HEADWAY_DATABASE_URL": url.reveal()}
    return PanelArchive(argv=argv, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env})
