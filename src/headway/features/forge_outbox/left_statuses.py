"""Takes back the commit statuses of what was removed, with all that is known of it, before its end was told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from headway.features.forge_outbox import told_store
from headway.features.forge_outbox.outbox import Letter
from headway.features.forge_outbox.places import place_of
from headway.features.forge_outbox.told_store import LeftStatus
from headway.features.git.providers import GitProviderService
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

_TOLD_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftStatuses:
    """Fits ``MessageKind``."""

    providers: GitProviderService
    name: str = "commit statuses left"
    rounds: int = 30

    def waiting(self, tx: Tx) -> Sequence[LeftStatus]:
        return told_store.left(tx, _TOLD_WITHIN)

    def letter(self, tx: Tx, message: LeftStatus) -> Letter | None:
        status = message.told.taken_back("It was removed")
        place = place_of(tx, self.providers, message.told, None)
        return None if status is None or place is None else Letter(connection=place[0], path=place[1], status=status)

    def settle(self, tx: Tx, message: LeftStatus, letter: Letter | None, comment_id: str | None) -> None:
        told_store.note(tx, message, None, is_final=True)

    def put_off(self, tx: Tx, message: LeftStatus, why: str, until: datetime) -> None:
        told_store.put_off(tx, message, message.last_at - _TOLD_WITHIN, why, until)

    def give_up(self, tx: Tx, message: LeftStatus, why: str) -> None:
        told_store.note(tx, message, None, is_final=True)

    def warn(self, message: LeftStatus, why: str) -> None:
        log.warning("a commit status was not taken back", extra={"about": message.about, "reason": why})
