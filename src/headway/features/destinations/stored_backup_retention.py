"""Removes what is kept beyond what a backup wants to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import Keep, KeptFile, to_remove
from headway.features.destinations.transfer import BackupTransfer, ObjectPlace
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

REST = 15.0
_LOOP = "kept files"


class BackupNotRead(HeadwayError):
    """What a backup keeps cannot be read: nothing of it is removed."""

    def __init__(self) -> None:
        super().__init__(
            "Its settings cannot be read, so nothing that it has kept is removed. Delete it, or make it anew."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """A backup, and what is to be kept of it; None where nobody can read that."""

    subject_type: SubjectType
    subject_id: str
    keep: Keep | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBackupRetention:
    """``keep_round`` is one round of its loop. ``every`` tells of all backups of all types. By ``troubles`` each file
    is seen to by itself, and each backup that cannot be read.
    """

    db: Database
    transfer: BackupTransfer
    every: Callable[[Tx], Sequence[RetentionRule]]
    troubles: Attempts

    async def keep_round(self) -> float:
        """Removes each object first, then what is known of it: a crash in between is made up for. Seconds to rest."""
        if await self.db.read(stored_backup_store.are_ahead):
            await self.db.run(stored_backup_store.put_right)
        due, unread = await self.db.read(self._due)
        work = {f"backup {each}": _refuse for each in unread}
        work |= {_item(file): partial(self._remove, file) for file in due}
        self.troubles.forget_others(_LOOP, work.keys())  # somebody else has removed it, or it is wanted again
        for each in work.items():
            await self.troubles.attempt(_LOOP, *each)
        return REST

    async def _remove(self, file: KeptFile) -> None:
        place = await self.db.read(lambda tx: self._place(tx, file))
        if place is None:
            return
        await self.transfer.storages.remove(place.storage, place.path)
        await self.db.run(lambda tx: stored_backup_store.remove(tx, file.kept_file_id))

    def _place(self, tx: Tx, file: KeptFile) -> ObjectPlace | None:
        """Where it lies; None where somebody has asked for it meanwhile."""
        if (file.destination_id, file.path) in _in_use(tx):
            return None
        return self.transfer.place(tx, file.destination_id, file.path, None)

    def _due(self, tx: Tx) -> tuple[list[KeptFile], list[str]]:
        """What is to go, and the backups of which nobody can say that."""
        due: list[KeptFile] = []
        unread: list[str] = []
        in_use = _in_use(tx)
        for wanted in self.every(tx):
            if wanted.keep is None:
                unread.append(wanted.subject_id)
            elif wanted.keep.number is not None or wanted.keep.age is not None:
                kept = stored_backup_store.of_subject(tx, wanted.subject_type, wanted.subject_id)
                due += to_remove(kept, wanted.keep, tx.now)
        return [each for each in due if (each.destination_id, each.path) not in in_use], unread


def _in_use(tx: Tx) -> set[tuple[str, str]]:
    """(destination, path) of what is to be restored, for good or on trial: it stays until that has ended."""
    asked = deployments.inputs_of_unfinished(tx, (SubjectType.BACKUP, SubjectType.VOLUME_BACKUP))
    return {(str(each["destination_id"]), str(each["file"])) for each in asked if "file" in each}


async def _refuse() -> None:
    raise BackupNotRead


def _item(file: KeptFile) -> str:
    return f"{file.path} at destination {file.destination_id}"
