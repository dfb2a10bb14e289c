"""Brings the storages that backups are brought to, and removes what is kept there too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from headway.core.engine.poller import Poller
from headway.drivers.storages.queries import Storages
from headway.drivers.storages.rclone import Rclone
from headway.features.destinations.service import DestinationService
from headway.features.destinations.stored_backup_retention import RetentionRule, StoredBackupRetention
from headway.features.destinations.transfer import BackupTransfer
from headway.infra.db.transaction import Tx
from headway.infra.hosts.command import Account, Limits
from headway.kernel.dataclass import dataclass
from headway.module import Base, Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """Where backups are brought."""

    transfer: BackupTransfer
    service: DestinationService


def install_destinations(base: Base) -> Destinations:
    """Where backups are brought, by what they are brought there with."""
    data_dir, trial = base.data_dir, base.data_dir.trial_uid
    transfer = _keeping(base)
    return Destinations(
        transfer=transfer,
        service=DestinationService(
            db=base.db,
            vault=base.vault,
            storages=transfer.storages,
            folder=transfer.folder,
            uid_base=data_dir.uid_base,
            trials=None if trial is None else Account(uid=trial, gid=trial),
            outward=data_dir.outward_gid,
        ),
    )


def install_stored_backups(
    base: Base, transfer: BackupTransfer, wanted: Callable[[Tx], Sequence[RetentionRule]]
) -> Module:
    """Removes what is kept longer than ``wanted``."""
    retention = StoredBackupRetention(db=base.db, transfer=transfer, every=wanted, troubles=base.engine.troubles)
    return Module(loops=(Poller("kept files", retention.keep_round),))


def _keeping(base: Base) -> BackupTransfer:
    data_dir, memory = base.data_dir, base.settings.storage_memory_bytes
    return BackupTransfer(
        vault=base.vault,
        storages=Storages(rclone=Rclone.installed(), home=data_dir.home, memory_bytes=memory, gated=base.machine.gated),
        folder=base.settings.backup_dir or data_dir.path / "backups",
        passing=data_dir.path / "passing",
        uid_base=data_dir.uid_base,
        outward=data_dir.outward_gid,
        home=data_dir.home,
        limits=Limits(memory_bytes=memory, oom_score_adj=500),
    )
