"""Routes that are given back, to a release that lost its port or to one that serves on: nobody is led where none is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from headway.core.deployments.status import Status
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.failback import ApplicationFailback
from headway.features.services.application.health_store import handed_over
from headway.features.services.application.port_guard import Guard
from headway.features.services.edges import ServiceEdges
from headway.features.services.model import DesiredState, ReleaseState
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.kernel.artifacts import Route
from tests.integration.http.test_handback import serve
from tests.integration.http.world import World

Json = Any


@dataclass
class KeptRoutes:
    """An edge that keeps its routes and serves nobody."""

    kept: dict[str, Route] = field(default_factory=dict)
    has_set: Callable[[Route], Json] | None = None

    async def set_route(self, route: Route) -> None:
        self.kept[route.application_id] = route
        if self.has_set is not None:
            await self.has_set(route)

    async def remove_route(self, application_id: str) -> None:
        self.kept.pop(application_id, None)

    async def route(self, application_id: str) -> Route | None:
        return self.kept.get(application_id)

    def leads_to(self, application_id: str) -> str | None:
        """The release that requests are led to."""
        route = self.kept.get(application_id)
        return None if route is None else route.release_id


@dataclass
class Usurped:
    """A runtime of which some releases have lost their ports."""

    release_ids: set[str]

    async def usurped(self) -> set[str]:
        return self.release_ids


@dataclass
class Fallen:
    """A runtime of which all that takes requests has ended by itself but for these ``copies``, and some releases have
    lost their ports.
    """

    copies: tuple[str, ...] = ()
    release_ids: frozenset[str] = frozenset()

    async def status(self, release_id: str) -> Json:
        del release_id
        return Told(copies=self.copies)

    async def crashed(self, release_id: str) -> bool:
        del release_id
        return True

    async def usurped(self) -> frozenset[str]:
        return self.release_ids


@dataclass(frozen=True)
class Told:
    """What such a runtime says of a release."""

    up: bool = True
    copies: tuple[str, ...] = ()
    processes: tuple[Json, ...] = ()


def lifecycle_of(world: World, edge: KeptRoutes, runtime: object) -> ApplicationLifecycle:
    """That of the world, with another edge and another runtime on its machine."""
    lifecycle = world.services.applications.lifecycle
    routing = replace(lifecycle.tools.routing, edge=cast("ServiceEdges", edge))
    runtimes = Runtimes(forms={"native": cast("Runtime", runtime)})
    here = replace(lifecycle.tools, shared=replace(lifecycle.tools.shared, routing=routing), runtimes=runtimes)
    driver = replace(lifecycle.driver, contexts=replace(lifecycle.driver.contexts, here=here))
    return replace(lifecycle, driver=driver)


async def serving(world: World, application_id: str) -> str:
    """A release that serves at a port."""
    release_id = await world.release(application_id, state=ReleaseState.STARTING, port=4100)
    await world.services.db.run(lambda tx: releases_store.make_serving(tx, application_id, release_id))
    return release_id


@pytest.mark.parametrize("end", [Status.ERROR, None])
async def test_a_route_that_was_taken_away_is_given_back_once_the_port_is_free_also_while_something_is_deployed(
    world: World, end: Status | None
) -> None:
    application_id = await world.application()
    release_id = await serving(world, application_id)
    edge, runtime = KeptRoutes(), Usurped({release_id})
    lifecycle = lifecycle_of(world, edge, runtime)
    await lifecycle.tools.routing.lead(application_id, release_id)
    guard = Guard(host_id="local", lifecycle=lifecycle, unstable=lambda _tx, _id, _why: None)
    await guard.guard_round()
    assert edge.leads_to(application_id) is None
    await world.deploy(application_id)
    lease = await world.claim()
    other = await world.release(application_id, state=ReleaseState.STARTING, port=4101)
    if end is None:
        await lifecycle.tools.routing.lead(application_id, other)
    runtime.release_ids.clear()
    await guard.guard_round()
    if end is not None:
        assert edge.leads_to(application_id) == release_id, "nothing that is deployed leads anywhere yet"
        await world.end(lease, end, "Step build: exit status 7")
    else:
        assert edge.leads_to(application_id) == other
        await world.services.db.run(lambda tx: releases_store.make_serving(tx, application_id, other))
        await guard.guard_round()
        assert edge.leads_to(application_id) == other
    assert guard._away == {}


async def test_what_is_deployed_keeps_its_route_where_the_one_before_has_lost_its_port(world: World) -> None:
    application_id = await world.application()
    old = await serving(world, application_id)
    edge, runtime, told = KeptRoutes(), Usurped({old}), list[str]()
    lifecycle = lifecycle_of(world, edge, runtime)
    new = await world.release(application_id, state=ReleaseState.STARTING, port=4101)
    await lifecycle.tools.routing.lead(application_id, new)  # and it does not serve by the rows yet
    guard = Guard(host_id="local", lifecycle=lifecycle, unstable=lambda _tx, told_of, _why: told.append(told_of))
    await guard.guard_round()
    assert edge.leads_to(application_id) == new
    assert (told, [*guard.away]) == ([], [])
    await lifecycle.tools.routing.lead(application_id, old)  # as where that fails
    await guard.guard_round()
    assert edge.leads_to(application_id) is None
    assert [*guard.away] == [old]


@pytest.mark.parametrize("serves", [True, False])
async def test_a_release_that_drains_is_asked_nothing_once_its_port_is_anothers(
    world: World,
    serves: bool,  # noqa: FBT001 - whether the newer one does yet, or is being deployed
) -> None:
    application_id = await world.application()
    old = await serving(world, application_id)
    new = await world.release(application_id, state=ReleaseState.STARTING, port=4101)
    if serves:
        drain = timedelta(hours=1)
        await world.services.db.run(lambda tx: releases_store.make_serving(tx, application_id, new, drain=drain))
    edge, runtime, told = KeptRoutes(), Usurped(set()), list[str]()
    lifecycle = lifecycle_of(world, edge, runtime)
    await lifecycle.tools.routing.lead(application_id, new)
    guard = Guard(host_id="local", lifecycle=lifecycle, unstable=lambda _tx, told_of, _why: told.append(told_of))
    await guard.guard_round()
    assert [each.port for each in edge.kept[application_id].before] == [4100]
    runtime.release_ids.add(old)
    for _ in range(2):
        await guard.guard_round()
        assert (edge.leads_to(application_id), edge.kept[application_id].before) == (new, ())
        await lifecycle.tools.routing.lead(application_id, new)  # as a change of its domains does
    assert (told, [*guard.away]) == ([], [])


async def test_the_port_of_a_stopped_application_is_anybodys(world: World) -> None:
    application_id = await world.application()
    release_id = await serving(world, application_id)
    edge, told = KeptRoutes(), list[str]()
    lifecycle = lifecycle_of(world, edge, Usurped({release_id}))
    stopped = DesiredState.DOWN
    await world.services.db.run(lambda tx: services_store.set_fields(tx, application_id, wanted=stopped))
    guard = Guard(host_id="local", lifecycle=lifecycle, unstable=lambda _tx, told_of, _why: told.append(told_of))
    await guard.guard_round()
    assert (told, [*guard.away]) == ([], [])


async def test_who_is_led_to_a_port_of_others_again_is_led_away_again_and_it_is_told_once(world: World) -> None:
    application_id = await world.application()
    release_id = await serving(world, application_id)
    edge, told = KeptRoutes(), list[str]()
    lifecycle = lifecycle_of(world, edge, Usurped({release_id}))
    guard = Guard(host_id="local", lifecycle=lifecycle, unstable=lambda _tx, told_of, _why: told.append(told_of))
    for _ in range(2):
        await lifecycle.tools.routing.lead(application_id, release_id)  # as a start does
        await guard.guard_round()
        assert edge.leads_to(application_id) is None
    assert len(told) == 1


async def test_requests_go_on_to_what_serves_where_the_drain_of_the_one_before_ends_meanwhile(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    application_id = await world.application()
    old = await serve(world, application_id, ("web 1",))
    new = await serve(world, application_id, ("web 2",))
    await world.services.db.run(lambda tx: releases_store.set_fields(tx, old, port=4100))
    await world.services.db.run(lambda tx: releases_store.set_fields(tx, new, port=4101))
    edge = KeptRoutes()
    lifecycle = lifecycle_of(world, edge, Fallen())
    await lifecycle.tools.routing.lead(application_id, new)
    led: list[str] = []

    async def drain_ends(route: Route) -> None:
        led.append(route.release_id)
        over = timedelta(seconds=1)
        await world.services.db.run(lambda tx: releases_store.set_fields(tx, old, retire_at=tx.now - over))

    edge.has_set = drain_ends
    failback = ApplicationFailback(
        lifecycle=lifecycle,
        ledger=world.services.deployments._ledger,
        unchanged=Unchanged(world.services.db.version),
        window=timedelta(60),
    )
    (moved,) = await world.services.db.read(lambda tx: handed_over(tx, tx.now - timedelta(60)))
    await failback._give_back(moved, "")
    assert led == [old, new]
    assert edge.leads_to(application_id) == new
    assert "serves again" not in caplog.text


async def test_requests_do_not_go_back_to_a_port_that_is_anothers(world: World) -> None:
    application_id = await world.application()
    old = await serve(world, application_id, ("web 1",))
    new = await serve(world, application_id, ("web 2",))
    for release_id, port in ((old, 4100), (new, 4101)):
        await world.services.db.run(partial(releases_store.set_fields, release_id=release_id, port=port))
    edge = KeptRoutes()
    lifecycle = lifecycle_of(world, edge, Fallen(release_ids=frozenset({old})))
    await lifecycle.tools.routing.lead(application_id, new)
    failback = ApplicationFailback(
        lifecycle=lifecycle,
        ledger=world.services.deployments._ledger,
        unchanged=Unchanged(world.services.db.version),
        window=timedelta(60),
    )
    (moved,) = await world.services.db.read(lambda tx: handed_over(tx, tx.now - timedelta(60)))
    await failback._give_back(moved, "")
    assert edge.leads_to(application_id) == new


async def test_what_is_watched_is_forgotten_when_nothing_is_to_be_watched(world: World) -> None:
    lifecycle = lifecycle_of(world, KeptRoutes(), Fallen(("two",)))
    failback = ApplicationFailback(
        lifecycle=lifecycle,
        ledger=world.services.deployments._ledger,
        unchanged=Unchanged(world.services.db.version),
        window=timedelta(60),
    )
    application_id = await world.application()
    await serve(world, application_id, ("one",))
    second = await serve(world, application_id, ("two",))
    for _ in range(3):  # it is watched from the first on
        await failback.round()
        await asyncio.sleep(0.01)
    await failback.release()

    def is_over(tx: Tx) -> None:
        for each in releases_store.of_service(tx, application_id):
            if each.release_id != second:
                releases_store.set_fields(tx, each.release_id, state=ReleaseState.RETIRED, retire_at=None)

    await world.services.db.run(is_over)
    for _ in range(3):
        await failback.round()
    assert failback._moved == {}
