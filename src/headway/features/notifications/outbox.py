"""Hands out what was written to the outbox: a notice for each channel that wants it, in the transaction that strikes it
out. So each thing that happened is told on a channel under one id, whenever the panel dies.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field
from datetime import timedelta
from functools import partial

from headway.core.deployments.retention import Attempts
from headway.features.notifications import store
from headway.features.notifications.model import Channel, Happening, Notice, NoticeState, wants
from headway.infra.db.engine import Database, DatabaseAway
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.kernel.dataclass import dataclass
from headway.kernel.ids import new_id

_AT_A_TIME = 200
_REST = 1.0
_LOOP = "outbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOutbox:
    """``keep_for`` is how long it is kept what was told, ``unchanged`` says when nothing can have been written. By
    ``troubles`` what cannot be handed out keeps nothing else from it.
    """

    db: Database
    unchanged: Unchanged
    keep_for: timedelta
    troubles: Attempts
    _failing: set[int] = field(default_factory=set)

    async def hand_out(self) -> float:
        """Hands out all that there is; seconds to rest."""
        await self._hand_out_singly(sorted(self._failing))
        if not await self.unchanged.unless(self._written):
            return _REST
        try:
            while await self.db.run(self._hand_out) == _AT_A_TIME:
                continue
        except DatabaseAway:
            raise
        except Exception:  # noqa: BLE001 - whichever it is: it is told of where that is met by itself
            await self._hand_out_singly(await self._written())
        return 0.0 if await self._written() else _REST

    async def _written(self) -> list[int]:
        return await self.db.read(lambda tx: [row.seq for row in store.written(tx, _AT_A_TIME, but=self._failing)])

    async def forget_old(self) -> float:
        """Removes what was told long ago; seconds to rest."""
        await self.db.run(lambda tx: store.forget_old(tx, tx.now - self.keep_for))
        return 3600.0

    async def _hand_out_singly(self, seqs: Collection[int]) -> None:
        for seq in seqs:
            hand_out = partial(self._hand_out, only=seq)
            if await self.troubles.attempt(_LOOP, f"what was written as number {seq}", partial(self.db.run, hand_out)):
                self._failing.discard(seq)
            else:
                self._failing.add(seq)

    def _hand_out(self, tx: Tx, only: int | None = None) -> int:
        tx.lock("outbox")
        rows = store.written(tx, _AT_A_TIME, but=self._failing) if only is None else store.written_as(tx, only)
        channels = store.every_unopened(tx)
        for row in rows:
            heard = [each for each in channels if each.created_at <= row.created_at]
            if heard:
                happening = store.happening_of(tx, row)
                for channel in heard:
                    if wants(channel, happening):
                        _add(tx, channel, happening)
        store.strike_out(tx, [row.seq for row in rows])
        return len(rows)


def _add(tx: Tx, channel: Channel, happening: Happening) -> None:
    same = happening.sameness
    since = tx.now - timedelta(seconds=channel.quiet_seconds)
    is_quiet = bool(same and channel.quiet_seconds) and store.told_since(tx, channel.channel_id, same, since)
    quiet = store.kept_quiet(tx, channel.channel_id, same) if same and not is_quiet else 0
    notice = Notice(
        seq=0,
        notice_id=new_id(),
        channel_id=channel.channel_id,
        event=happening.event,
        about=happening.about,
        payload={**happening.payload, **({"quiet": quiet} if quiet else {})},
        state=NoticeState.QUIET if is_quiet else NoticeState.WAITING,
        attempts=0,
        due_at=tx.now,
        last_error=None,
        sent_at=None,
        created_at=tx.now,
    )
    store.add_notice(tx, notice, same)
