"""Removes what is kept beyond what a backup wants to keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import Keep, KeptFile, to_remove
from headway.features.destinations.transfer import BackupTransfer
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx

REST = 15.0
_LOOP = "kept files"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """A backup, and what is to be kept of it."""

    subject_type: SubjectType
    subject_id: str
    keep: Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBackupRetention:
    """``keep_round`` is one round of its loop. ``every`` tells of all backups of all types. By ``troubles`` each file
    is seen to by itself.
    """

    db: Database
    keeping: BackupTransfer
    every: Callable[[Tx], Sequence[RetentionRule]]
    troubles: Attempts
    _failing: set[str] = field(default_factory=set)

    async def keep_round(self) -> float:
        """Removes each object first, then what is known of it: a crash in between is made up for. Seconds to rest."""
        due = {_item(file): file for file in await self.db.read(self._due)}
        for item in self._failing - due.keys():  # somebody else has removed it, or it is wanted again
            self.troubles.forget(_LOOP, item)
        self._failing.intersection_update(due)
        for item, file in due.items():
            if await self.troubles.attempt(_LOOP, item, partial(self._remove, file)):
                self._failing.discard(item)
            else:
                self._failing.add(item)
        return REST

    async def _remove(self, file: KeptFile) -> None:
        place = await self.db.read(lambda tx: self.keeping.place(tx, file.destination_id, file.path, None))
        await self.keeping.storages.remove(place.storage, place.path)
        await self.db.run(lambda tx: stored_backup_store.remove(tx, file.kept_file_id))

    def _due(self, tx: Tx) -> list[KeptFile]:
        due: list[KeptFile] = []
        for wanted in self.every(tx):
            if wanted.keep.number is not None or wanted.keep.age is not None:
                kept = stored_backup_store.of_subject(tx, wanted.subject_type, wanted.subject_id)
                due += to_remove(kept, wanted.keep, tx.now)
        return due


def _item(file: KeptFile) -> str:
    return f"{file.path} at destination {file.destination_id}"
