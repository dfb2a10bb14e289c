"""Removes what is kept beyond what a backup wants to keep."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from headway.core.deployments.model import SubjectType
from headway.domains.catalog import kept_store
from headway.domains.catalog.keeping import Keeping
from headway.domains.catalog.kept_model import Keep, KeptFile, to_remove
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

REST = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A backup, and what is to be kept of it."""

    subject_type: SubjectType
    subject_id: str
    keep: Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRetention:
    """``keep_round`` is one round of its loop. ``every`` tells of all backups of all types."""

    db: Database
    keeping: Keeping
    every: Callable[[Tx], Sequence[Wanted]]
    _told: dict[str, str] = field(default_factory=dict)

    async def keep_round(self) -> float:
        """Removes the objects first, then what is known of them: a crash in between is made up for. Seconds to rest."""
        for file in await self.db.read(self._due):
            try:
                place = await self.db.read(lambda tx, of=file: self.keeping.place(tx, of.destination_id, of.path, None))  # type: ignore[misc]
                await self.keeping.storages.remove(place.storage, place.path)
            except HeadwayError as error:
                if self._told.get(file.destination_id) != error.message:  # each round meets it again: once is enough
                    self._told[file.destination_id] = error.message
                    log.warning("an old backup stays at destination %s: %s", file.destination_id, error.message)
            else:
                self._told.pop(file.destination_id, None)
                await self.db.run(lambda tx, of=file: kept_store.remove(tx, of.kept_file_id))  # type: ignore[misc]
        return REST

    def _due(self, tx: Tx) -> list[KeptFile]:
        due: list[KeptFile] = []
        for wanted in self.every(tx):
            if wanted.keep.number is not None or wanted.keep.age is not None:
                kept = kept_store.of_subject(tx, wanted.subject_type, wanted.subject_id)
                due += to_remove(kept, wanted.keep, tx.now)
        return due
