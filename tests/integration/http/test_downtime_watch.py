"""What has died for good is found out whoever looks: written, told once, and taken back once it is up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from headway.drivers.runtimes.contract.runtime import ReleaseStatus
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.features.services import store
from headway.features.services.downtime import Downtime
from headway.features.services.downtime_watch import DowntimeWatch
from headway.features.services.model import APPLICATIONS
from headway.features.services.pages.service_list import PAGE as LIST
from headway.features.services.releases_store import make_serving
from headway.infra.db.tables.deployments import outbox
from headway.infra.db.tables.services import services
from headway.kernel.errors import Unavailable
from headway.kernel.events import Changed
from tests.integration.http.page_visits import person
from tests.integration.http.test_service_downtime import GIVEN_UP
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import Json, World

DEAD = Downtime(names=("web",), is_all=True, since=None, exits=5, last_exit="exit status 1")


@dataclass(kw_only=True)
class Place:
    """A watch over the services of the panel's own machine, with a clock and with what is down there."""

    world: World
    now: float = 0.0
    down: dict[str, Downtime | Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    watch: DowntimeWatch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = self.another()

    def another(self) -> DowntimeWatch:
        """That of the next panel."""
        return DowntimeWatch(
            host_id="local",
            kinds=APPLICATIONS,
            db=self.world.services.db,
            ledger=self.world.services.deployments._ledger,
            clock=lambda: self.now,
        )

    async def of(self, service_id: str, /) -> Downtime | None:
        self.asked.append(service_id)
        found = self.down.get(service_id)
        if isinstance(found, Exception):
            raise found
        return found

    async def round(self, seconds: float = 0.0) -> None:
        """One round, so much later."""
        self.now += seconds
        at_rest = await self.world.services.db.read(lambda tx: store.at_rest(tx, "local", APPLICATIONS))
        await self.watch.forget_others(at_rest)
        for each in self.watch.due(at_rest):
            await self.watch.look(each, self.of)

    async def told(self) -> list[Json]:
        """What waits to be told of services that are down."""
        found = select(outbox).where(outbox.c.topic.like("%.down")).order_by(outbox.c.seq)
        rows = await self.world.services.db.read(lambda tx: list(tx.execute(found)))
        return [{**row.payload, "event": row.topic} for row in rows]

    async def since(self, service_id: str) -> str | None:
        found: str | None = (await self.world.get("service.one", serviceId=service_id))["serving"]["downSince"]
        return found


async def set_fields(world: World, service_id: str, **fields: object) -> None:
    of_it = services.c.service_id == service_id
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(**fields)))


async def test_what_is_down_at_two_looks_is_written_and_told_once(world: World) -> None:
    application, deployment, _ = await serving(world, "shop")
    place = Place(world=world)
    place.down[application] = DEAD
    heard: list[Changed] = []
    world.services.events.listen(Changed, heard.append)
    await place.round()
    assert (await place.since(application), await place.told()) == (None, [])
    await place.round(10)
    since = await place.since(application)
    assert since is not None
    before = datetime.now(UTC) - datetime.fromisoformat(since)
    assert timedelta(seconds=9) < before < timedelta(seconds=60), "since it was seen first"
    assert f"service:{application}" in {each.topic for each in heard}
    for _ in range(5):
        await place.round(30)
    place.watch = place.another()
    for _ in range(3):
        await place.round(30)
    (told,) = await place.told()
    assert (told["event"], told["subjectId"], told["deploymentId"]) == ("application.down", application, deployment)
    assert (told["title"], told["errorMessage"]) == (None, "web: ended by itself, last by exit status 1")
    assert await place.since(application) == since


async def test_it_is_taken_back_once_it_is_up_for_good_and_told_anew_afterwards(world: World) -> None:
    application, _, _ = await serving(world)
    place = Place(world=world)
    place.down[application] = DEAD
    await place.round()
    await place.round(10)
    place.down.clear()
    await place.round(30)
    assert await place.since(application) is not None, "it may only be tried once more"
    place.down[application] = DEAD
    await place.round(10)
    assert len(await place.told()) == 1
    place.down.clear()
    await place.round(30)
    await place.round(10)
    assert await place.since(application) is None
    place.down[application] = DEAD
    await place.round(30)
    await place.round(10)
    assert await place.since(application) is not None
    assert len(await place.told()) == 2


async def test_what_its_machine_tells_of_since_when_counts(world: World) -> None:
    application, _, release = await serving(world)
    place, ended = Place(world=world), datetime(2026, 11, 29, 12, 3, 4, tzinfo=UTC)
    part = Downtime(names=("worker",), is_all=False, since=ended, exits=1, last_exit=None)
    await place.watch.saw(application, release, part)
    place.now += 10
    await place.watch.saw(application, release, part)
    assert await place.since(application) == "2026-11-29T12:03:04.000Z"
    (told,) = await place.told()
    assert (told["title"], told["errorMessage"]) == ("a part of it", "worker: ended by itself, nobody knows how")


async def test_what_cannot_be_asked_stays_as_it_was_written(world: World) -> None:
    application, _, _ = await serving(world)
    place = Place(world=world)
    for error in (Unavailable("supervisord does not answer"), TimeoutError()):
        place.down[application] = error
        await place.round(30)
        await place.round(30)
        assert await place.since(application) is None
    place.down[application] = DEAD
    await place.round(30)
    await place.round(10)
    since = await place.since(application)
    assert since is not None
    place.down[application] = Unavailable("supervisord does not answer")
    for _ in range(3):
        await place.round(30)
    assert await place.since(application) == since


async def test_what_is_not_to_run_is_not_down_and_another_release_is_seen_anew(world: World) -> None:
    application, _, _ = await serving(world)
    place = Place(world=world)
    place.down[application] = DEAD
    await place.round()
    await set_fields(world, application, status="running")
    await place.round(10)
    assert await place.since(application) is None, "it is being started just now"
    await set_fields(world, application, status="done")
    await place.round(30)
    assert await place.since(application) is not None
    for state in ("down", "held"):
        await set_fields(world, application, wanted=state)
        await place.round(1)
        assert await place.since(application) is None
        await set_fields(world, application, wanted="up")
        await place.round(30)
        await place.round(10)
        assert await place.since(application) is not None

    newer = await world.release(application)
    await world.services.db.run(partial(make_serving, service_id=application, release_id=newer))
    assert await place.since(application) is None
    await place.round(30)
    assert await place.since(application) is None, "nothing was seen of this one yet"


async def test_services_take_turns(world: World) -> None:
    ids = [(await serving(world, name))[0] for name in ("a", "b", "c")]
    place = Place(world=world)
    for _ in range(30):
        await place.round(1)
    assert sorted(place.asked) == sorted(ids)
    at = len(place.asked)
    await place.round(30)
    assert sorted(place.asked[at:]) == sorted(ids)
    await place.round(1)
    assert len(place.asked) == at + 3


async def test_pages_say_since_when(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application, _, _ = await serving(world)
    place = Place(world=world)
    place.down[application] = DEAD
    await place.round()
    await place.round(10)

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        return ReleaseStatus(release_id=release_id, processes=(GIVEN_UP,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    (row,) = await world.get("service.down")
    assert row["since"] == await place.since(application)
    seen = await (await person(world)).see(LIST)
    assert f'<time datetime="{row["since"][:16]}' in seen.html
