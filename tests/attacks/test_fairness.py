"""Organisations take turns on a host: one that fills the queue keeps no other waiting for longer than its own turn. Nor
does one that takes seats for uploads, however many people it has.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from headway.core.access.model import Role
from headway.core.access.store import add_organization
from headway.core.deployments.leases import Lease
from headway.core.deployments.ledger import Outcome
from headway.core.deployments.model import Lane
from headway.core.deployments.status import Maker, Status
from headway.core.engine.poller import Poller
from headway.features.notifications import store as notifications
from headway.features.notifications.delivery import NoticeDelivery
from headway.features.notifications.model import TEST, WEBHOOK, Channel, ChannelTarget, Notice, NoticeState
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.kernel.events import Events
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault
from tests.integration.http.world import World, add_person, client_with, open_world
from tests.integration.sources.archives import FILES, zipped
from tests.support.panel.factories import add_host, ledger, request

BOOK = ledger()
DONE = Outcome(status=Status.DONE)


async def queued(database: SqlDatabase, organization: str, number: int, lane: Lane = Lane.DEPLOY) -> None:
    """An organisation asks for so many deployments of as many services."""
    for each in range(number):
        key = f"{organization}:{lane}:{each}"
        wish = request(exclusive_key=key, organization_id=organization, lane=lane)
        await database.run(lambda tx, wish=wish: BOOK.enqueue(tx, wish))  # type: ignore[misc]


async def claimed(database: SqlDatabase) -> tuple[str, Lease]:
    """Whose deployment goes next."""
    found = await database.run(lambda tx: BOOK.claim(tx, "here", "me"))
    assert found is not None
    return found[0].organization_id, found[1]


async def ended(database: SqlDatabase, lease: Lease) -> None:
    """It is over."""
    await database.run(lambda tx: BOOK.finish(tx, lease, DONE, Maker.RUNNER))


async def one_by_one(database: SqlDatabase, number: int) -> list[str]:
    """Whose deployments go, each after the other's end."""
    went = []
    for _ in range(number):
        organization, lease = await claimed(database)
        await ended(database, lease)
        went.append(organization)
    return went


async def test_who_fills_all_slots_gives_the_next_to_who_has_none(database: SqlDatabase) -> None:
    await database.run(lambda tx: add_host(tx, "here", 2))
    await queued(database, "many", 30)
    first, second = await claimed(database), await claimed(database)
    await queued(database, "one", 1)
    await ended(database, first[1])
    assert (first[0], second[0], (await claimed(database))[0]) == ("many", "many", "one")


async def test_on_a_single_slot_everybody_has_a_turn(database: SqlDatabase) -> None:
    await database.run(lambda tx: add_host(tx, "here", 1))
    await queued(database, "many", 20)
    assert await one_by_one(database, 2) == ["many", "many"]
    await queued(database, "more", 20)
    await queued(database, "one", 2)
    went = await one_by_one(database, 9)
    assert went.count("one") == 2
    assert abs(went.count("many") - went.count("more")) <= 1
    assert went.index("one") <= 3


async def test_a_turn_is_taken_within_a_lane_and_never_before_a_lower_one(database: SqlDatabase) -> None:
    await database.run(lambda tx: add_host(tx, "here", 1))
    await queued(database, "one", 2, Lane.PREVIEW)
    await queued(database, "many", 3)
    await queued(database, "one", 1, Lane.ROLLBACK)
    assert await one_by_one(database, 6) == ["one", "many", "many", "many", "one", "one"]


@pytest.fixture
async def world(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[World]:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "headway.db")
    async with open_world(folder) as opened:
        yield opened


async def test_uploads_of_one_organisation_that_never_end_leave_others_their_seats(
    world: World, tmp_path: Path
) -> None:
    """Nine people with keys, for an owner invites whom they like."""
    many = (await world.stranger.get("/user.get")).json()["organizationId"]
    for each in range(9):
        await world.services.db.run(lambda tx, each=each: add_person(tx, f"many{each}", many, Role.MEMBER))  # type: ignore[misc]
    over, seated = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"x"
        seated.release()
        await over.wait()

    async def hold(number: int) -> None:
        async with client_with(world.app, f"many{number}".ljust(64, "-")) as client:
            headers = {"content-type": "application/zip"}
            await client.post("/application.dropDeployment?applicationId=x", content=slowly(), headers=headers)

    application_id = await world.application()
    async with asyncio.TaskGroup() as group:
        for each in range(9):
            for _ in range(8):
                group.create_task(hold(each))
        async with asyncio.timeout(20):
            for _ in range(32):
                await seated.acquire()
        file = {"zip": ("shop.zip", zipped(tmp_path / "shop.zip", FILES).read_bytes())}
        async with asyncio.timeout(10):
            answer = await world.owner.post(
                "/application.dropDeployment", data={"applicationId": application_id}, files=file
            )
        over.set()
    assert (answer.status_code, answer.text) == (200, "true")


