"""Makes the parts of a platform that are about backups, for ``wiring`` among the others."""

from __future__ import annotations

from dataclasses import dataclass

from headway.domains.catalog.destinations import DestinationService
from headway.infra.db.engine import SqlDatabase
from headway.infra.panel.data_dir import DataDir
from headway.kernel.settings import Settings
from headway.seams.storages.asking import Storages
from headway.seams.storages.rclone import Rclone


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupWiring:
    """What backups need of the others, and what they give to them."""

    settings: Settings
    data_dir: DataDir
    db: SqlDatabase

    def destinations(self) -> DestinationService:
        """What callers may ask of destinations."""
        return DestinationService(
            db=self.db,
            vault=self.data_dir.vault,
            storages=Storages(rclone=Rclone.installed()),
            folder=self.settings.backup_dir or self.data_dir.path / "backups",
        )
