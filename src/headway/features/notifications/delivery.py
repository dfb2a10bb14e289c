"""Sends what waits: news of one thing in their order, each until its channel has taken it or it is given up."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import field
from datetime import datetime

from headway.core.access.policy import Noun
from headway.core.access.topics import topics_of
from headway.core.deployments.store import add_to_outbox
from headway.core.engine import explanations
from headway.features.notifications import store
from headway.features.notifications.model import CHANNEL_FAILED, Channel, Due, Notice, NoticeState, wait_after
from headway.infra.db.engine import Database, DatabaseAway
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError
from headway.kernel.events import Events, NoticeSettled, Whose
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

_AT_ONCE = 8
_OF_ORGANIZATION = 2
_REST = 1.0

Tell = Callable[[Channel, Notice, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeDelivery:
    """``tell`` tells a notice once, or raises NotTold. Whatever else keeps one from being told, its channel that cannot
    be opened for instance, keeps no other, and is counted as an attempt too. Of an organisation two are sent at a time,
    so that receivers that say nothing hold up none but their own.
    """

    db: Database
    vault: Vault
    events: Events
    tell: Tell
    _under_way: dict[asyncio.Task[None], Due] = field(default_factory=dict, init=False, repr=False, compare=False)
    _turns: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    async def send_due(self) -> float:
        """Begins to send what is due, as far as there is room, and waits until something of what is under way has
        ended, or might have become due; seconds to rest.
        """
        await self._begin()
        if not self._under_way:
            return _REST
        try:
            ended, _ = await asyncio.wait(self._under_way, timeout=_REST, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            await self.release()
            raise
        for each in ended:
            del self._under_way[each]
        errors = [error for each in ended if (error := each.exception()) is not None]
        if errors:
            raise errors[0]
        return 0.0

    async def release(self) -> None:
        """Ends what is under way; it waits still, and the next panel sends it."""
        left = list(self._under_way)
        self._under_way.clear()
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _begin(self) -> None:
        if len(self._under_way) >= _AT_ONCE:
            return
        busy = Counter(each.organization_id for each in self._under_way.values())
        begun = {each.notice.notice_id for each in self._under_way.values()}
        found = await self.db.read(lambda tx: store.due(tx, _OF_ORGANIZATION, but=begun))
        while found and len(self._under_way) < _AT_ONCE:
            # Whoever has less under way is next, and of these whoever was told longest ago.
            whose = [(busy[each.organization_id], self._turns.get(each.organization_id, 0)) for each in found]
            at = whose.index(min(whose))
            next_ = found.pop(at)
            if whose[at][0] >= _OF_ORGANIZATION:
                return
            busy[next_.organization_id] += 1
            self._turns[next_.organization_id] = max(self._turns.values(), default=0) + 1
            self._under_way[asyncio.create_task(self._send(next_.notice))] = next_

    async def _send(self, notice: Notice) -> None:
        try:
            channel, now = await self.db.read(
                lambda tx: (store.find_to_tell(tx, notice.channel_id, self.vault), tx.now)
            )
            await self.tell(channel, notice, now)
        except DatabaseAway:  # which says nothing of the notice
            raise
        except HeadwayError as failure:
            why = failure.message
        except Exception as error:
            why = explanations.unforeseen(error)
            if notice.last_error != why:  # each attempt meets it again: once is enough
                log.exception("the notice %s could not be told", notice.notice_id)
        else:
            await self.db.run(lambda tx: self._sent(tx, channel, notice))
            return
        await self.db.run(lambda tx: self._failed(tx, notice, why))

    def _sent(self, tx: Tx, channel: Channel, notice: Notice) -> None:
        if store.settle(tx, notice, state=NoticeState.SENT, sent_at=tx.now, last_error=None):
            store.set_failing(tx, channel.channel_id, None)
            self._announce(tx, channel, NoticeState.SENT)

    def _failed(self, tx: Tx, notice: Notice, why: str) -> None:
        wait = wait_after(notice.attempts + 1)
        state = NoticeState.FAILED if wait is None else NoticeState.WAITING
        due_at = tx.now if wait is None else tx.now + wait
        channel = store.find_unopened(tx, notice.channel_id)
        if not store.settle(tx, notice, state=state, due_at=due_at, last_error=why) or channel is None:
            return
        if channel.failing_since is None:
            payload = {
                "organizationId": channel.organization_id,
                "channelId": channel.channel_id,
                "name": channel.name,
                "errorMessage": why,
            }
            add_to_outbox(tx, CHANNEL_FAILED, payload)
        store.set_failing(tx, channel.channel_id, why)
        self._announce(tx, channel, NoticeState.FAILED if wait is None else "delayed")

    def _announce(self, tx: Tx, channel: Channel, outcome: str) -> None:
        settled = NoticeSettled(channel_id=channel.channel_id, medium=channel.medium, outcome=str(outcome))
        where = Whose(organization_id=channel.organization_id, everyone=True)
        tx.after(lambda: self.events.announce(settled))
        tx.after(lambda: self.events.changed(where, *topics_of(Noun.NOTIFICATION, channel.channel_id)))
