"""The keeper of applications, one round of it by itself, with real processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.contract.runtime_set import Runtimes
from headway.features.servers.store import servers_in_use
from headway.features.services.application import store
from headway.features.services.application.reconciler import ApplicationReconciler
from headway.features.services.releases_store import make_serving, set_fields
from headway.infra.db.transaction import Tx
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
            await keeper_with(world, {"native": runtime}).keep_round()
        assert await runtime.known() == {first, second}
    assert (meet / "ok").exists()


@pytest.mark.slow
async def test_an_application_whose_route_cannot_be_read_keeps_no_other_from_being_kept(
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
        await keeper.keep_round()
        await keeper.keep_round()
        assert await runtime.known() == {old, first, second}
    assert caplog.text.count("does not hold what Headway writes") == 1, "each round meets it again: once is enough"


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


async def served(world: World, name: str, count: int) -> list[str]:
    """So many releases of a new application, of which the last serves, and the drain of the others is over."""
    application_id = await world.application(name)
    releases = [await world.release(application_id) for _ in range(count)]
    for each in releases:
        await world.services.db.run(partial(make_serving, service_id=application_id, release_id=each, drain=NONE))
    return releases


def keeper_with(world: World, forms: Mapping[str, Runtime], host_id: str = "local") -> ApplicationReconciler:
    """One of a host, for which these runtimes are those of this machine."""
    lifecycle = world.services.applications.lifecycle
    here = replace(lifecycle.tools, runtimes=Runtimes(forms=forms))
    driver = replace(lifecycle.driver, contexts=replace(lifecycle.driver.contexts, here=here))
    lifecycle = replace(lifecycle, driver=driver)
    return ApplicationReconciler(
        host_id=host_id,
        lifecycle=lifecycle,
        ledger=world.services.deployments._ledger,
        watch_time=NONE,
        troubles=world.services.troubles,
    )
