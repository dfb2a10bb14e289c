"""Removes what is kept beyond what a backup wants to keep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from headway.core.access.policy import Missing
from headway.core.deployments import store
from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.core.engine.concurrency import at_once
from headway.drivers.storages.base import StorageSilent
from headway.features.destinations import stored_backup_store
from headway.features.destinations.stored_backup_model import Keep, KeptFile, to_remove
from headway.features.destinations.transfer import BackupTransfer, ObjectPlace
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

REST = 15.0
_LOOP = "kept files"
_DESTINATIONS_AT_ONCE = 4


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
    is seen to by itself, each destination that does not answer, and each backup that cannot be read.
    """

    db: Database
    transfer: BackupTransfer
    every: Callable[[Tx], Sequence[RetentionRule]]
    troubles: Attempts

    async def keep_round(self) -> float:
        """Removes each object first, then what is known of it: a crash in between is made up for. A destination that
        does not answer is left alone until a later round, and holds up no other. Seconds to rest.
        """
        if await self.db.read(stored_backup_store.are_ahead):
            await self.db.run(stored_backup_store.put_right)
        due, unread = await self.db.read(self._due)
        by_destination: dict[str, list[KeptFile]] = {}
        for file in due:
            by_destination.setdefault(file.destination_id, []).append(file)
        work: dict[str, Callable[[], Awaitable[object]]] = {f"backup {each}": _refuse for each in unread}
        work |= {f"destination {each}": partial(self._clear, files) for each, files in by_destination.items()}
        # Somebody else has removed it, or it is wanted again.
        self.troubles.forget_others(_LOOP, {*work, *map(_item, due)})
        await at_once((self.troubles.attempt(_LOOP, *each) for each in work.items()), _DESTINATIONS_AT_ONCE)
        return REST

    async def _clear(self, files: Sequence[KeptFile]) -> None:
        """Removes what is due at one destination, until that does not answer. Raises StorageSilent."""
        silent: list[StorageSilent] = []
        for file in files:
            await self.troubles.attempt(_LOOP, _item(file), partial(self._remove_if_told, file, silent))
            if silent:
                raise silent[0]

    async def _remove_if_told(self, file: KeptFile, silent: list[StorageSilent]) -> None:
        """Removes one; that its storage does not answer is no trouble of the file."""
        try:
            await self._remove(file)
        except StorageSilent as error:
            silent.append(error)

    async def _remove(self, file: KeptFile) -> None:
        try:
            place = await self.db.read(lambda tx: self._place(tx, file))
        except Missing:  # its destination was removed
            await self.db.run(lambda tx: stored_backup_store.remove(tx, file.kept_file_id))
            return
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
    asked = store.inputs_of_unfinished(tx, (SubjectType.BACKUP, SubjectType.VOLUME_BACKUP))
    return {(str(each["destination_id"]), str(each["file"])) for each in asked if "file" in each}


async def _refuse() -> None:
    raise BackupNotRead


def _item(file: KeptFile) -> str:
    return f"{file.path} at destination {file.destination_id}"
