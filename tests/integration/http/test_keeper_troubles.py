"""What the keepers of services cannot do is shown, is tried again more and more seldom, and holds up nothing else."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import update

from headway.core.access.allowances import NotAllowed
from headway.core.access.machine import Need, Power
from headway.drivers.runtimes.contract.runtime import ReleaseStatus, Runtime, UnknownRelease
from headway.features.home.pages.home import PAGE as HOME
from headway.features.services import starts
from headway.features.services.application import powers, store
from headway.features.services.application.reconciler import ApplicationReconciler
from headway.features.services.compose.reconciler import ComposeReconciler
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Service
from headway.features.services.pages.service_list import PAGE as LIST
from headway.features.services.releases_store import make_serving
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Unavailable
from tests.integration.http.page_visits import person
from tests.integration.http.test_bad_items import loop, shown
from tests.integration.http.test_bad_services import start, statuses
from tests.integration.http.test_compose_records import careful, served
from tests.integration.http.test_keeper import keeper_with
from tests.integration.http.test_keeper import served as released
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World

__all__ = ["careful"]
GONE = "This release is not on this machine any more; deploy it again."


@dataclass
class Keeping:
    """A runtime as far as a keeper asks it: a test says what it keeps alive, and at what it fails."""

    alive: set[str] = field(default_factory=set)
    failing: dict[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def _done(self, what: str) -> None:
        self.asked.append(what)
        if what in self.failing:
            raise self.failing[what]

    async def ensure(self) -> None:
        self._done("ensure")

    async def watch(self) -> None:
        self._done("watch")

    async def running(self) -> set[str]:
        self._done("running")
        return set(self.alive)

    async def known(self) -> set[str]:
        self._done("known")
        return set(self.alive)

    async def usurped(self) -> set[str]:
        return set()

    async def crashed(self, release_id: str) -> bool:
        assert release_id in self.alive
        return False

    async def status(self, release_id: str) -> ReleaseStatus:
        return ReleaseStatus(release_id=release_id, processes=())

    async def start_again(self, release_id: str) -> None:
        self._done("start_again")
        self.alive.add(release_id)


@dataclass
class Lasting(Keeping):
    """One of which a release ends when the test says so."""

    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def remove(self, release_id: str) -> None:
        self._done("remove")
        await self.over.wait()
        self.alive.discard(release_id)


def keeper_of(world: World, **forms: Keeping) -> ApplicationReconciler:
    return keeper_with(world, {name: cast("Runtime", each) for name, each in forms.items()})


async def test_a_replaced_release_that_takes_its_time_to_end_holds_up_no_round(world: World) -> None:
    (old, new) = await released(world, "shop", 2)
    runtime = Lasting(alive={old, new})
    keeper = keeper_of(world, native=runtime)
    async with asyncio.timeout(10):
        while "remove" not in runtime.asked:
            await keeper.keep_round()
        await keeper.keep_round()
    assert runtime.asked.count("remove") == 1, "what ends already is not ended once more"
    runtime.over.set()
    await asyncio.gather(*keeper._retiring._tasks.values())
    assert runtime.alive == {new}
    assert await world.services.db.read(lambda tx: store.due_to_retire(tx, "local")) == []


def later(world: World, seconds: float) -> None:
    """So much later for what waits to be tried again."""
    world.services.troubles._monotonic = lambda: time.monotonic() + seconds


async def test_what_cannot_be_brought_up_is_shown_and_tried_again_more_and_more_seldom(world: World) -> None:
    application, _, _ = await serving(world, "api")
    runtime = Keeping(failing={"start_again": UnknownRelease(GONE)})
    keeper = keeper_of(world, native=runtime)
    tries = []
    for seconds in (0, 0, 2, 2, 5, 400, 800):
        later(world, seconds)
        await keeper.keep_round()
        tries.append(runtime.asked.count("start_again"))
    assert tries == [1, 1, 2, 2, 3, 4, 5], "at once, and then each time after twice as long"
    assert await shown(world) == {f"services {application}": f"api is not as it is wanted: {GONE}"}
    assert f"tried 5 times: api is not as it is wanted: {GONE}" in (await (await person(world)).see(HOME)).text
    (told,) = await world.get("service.down")
    assert (told["serviceId"], told["all"], told["why"]) == (application, True, f"api is not as it is wanted: {GONE}")


async def test_once_it_is_deployed_anew_what_could_not_be_brought_up_is_tried_at_once(world: World) -> None:
    application, _, release = await serving(world, "api")
    runtime = Keeping(failing={"start_again": UnknownRelease(GONE)})
    keeper = keeper_of(world, native=runtime)
    for seconds in (0, 2, 5, 400):
        later(world, seconds)
        await keeper.keep_round()
    assert len(await shown(world)) == 1
    await world.deploy(application)
    lease = await world.claim()
    await keeper.keep_round()
    assert await shown(world) == {}
    runtime.failing.clear()
    await world.end(lease)
    await keeper.keep_round()
    assert runtime.alive == {release}


async def test_what_may_not_run_is_shown_and_runs_as_soon_as_it_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _, release = await serving(world, "api")
    runtime, refused = Keeping(), NotAllowed(Need(power=Power.PORT, value="80/tcp"), withdrawn=True)

    def require(*_args: object) -> None:
        raise refused

    keeper = keeper_of(world, native=runtime)
    with monkeypatch.context() as patched:
        patched.setattr(powers, "require_serving", require)
        for _ in range(3):
            await keeper.keep_round()
        assert runtime.asked.count("start_again") == 0
        told = f"api is not as it is wanted: {refused.message}"
        assert await shown(world) == {f"services {application} that may not run": told}
        assert [each["why"] for each in await world.get("service.down")] == [told]
    await keeper.keep_round()
    assert runtime.alive == {release}
    await keeper.keep_round()
    assert await shown(world) == {}


async def beside(world: World, runtime: str) -> str:
    """The release of another application, which a runtime keeps alive."""
    release = await world.release(await world.application(runtime), runtime=runtime)
    (application,) = [each for each in await world.get("service.all") if each["name"] == runtime]

    def serve(tx: Tx) -> None:
        make_serving(tx, application["serviceId"], release)
        of_it = services.c.service_id == application["serviceId"]
        tx.execute(update(services).where(of_it).values(wanted="up", status="done"))

    await world.services.db.run(serve)
    return release


async def test_a_runtime_that_is_broken_keeps_no_other_from_being_kept(world: World) -> None:
    await serving(world, "api")
    release = await beside(world, "container")
    broken = Keeping(failing={name: OSError(28, "No space left on device") for name in ("ensure", "watch", "running")})
    well = Keeping()
    keeper = keeper_of(world, native=broken, container=well)
    await keeper.keep_round()
    assert well.alive == {release}
    (item,) = await shown(world)
    assert item == "services runtime native of local"
    before = well.asked.count("known")  # by who looks whether it runs, too
    await keeper.restore()
    assert well.asked.count("known") == before + 1, "what no row names is looked for there all the same"
    broken.failing.clear()
    asked = broken.asked.count("known")
    await keeper.keep_round()
    assert await shown(world) == {}
    assert broken.asked.count("known") == asked + 1, "which is made up for where it was away"


async def test_a_runtime_that_keeps_nothing_is_none_that_is_missed(world: World) -> None:
    _, _, release = await serving(world, "api")
    keeper = keeper_of(
        world, native=Keeping({release}), container=Keeping(failing={"running": Unavailable("No engine.")})
    )
    await keeper.keep_round()
    assert await shown(world) == {}


async def test_where_ports_cannot_be_closed_no_process_starts_and_containers_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await serving(world, "api")
    release = await beside(world, "container")
    native, container = Keeping(), Keeping()
    keeper = keeper_of(world, native=native, container=container)

    async def refused(_tools: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(type(keeper._tools), "close_ports_of_containers", refused)
    await keeper.restore()
    await keeper.keep_round()
    assert (native.alive, container.alive) == (set(), {release})
    assert list(await shown(world)) == ["services runtime native of local"]


async def test_time_in_which_a_server_was_away_is_none_that_a_start_took(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    application = await world.application()
    await start(world, application)
    (release,) = [each["serving"]["releaseId"] for each in await world.get("service.all")]
    keeper = keeper_of(world, native=Keeping({release}))
    monkeypatch.setattr(starts, "time", SimpleNamespace(monotonic=lambda: now[0]))
    await keeper.keep_round()
    now[0] += 3_600
    await keeper.keep_round()
    assert await statuses(world, application) == ["running"]
    for _ in range(1_000):
        now[0] += 5
        await keeper.keep_round()
        if await statuses(world, application) == ["error"]:
            return
    pytest.fail("a start whose time is over is an error")


def composes_of(world: World) -> ComposeReconciler:
    return cast("ComposeReconciler", loop(world, "compose keeper")._work.__self__)  # type: ignore[attr-defined]


async def test_an_engine_that_is_away_is_shown_and_nothing_that_it_ran_is_said_to_serve(careful: World) -> None:
    compose_id, _ = await served(careful)
    starting, _ = await served(careful)
    of_it = update(services).where(services.c.service_id == starting)
    await careful.services.db.run(lambda tx: tx.execute(of_it.values(wanted="up", status="running")).rowcount)
    keeper = composes_of(careful)
    await keeper.keep_round()
    (item, message), *more = (await shown(careful)).items()
    assert (item, more) == ("services engine of local", [])
    assert "does not answer" in message
    (told,) = await careful.get("service.down")
    assert (told["serviceId"], told["unknown"], told["why"]) == (compose_id, True, message)
    ann = await person(careful)
    for page in (LIST, HOME):
        assert f"because {message[:40]}" in (await ann.see(page)).text
    keeper._starts._since[starting] = -1e9
    await keeper.keep_round()
    assert await statuses(careful, starting) == ["error"], "what was started is not for ever being started"


async def test_compose_services_are_brought_up_side_by_side(careful: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [(await served(careful))[0] for _ in range(2)]
    together, brought = asyncio.Barrier(2), list[str]()

    async def up(_lifecycle: object, service: Service[Any]) -> None:
        async with asyncio.timeout(5):
            await together.wait()
        brought.append(service.service_id)

    monkeypatch.setattr(ServiceLifecycle, "up", up)
    await composes_of(careful).restore()
    assert sorted(brought) == sorted(made)
    assert await shown(careful) == {}


async def test_a_compose_service_that_cannot_be_brought_up_is_shown_and_waits_longer_each_time(
    careful: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    compose_id, _ = await served(careful)
    tries = list[str]()

    async def up(_lifecycle: object, service: Service[Any]) -> None:
        tries.append(service.service_id)
        raise UnknownRelease(GONE)

    monkeypatch.setattr(ServiceLifecycle, "up", up)
    keeper = composes_of(careful)
    await keeper.restore()
    await keeper._bring_up_again(await careful.services.db.read(keeper._at_rest))
    assert tries == [compose_id]
    assert await shown(careful) == {f"services {compose_id}": f"stack is not as it is wanted: {GONE}"}
    later(careful, 2)
    await keeper._bring_up_again(await careful.services.db.read(keeper._at_rest))
    assert tries == [compose_id] * 2
