"""Brings backups of databases and of the panel: how they are made, restored and tried."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.features.backups import store
from headway.features.backups.plan import BackupPlanner
from headway.features.backups.requests import BackupSource, drill_of
from headway.features.backups.restore import DrillKind, RestoreKind
from headway.features.backups.run import BackupKind, PanelArchive
from headway.features.backups.servers import DatabaseServers
from headway.features.backups.service import BackupService
from headway.features.backups.subject import BackupSubject
from headway.features.destinations.module import Destinations
from headway.features.destinations.stored_backup_retention import RetentionRule
from headway.features.services.application.module import Applications
from headway.features.services.compose.module import Composes
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """What callers may ask of them; ``wanted`` tells what of each is to be kept."""

    service: BackupService
    wanted: Callable[[Tx], Sequence[RetentionRule]]
    module: Module


def install_backups(base: Base, destinations: Destinations, applications: Applications, composes: Composes) -> Backups:
    """Backups that are brought to these destinations."""
    keeping, lifecycle = destinations.keeping, applications.lifecycle
    planner = BackupPlanner(keeping=keeping)
    servers = DatabaseServers(
        hosts=lifecycle.hosts, keeping=keeping, composes=composes.lifecycle.driver.contexts, databases=lifecycle
    )
    drill = drill_of(base.ledger, base.vault)
    module = Module(
        kinds=(
            BackupKind(planner=planner, keeping=keeping, servers=servers, archive=_archive(base), drill=drill),
            RestoreKind(planner=planner, keeping=keeping, servers=servers),
            DrillKind(planner=planner, keeping=keeping, servers=servers),
        ),
        subjects={SubjectType.BACKUP: BackupSubject(base.timers)},
        timers={SubjectType.BACKUP: BackupSource(base.vault)},
    )
    service = BackupService(
        db=base.db,
        vault=base.vault,
        ledger=base.ledger,
        stopping=base.engine.stopper,
        timers=base.timers,
        destinations=destinations.service,
    )
    return Backups(service=service, wanted=partial(_wanted, vault=base.vault), module=module)


def _wanted(tx: Tx, *, vault: Vault) -> list[RetentionRule]:
    return [
        RetentionRule(subject_type=SubjectType.BACKUP, subject_id=each.backup_id, keep=each.settings.keep)
        for each in store.every(tx, vault)
    ]


def _archive(base: Base) -> PanelArchive:
    """The command that an operator would type, with this panel's settings."""
    argv = (sys.executable, "-m", "headway.cli.main", "backup", f"--data-dir={base.data_dir.path}")
    url = base.settings.database_url
    env = {} if url is None else {"HEADWAY_DATABASE_URL": url.reveal()}
    return PanelArchive(argv=argv, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env})
