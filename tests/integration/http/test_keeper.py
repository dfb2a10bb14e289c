"""The keeper of applications, one round of it by itself, with real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from headway.drivers.edge.route_file import render_route
from headway.drivers.runtimes.contract.runtime import Health, Runtime
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.features.servers.store import servers_in_use
from headway.features.services import store as services_store
from headway.features.services.application import health_store, store
from headway.features.services.application.failback import ApplicationFailback, ReplacedRelease
from headway.features.services.application.reconciler import ApplicationReconciler
from headway.features.services.edges import ServiceEdge, ServiceEdges
from headway.features.services.model import DesiredState
from headway.features.services.releases_store import make_serving, set_fields
from headway.infra.db.transaction import Tx
from headway.infra.db.version import Unchanged
from headway.kernel.artifacts import Route, Upstream, Way
from tests.integration.http.world import World
from tests.integration.runtimes.bench import Work, make_runtime, make_spec, open_folder, opened, run, settle

# Asked to end, each does so when all the others have been asked too.
SHY = (
    "cd {meet} && trap '>$HEADWAY_RELEASE_ID; while [ $(ls | wc -l) -lt {count} ]; do sleep 1; done; >ok; exit' TERM; "
    "while :; do sleep 0.02; done"
)
GRACE_SECONDS = 12.0
NONE = timedelta()


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.mark.slow
async def test_releases_whose_drain_is_over_are_ended_at_the_same_time(world: World, folder: Path) -> None:
    meet = folder / "meet"
    meet.mkdir()
    meet.chmod(0o777)
    (*old, first), (older, second) = [await served(world, name, count) for name, count in (("shop", 3), ("other", 2))]
    old.append(older)
    async with opened(make_runtime(folder, grace_seconds=GRACE_SECONDS)) as runtime:
        line = SHY.format(meet=meet, count=len(old))
        for release_id in (*old, first, second):
            spec = make_spec(folder, release_id=release_id, port=None, health=settle(0.1), processes={"web": line})
            await run(runtime, Work(), spec)
        async with asyncio.timeout(GRACE_SECONDS / 2):
            await whole_round(keeper_with(world, {"native": runtime}))
        assert await runtime.known() == {first, second}
    assert (meet / "ok").exists()


@pytest.mark.slow
async def test_an_application_whose_route_cannot_be_read_keeps_none_from_being_kept(
    world: World, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (old, first), (older, second) = [await served(world, name, 2) for name in ("shop", "other")]
    routes = world.platform.data_dir.path / "edge" / "routes"
    routes.mkdir(parents=True, exist_ok=True)
    shop = await world.services.db.read(partial(store.release, release_id=old))
    assert shop is not None
    (routes / f"{shop.service_id}.yml").write_text("torn")
    async with opened(make_runtime(folder)) as runtime:
        for release_id in (old, first, older, second):
            line = {"web": "exec sleep 600"}
            spec = make_spec(folder, release_id=release_id, port=None, health=settle(0.1), processes=line)
            await run(runtime, Work(), spec)
        keeper = keeper_with(world, {"native": runtime})
        await whole_round(keeper)
        await whole_round(keeper)
        assert await runtime.known() == {first, second}
    assert caplog.text.count("cannot be read and was set aside") == 1, "each round meets it again: once is enough"


@dataclass(frozen=True)
class Noting:
    """An edge that is given no route, and notes those that it was to be given."""

    edge: ServiceEdge
    given: list[Route] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the edge's
        return getattr(self.edge, name)

    async def set_route(self, route: Route) -> None:
        self.given.append(route)


@pytest.mark.slow
async def test_what_serves_is_led_to_again_when_its_route_was_lost(world: World, folder: Path) -> None:
    """As one is whose file could not be read; not so what was taken from it on purpose."""
    release: dict[str, str] = {}
    for name in ("torn", "stopped", "usurped", "worker", "well"):
        application_id = await world.application(name)
        port = {"port": None} if name == "worker" else {"port": 4000}
        release[name] = await world.release(application_id, **port)
        await world.services.db.run(
            partial(make_serving, service_id=application_id, release_id=release[name], drain=NONE)
        )
    ids = {each.release_id: each.service_id for each in await world.services.db.read(store.every_release)}
    of = {name: ids[release_id] for name, release_id in release.items()}
    await world.services.db.run(lambda tx: services_store.set_fields(tx, of["stopped"], wanted=DesiredState.DOWN))
    routes = world.platform.data_dir.path / "edge" / "routes"
    routes.mkdir(parents=True, exist_ok=True)
    (routes / f"{of['torn']}.yml").write_text("torn")
    well = Route(
        application_id=of["well"],
        app_name="well",
        release_id=release["well"],
        ways=(Way(host="well.example"),),
        upstreams=(Upstream(port=4000),),
    )
    (routes / f"{of['well']}.yml").write_text(render_route(well, secret="s", https=None))
    async with opened(make_runtime(folder)) as runtime:
        keeper = keeper_with(world, {"native": runtime})
        noting = Noting(keeper.lifecycle.tools.edge)
        edge = cast("ServiceEdges", noting)
        routing = replace(keeper.lifecycle.tools.routing, edge=edge)
        here = keeper.lifecycle.tools
        here = replace(here, edge=edge, shared=replace(here.shared, routing=routing))
        driver = keeper.lifecycle.driver
        driver = replace(driver, contexts=replace(driver.contexts, here=here))
        keeper.lifecycle = replace(keeper.lifecycle, driver=driver)
        usurped = await world.services.db.read(partial(store.release, release_id=release["usurped"]))
        assert usurped is not None
        keeper.guard._away[usurped.release_id] = usurped
        at_rest = await world.services.db.read(keeper._at_rest)
        await keeper._lead_lost(at_rest)
        assert noting.given == [], "they were led to as the panel began"
        keeper._look_at_routes_at = 0
        await keeper._lead_lost(at_rest)
        await keeper._lead_lost(at_rest)
    assert [each.release_id for each in noting.given] == [release["torn"]]


async def test_a_drain_that_began_while_the_clock_was_ahead_is_over_when_it_is_right(world: World) -> None:
    ahead = timedelta(hours=8)
    (early, _), (right, _) = [await served(world, name, 2) for name in ("shop", "other")]

    def write(tx: Tx) -> None:
        for each, by in ((early, ahead), (right, NONE)):
            release = store.release(tx, each)
            assert release is not None
            (newer,) = [new for new in store.releases_of(tx, release.service_id) if new.release_id != each]
            set_fields(tx, each, retire_at=tx.now + by + timedelta(seconds=10))
            set_fields(tx, newer.release_id, serving_since=tx.now + by)

    await world.services.db.run(write)
    due = await world.services.db.read(lambda tx: store.due_to_retire(tx, "local"))
    assert [each.release_id for each in due] == [early]


async def test_only_servers_on_which_something_was_released_have_an_edge_to_look_after(world: World) -> None:
    server_id = (await world.post("server.create", name="far", ipAddress="192.0.2.7"))["serverId"]
    application_id = await world.application("shop", serverId=server_id)
    assert await world.services.db.read(servers_in_use) == []
    release_id = await world.release(application_id)
    await world.services.db.run(partial(make_serving, service_id=application_id, release_id=release_id, drain=NONE))
    assert await world.services.db.read(servers_in_use) == [server_id]


@pytest.mark.parametrize(
    "why_not", [None, "it never answered", "it is stopped", "it was gone back from", "it has served for long"]
)
async def test_before_a_replaced_release_ends_the_one_in_its_place_is_asked_where_it_answered_before(
    world: World, why_not: str | None
) -> None:
    application_id = await world.application("asked")
    old, new = [await world.release(application_id) for _ in range(2)]
    if why_not == "it was gone back from":
        old, new = new, old

    def arrange(tx: Tx) -> None:
        for each in (old, new):
            health_store.saw(tx, each, Health(answers=why_not != "it never answered", copies=("1",)))
            make_serving(tx, application_id, each, drain=NONE)
        wanted = DesiredState.DOWN if why_not == "it is stopped" else DesiredState.UP
        services_store.set_fields(tx, application_id, wanted=wanted)

    await world.services.db.run(arrange)
    watch = timedelta(seconds=-1 if why_not == "it has served for long" else 600)
    moved = await world.services.db.read(lambda tx: health_store.stand_in(tx, old, tx.now - watch))
    assert (moved and (moved.new.release_id, moved.old.release_id)) == (None if why_not else (new, old))


async def served(world: World, name: str, count: int) -> list[str]:
    """So many releases of a new application, of which the last serves, and the drain of the others is over."""
    application_id = await world.application(name)
    releases = [await world.release(application_id) for _ in range(count)]
    for each in releases:
        await world.services.db.run(partial(make_serving, service_id=application_id, release_id=each, drain=NONE))
    return releases


async def whole_round(keeper: ApplicationReconciler) -> float:
    """One round, and what it has begun to end; seconds to rest."""
    rest = await keeper.keep_round()
    await asyncio.gather(*keeper._retiring._tasks.values())
    return rest


def keeper_with(world: World, forms: Mapping[str, Runtime], host_id: str = "local") -> ApplicationReconciler:
    """One of a host, for which these runtimes are those of this machine."""
    lifecycle = world.services.applications.lifecycle
    here = replace(lifecycle.tools, runtimes=Runtimes(forms=forms))
    driver = replace(lifecycle.driver, contexts=replace(lifecycle.driver.contexts, here=here))
    lifecycle = replace(lifecycle, driver=driver)
    ledger = world.services.deployments._ledger
    unchanged = Unchanged(world.services.db.version)
    failback = ApplicationFailback(lifecycle=lifecycle, ledger=ledger, window=NONE, unchanged=unchanged)
    return ApplicationReconciler(
        host_id=host_id,
        lifecycle=lifecycle,
        replaced=lambda release_id: ReplacedRelease(failback=failback, release_id=release_id, watch_time=NONE),
        ledger=ledger,
        watch_time=NONE,
        troubles=world.services.troubles,
    )
