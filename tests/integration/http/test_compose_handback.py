"""The containers of a compose service that took requests over are watched for the whole of their window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from headway.core.deployments import store as deployments
from headway.drivers.runtimes.compose.observation import Container
from headway.features.services import releases_store
from headway.features.services.compose import store
from headway.features.services.compose.failback import ComposeFailback
from headway.features.services.compose.model import ComposeRelease, Record, ReleasedService
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.kernel.events import DeploymentEnded
from tests.integration.http.test_compose_records import FILE, ended
from tests.integration.http.world import World
from tests.unit.features.services.compose.test_rollout import container

EARLIER, LATER, LATEST = ("2026-01-31T10:00:00Z", "2026-01-31T10:00:05Z", "2026-01-31T10:00:07Z")


@dataclass(kw_only=True)
class Moved:
    """A compose service whose newer release has taken over from an older one."""

    world: World
    compose_id: str
    old: str
    new: str
    looks: list[Sequence[Container] | Exception] = field(default_factory=list)
    led: list[str] = field(default_factory=list)

    # What the watch asks of a driver, its tools and their routing.

    async def containers(self, _compose_id: str) -> Sequence[Container]:
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def tools_of(self, _compose_id: str) -> Any:  # noqa: ANN401 - a part of the tools
        return SimpleNamespace(routing=self)

    async def lead(self, _compose_id: str, release: ComposeRelease, *, alone: bool) -> None:
        assert alone
        self.led.append(release.release_id)

    async def let_go_replaced(self, _compose_id: str) -> None:
        return None

    def watching(self) -> ComposeFailback:
        driver: Any = self
        composes = self.world.services.composes
        lifecycle = replace(composes.lifecycle, driver=driver)
        ledger = self.world.services.deployments._ledger
        return ComposeFailback(lifecycle=lifecycle, ledger=ledger, window=timedelta(seconds=3))

    async def serving(self) -> str:
        found = await self.world.services.db.read(
            lambda tx: store.serving(tx, self.compose_id, self.world.platform.data_dir.vault)
        )
        assert found is not None
        return found.release_id

    def both(self, *, old_since: str = EARLIER, new_since: str = LATER, **of_new: Any) -> list[Container]:  # noqa: ANN401
        return [
            container("web", self.old, started_at=old_since),
            container("web", self.new, started_at=new_since, **of_new),
        ]


async def moved(world: World) -> Moved:
    place = {"environmentId": await world.environment(), "composeFile": FILE}
    compose_id = str((await world.post("compose.create", name="stack", **place))["composeId"])
    made = [await ended(world, compose_id) for _ in range(2)]

    def write(tx: Tx) -> None:
        for deployment_id in made:
            web = ReleasedService(fingerprint=deployment_id, deployment_id=deployment_id, replicas=1)
            record = Record(file={"services": {"web": {"image": "nginx"}}}, services={"web": web})
            of = {"release_id": deployment_id, "compose_id": compose_id}
            store.write_release(tx, world.platform.data_dir.vault, **of, folder="/x", record=record, commit_hash=None)
            releases_store.make_serving(tx, compose_id, deployment_id)

    await world.services.db.run(write)
    return Moved(world=world, compose_id=compose_id, old=made[0], new=made[1])


def has_ended(deployment_id: str) -> DeploymentEnded:
    ended_now: Any = SimpleNamespace(deployment_id=deployment_id, kind="compose.deploy", reason=None)
    return ended_now  # type: ignore[no-any-return]


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.02)


async def test_an_engine_that_is_silent_for_a_moment_ends_no_watch(world: World) -> None:
    of = await moved(world)
    of.looks = [of.both(), EngineAway("no word"), of.both(status="exited", exit_code=1)]
    watch = of.watching()
    watch.ended(has_ended(of.new))
    await until(lambda: len(of.led) == 2)
    await watch.release()
    assert (set(of.led), await of.serving()) == ({of.old}, of.old)


async def test_a_panel_that_starts_goes_on_with_the_watch(world: World) -> None:
    of = await moved(world)
    of.looks = [of.both(), of.both(status="exited", exit_code=1)]
    watch = of.watching()
    await watch.resume()
    await until(lambda: len(of.led) == 2)
    await watch.release()
    assert await of.serving() == of.old


async def test_what_came_to_serve_before_its_window_is_watched_no_more(world: World) -> None:
    of = await moved(world)
    of.looks = [of.both(status="exited", exit_code=1)]

    def age(tx: Tx) -> None:
        deployments.set_fields(tx, of.new, finished_at=tx.now - timedelta(seconds=4))

    await world.services.db.run(age)
    watch = of.watching()
    await watch.resume()
    watch.ended(has_ended(of.new))
    await asyncio.sleep(0.5)
    await watch.release()
    assert (of.led, await of.serving()) == ([], of.new)


async def test_an_engine_that_was_started_anew_and_ended_both_gives_nothing_back(world: World) -> None:
    of = await moved(world)
    of.looks = [of.both(), EngineAway("no word"), of.both(old_since=LATEST, status="exited", exit_code=1), of.both()]
    watch = of.watching()
    watch.ended(has_ended(of.new))
    await until(lambda: len(of.looks) == 1)
    await asyncio.sleep(0.3)
    await watch.release()
    assert (of.led, await of.serving()) == ([], of.new)
