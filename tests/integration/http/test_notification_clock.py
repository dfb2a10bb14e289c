"""Notices that were written down while the clock was ahead are told, and keep nothing quiet, once it is right again."""

from __future__ import annotations

from datetime import timedelta

from headway.core.access.store import add_organization
from headway.features.notifications import store
from headway.features.notifications.model import (
    LONGEST_WAIT,
    TEST,
    WEBHOOK,
    Channel,
    ChannelTarget,
    Notice,
    NoticeState,
)
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault

VAULT = Vault(Vault.new_key())
AHEAD = timedelta(hours=8)
SOON = timedelta(minutes=1)


def add_channel(tx: Tx) -> str:
    """A channel of a new organisation."""
    channel = Channel(
        channel_id=new_id(),
        organization_id=add_organization(tx, "shop"),
        name="n",
        medium=WEBHOOK,
        target=ChannelTarget(url="https://well.example/"),
        events=(),
        projects=(),
        services=(),
        quiet_seconds=3600,
        failing_since=None,
        last_error=None,
        created_at=tx.now,
        disabled_at=None,
    )
    store.add(tx, channel, VAULT)
    return channel.channel_id


def add_notice(tx: Tx, channel_id: str, about: str, due_in: timedelta, *, attempts: int, sameness: str = "") -> None:
    """A notice that is to be told then."""
    notice = Notice(
        seq=0,
        notice_id=new_id(),
        channel_id=channel_id,
        event=TEST,
        about=about,
        payload={},
        state=NoticeState.WAITING,
        attempts=attempts,
        due_at=tx.now + due_in,
        last_error=None,
        sent_at=None,
        created_at=tx.now + due_in,
    )
    store.add_notice(tx, notice, sameness)


async def test_what_was_to_be_told_by_a_clock_that_was_ahead_is_told_now(database: SqlDatabase) -> None:
    def write(tx: Tx) -> None:
        channel_id = add_channel(tx)
        add_notice(tx, channel_id, "new", AHEAD, attempts=0)
        add_notice(tx, channel_id, "failed once", AHEAD, attempts=1)
        add_notice(tx, channel_id, "waits", SOON, attempts=1)
        add_notice(tx, channel_id, "waits long", LONGEST_WAIT - SOON, attempts=19)

    await database.run(write)
    due = await database.read(lambda tx: store.due(tx, 10))
    assert sorted(each.notice.about for each in due) == ["failed once", "new"]


async def test_what_was_told_by_a_clock_that_was_ahead_keeps_nothing_quiet(database: SqlDatabase) -> None:
    def told(tx: Tx, created_in: timedelta) -> bool:
        channel_id = add_channel(tx)
        add_notice(tx, channel_id, "it", created_in, attempts=0, sameness="same")
        return store.told_since(tx, channel_id, "same", tx.now - timedelta(hours=1))

    for created_in, wanted in ((-SOON, True), (timedelta(), True), (AHEAD, False)):
        assert await database.run(lambda tx, created_in=created_in: told(tx, created_in)) is wanted  # type: ignore[misc]