VAULT = Vault(Vault.new_key())
SILENT = "https://silent.example/"


def told_of(tx: Tx, organization_id: str, channels: int, of_each: int, url: str) -> None:
    """Channels of an organisation, and what waits on each."""
    for _ in range(channels):
        channel = Channel(
            channel_id=new_id(),
            organization_id=organization_id,
            name="n",
            medium=WEBHOOK,
            target=ChannelTarget(url=url),
            events=(),
            projects=(),
            services=(),
            quiet_seconds=0,
            failing_since=None,
            last_error=None,
            created_at=tx.now,
            disabled_at=None,
        )
        notifications.add(tx, channel, VAULT)
        for _ in range(of_each):
            notice = Notice(
                seq=0,
                notice_id=new_id(),
                channel_id=channel.channel_id,
                event=TEST,
                about=new_id(),
                payload={},
                state=NoticeState.WAITING,
                attempts=0,
                due_at=tx.now,
                last_error=None,
                sent_at=None,
                created_at=tx.now,
            )
            notifications.add_notice(tx, notice, "")


@pytest.mark.parametrize("organizations", [1, 3])
async def test_receivers_that_say_nothing_hold_up_nobody_elses_notices(
    database: SqlDatabase, organizations: int
) -> None:
    """Of up to three organisations with fifty channels each: what was due before is told, and what is meanwhile."""
    told, silent = asyncio.Queue[str](), list[str]()

    async def tell(channel: Channel, notice: Notice, now: datetime) -> None:
        if channel.target.url == SILENT:
            silent.append(channel.organization_id)
            await asyncio.Event().wait()
        await told.put(notice.notice_id)

    sending = NoticeDelivery(db=database, vault=VAULT, events=Events(), tell=tell)
    poller = Poller("notifications", sending.send_due)
    other = await database.run(lambda tx: add_organization(tx, "other"))
    for each in range(organizations):
        mine = await database.run(lambda tx, each=each: add_organization(tx, f"many{each}"))  # type: ignore[misc]
        await database.run(lambda tx, mine=mine: told_of(tx, mine, 50, 2, SILENT))  # type: ignore[misc]
    await database.run(lambda tx: told_of(tx, other, 1, 5, "https://well.example/"))
    async with asyncio.TaskGroup() as group:
        group.create_task(poller.run())
        try:
            async with asyncio.timeout(10):
                first = {await told.get() for _ in range(5)}
                await database.run(lambda tx: told_of(tx, other, 1, 1, "https://well.example/"))
                later = await told.get()
        finally:
            poller.stop()
    assert later not in first
    assert max(silent.count(each) for each in silent) == 2
    await asyncio.wait_for(sending.release(), 5)


async def test_whoever_was_told_longest_ago_is_told_next(database: SqlDatabase) -> None:
    begun, ends = asyncio.Queue[str](), dict[str, asyncio.Event]()

    async def tell(channel: Channel, notice: Notice, now: datetime) -> None:
        ends[channel.organization_id] = asyncio.Event()
        await begun.put(channel.organization_id)
        await ends[channel.organization_id].wait()

    for each in range(10):
        id_ = await database.run(lambda tx, each=each: add_organization(tx, f"{each}"))  # type: ignore[misc]
        await database.run(lambda tx, id_=id_: told_of(tx, id_, 3, 1, "https://well.example/"))  # type: ignore[misc]
    sending = NoticeDelivery(db=database, vault=VAULT, events=Events(), tell=tell)
    poller = Poller("notifications", sending.send_due)
    async with asyncio.TaskGroup() as group:
        group.create_task(poller.run())
        try:
            async with asyncio.timeout(20):
                went = [await begun.get() for _ in range(8)]
                for at in range(4):
                    ends[went[at]].set()
                    went.append(await begun.get())
        finally:
            poller.stop()
    assert len(set(went[:10])) == 10, "all ten had a turn before anybody had another"
    assert went[10] in went[:8]
    await asyncio.wait_for(sending.release(), 5)
