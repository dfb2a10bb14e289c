"""Makes the parts of a platform that are about backups, for ``wiring`` among the others."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.core.deployments.run import Kind, Subject
from headway.core.deployments.service import Stopping
from headway.core.engine.poller import Poller
from headway.core.engine.scheduler.scheduler import Source
from headway.core.engine.scheduler.timers import Timers
from headway.domains.backups import store
from headway.domains.backups.asking import BackupSource, drill_of
from headway.domains.backups.plan import Planning
from headway.domains.backups.restoring import DrillKind, RestoreKind
from headway.domains.backups.run import BackupKind, PanelArchive
from headway.domains.backups.servers import Servers
from headway.domains.backups.service import BackupService
from headway.domains.backups.subject import BackupSubject
from headway.domains.catalog.destinations import DestinationService
from headway.domains.catalog.keeping import Keeping
from headway.domains.catalog.kept_retention import KeptRetention, Wanted
from headway.domains.volume_backups import store as volume_store
from headway.domains.volume_backups.asking import VolumeBackupSource
from headway.domains.volume_backups.plan import Planning as VolumePlanning
from headway.domains.volume_backups.restoring import VolumeRestoreKind
from headway.domains.volume_backups.run import VolumeBackupKind
from headway.domains.volume_backups.service import VolumeBackupService
from headway.domains.volume_backups.services import Services
from headway.domains.volume_backups.subject import VolumeBackupSubject
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, Limits
from headway.infra.panel.data_dir import DataDir
from headway.kernel.settings import Settings
from headway.seams.runtimes.gates import Gates
from headway.seams.storages.asking import Storages
from headway.seams.storages.rclone import Rclone
from headway.wiring_machine import gates


@dataclass(frozen=True, kw_only=True)
class BackupWiring:
    """What backups need of the others, and what they give to them."""

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase
    timers: Timers

    @cached_property
    def keeping(self) -> Keeping:
        """How things are brought to destinations."""
        memory = self.settings.storage_memory_bytes
        return Keeping(
            vault=self.data_dir.vault,
            storages=Storages(
                rclone=Rclone.installed(), home=self.data_dir.home, memory_bytes=memory, gated=self._gated
            ),
            folder=self.settings.backup_dir or self.data_dir.path / "backups",
            passing=self.data_dir.path / "passing",
            uid_base=self.data_dir.uid_base,
            outward=self.data_dir.outward_gid,
            home=self.data_dir.home,
            limits=Limits(memory_bytes=memory, oom_score_adj=500),
        )

    @cached_property
    def border(self) -> Gates | None:
        """The border of this machine: one for the whole panel, which knows what it has told the kernel."""
        return gates(self.settings, self.data_dir)

    def _gated(self) -> Path | None:
        return None if self.border is None else self.border.stand()

    @cached_property
    def destinations(self) -> DestinationService:
        """What callers may ask of destinations."""
        trial = self.data_dir.trial_uid
        return DestinationService(
            db=self.db,
            vault=self.data_dir.vault,
            storages=self.keeping.storages,
            folder=self.keeping.folder,
            uid_base=self.data_dir.uid_base,
            trials=None if trial is None else Account(uid=trial, gid=trial),
            outward=self.data_dir.outward_gid,
        )

    def subjects(self) -> Mapping[SubjectType, Subject]:
        """What the heart must know of them."""
        return {
            SubjectType.BACKUP: BackupSubject(self.timers),
            SubjectType.VOLUME_BACKUP: VolumeBackupSubject(self.timers),
        }

    def sources(self, services: Services) -> Mapping[SubjectType, Source]:
        """What their timers ask for."""
        vault = self.data_dir.vault
        return {
            SubjectType.BACKUP: BackupSource(vault),
            SubjectType.VOLUME_BACKUP: VolumeBackupSource(vault, services),
        }

    def kinds(self, ledger: Ledger, services: Services) -> tuple[Kind, ...]:
        """How they are made, restored and tried."""
        planning = Planning(keeping=self.keeping)
        servers = Servers(
            hosts=services.applications.hosts,
            keeping=self.keeping,
            composes=services.composes.toolboxes,
            databases=services.applications,
        )
        volumes = VolumePlanning(keeping=self.keeping, services=services)
        of_volumes = {"planning": volumes, "keeping": self.keeping, "services": services}
        shared = {"planning": planning, "keeping": self.keeping, "servers": servers}
        return (
            BackupKind(**shared, archive=self._archive(), drill=drill_of(ledger, self.data_dir.vault)),  # type: ignore[arg-type]
            RestoreKind(**shared),  # type: ignore[arg-type]
            DrillKind(**shared),  # type: ignore[arg-type]
            VolumeBackupKind(**of_volumes),  # type: ignore[arg-type]
            VolumeRestoreKind(**of_volumes),  # type: ignore[arg-type]
        )

    def pollers(self, troubles: Attempts) -> tuple[Poller, ...]:
        """What removes the old ones."""
        retention = KeptRetention(db=self.db, keeping=self.keeping, every=self._wanted, troubles=troubles)
        return (Poller("kept files", retention.keep_round),)

    def backups(self, ledger: Ledger, stopping: Stopping) -> BackupService:
        """What callers may ask of backups."""
        return BackupService(
            db=self.db,
            vault=self.data_dir.vault,
            ledger=ledger,
            stopping=stopping,
            timers=self.timers,
            destinations=self.destinations,
        )

    def volume_backups(self, ledger: Ledger, stopping: Stopping, services: Services) -> VolumeBackupService:
        """What callers may ask of volume backups."""
        return VolumeBackupService(
            db=self.db,
            vault=self.data_dir.vault,
            ledger=ledger,
            stopping=stopping,
            timers=self.timers,
            destinations=self.destinations,
            services=services,
        )

    def _wanted(self, tx: Tx) -> list[Wanted]:
        vault = self.data_dir.vault
        return [
            *(
                Wanted(subject_type=SubjectType.BACKUP, subject_id=each.backup_id, keep=each.settings.keep)
                for each in store.every(tx, vault)
            ),
            *(
                Wanted(
                    subject_type=SubjectType.VOLUME_BACKUP, subject_id=each.volume_backup_id, keep=each.settings.keep
                )
                for each in volume_store.every(tx, vault)
            ),
        ]

    def _archive(self) -> PanelArchive:
        """The command that an operator would type, with this panel's settings."""
        argv = (sys.executable, "-m", "headway.faces.cli.main", "backup", f"--data-dir={self.data_dir.path}")
        url = self.settings.database_url
        env = {} if url is None else {"HEADWAY_DATABASE_URL": url.reveal()}
        return PanelArchive(argv=argv, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env})
