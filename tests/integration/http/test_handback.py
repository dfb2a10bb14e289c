"""Where nothing was committed no release has come to serve, and the database is not asked for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from headway.drivers.runtimes.contract.runtime import Health, ProcessState, ProcessStatus, ReleaseStatus
from headway.features.services import releases_store
from headway.features.services.application import health_store
from headway.features.services.application.failback import ApplicationFailback
from headway.features.services.model import Release, ReleaseState
from headway.infra.db.engine import SqlDatabase
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from tests.integration.http.world import World

T = TypeVar("T")


class Counted:
    """The database, and how often it was read."""

    def __init__(self, db: SqlDatabase) -> None:
        self._db = db
        self.reads = 0

    async def run(self, work: Callable[[Tx], T]) -> T:
        return await self._db.run(work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        self.reads += 1
        return await self._db.read(work)


class Running:
    """A driver whose releases all run, and which of them were looked at."""

    def __init__(self) -> None:
        self.looked: list[str] = []

    def runtime(self, _release: Release) -> Running:
        return self

    async def status(self, release_id: str) -> ReleaseStatus:
        self.looked.append(release_id)
        web = ProcessStatus(name="web", state=ProcessState.RUNNING, pid=1, since=None, exits=0, last_exit=None)
        return ReleaseStatus(release_id=release_id, processes=(web,))


def watching(world: World) -> tuple[ApplicationFailback, Counted]:
    counted = Counted(world.services.db)
    lifecycle = replace(world.services.applications.lifecycle, db=counted)
    ledger = world.services.deployments._ledger
    return ApplicationFailback(
        lifecycle=lifecycle, ledger=ledger, unchanged=Unchanged(world.services.db.version), window=timedelta(60)
    ), counted


async def serve(world: World, application_id: str, copies: tuple[str, ...]) -> str:
    """A release comes to serve, as a deploy would have it."""
    deployment_id = await world.ended(application_id)
    release_id = await world.release(application_id, deployment_id=deployment_id, state=ReleaseState.STARTING)

    def write(tx: Tx) -> None:
        health_store.saw(tx, release_id, Health(answers=True, copies=copies))
        releases_store.make_serving(tx, application_id, release_id, drain=timedelta(hours=1))

    await world.services.db.run(write)
    return release_id


async def test_it_looks_again_when_something_was_committed_and_not_before(world: World) -> None:
    handback, counted = watching(world)
    for _ in range(3):
        await handback.round()
    assert counted.reads == 1
    await world.environment()
    for _ in range(3):
        await handback.round()
    assert counted.reads == 2


async def test_what_has_come_to_serve_is_looked_for_until_it_is_over(world: World) -> None:
    handback, counted = watching(world)
    application_id = await world.application()
    await serve(world, application_id, ("one",))
    await handback.round()
    await serve(world, application_id, ("two",))
    before = counted.reads
    for _ in range(3):
        await handback.round()
    await handback.release()
    assert counted.reads >= before + 3, "time ends it, and no commit"


async def test_what_is_watched_no_more_is_not_looked_at_until_its_time_is_over(world: World) -> None:
    handback, _ = watching(world)
    driver: Any = Running()
    handback = replace(handback, lifecycle=replace(handback.lifecycle, driver=driver))
    application_id = await world.application()
    await serve(world, application_id, ("web 1",))
    second = await serve(world, application_id, ("web 1",))
    await handback.round()
    await asyncio.sleep(0.05)
    assert set(driver.looked) == {second}
    third = await serve(world, application_id, ("web 1",))
    await handback.round()
    await asyncio.sleep(0.15)
    driver.looked.clear()
    await asyncio.sleep(0.35)
    await handback.release()
    assert set(driver.looked) == {third}, (
        "of ten redeploys in the time of one watch nine would be looked at for nothing"
    )
