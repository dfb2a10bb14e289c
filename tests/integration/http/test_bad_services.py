"""What breaks with one service or release, where nobody foresaw it, keeps the keepers of a host from no other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import delete, select, update

from headway.core.engine.host_work import ByHost
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.features.servers.service_reconciler import ServerReconciler
from headway.features.services import store
from headway.features.services.application import store as application_store
from headway.features.services.application.loopback_memory import look_back
from headway.features.services.application.model import Application
from headway.features.services.application.port_guard import Guard
from headway.features.services.application.reconciler import ApplicationReconciler
from headway.features.services.application.routing import ApplicationRouting
from headway.features.services.model import Release, ReleaseState
from headway.features.services.reconciler import ServiceReconciler
from headway.infra.db.tables.backups import backups
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host, HostUnreachable
from headway.kernel.errors import Unavailable
from tests.integration.http.backup_rows import backed_up
from tests.integration.http.test_bad_items import loop, rounds, shown
from tests.integration.http.test_bad_rows import damage
from tests.integration.http.test_keeper import keeper_with, served, whole_round
from tests.integration.http.test_spare import compose_service
from tests.integration.http.world import World
from tests.integration.runtimes.bench import make_runtime, open_folder, opened

Json = Any


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@dataclass(frozen=True)
class Breaking:
    """A runtime that breaks at what is done with one release."""

    runtime: Runtime
    release_id: str

    def __getattr__(self, name: str) -> Json:
        return getattr(self.runtime, name)

    async def remove(self, release_id: str) -> None:
        if release_id == self.release_id:
            raise KeyError(release_id)
        await self.runtime.remove(release_id)


@dataclass
class Edges:
    """The routing of applications, which breaks at some."""

    routing: ApplicationRouting
    broken: set[str]
    removed: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Json:
        return getattr(self.routing, name)

    async def lead_away(self, release: Release) -> bool:
        if release.service_id in self.broken:
            raise KeyError(release.service_id)
        self.removed.append(release.service_id)
        return await self.routing.lead_away(release)


@pytest.mark.parametrize("kind", ["application", "compose"])
async def test_a_deletion_that_cannot_be_finished_keeps_no_other_from_it(world: World, kind: str) -> None:
    made = []
    for name in ("damaged", "well"):
        given = {"name": name, "environmentId": await world.environment(name)}
        made.append((await world.post(f"{kind}.create", **given))[f"{kind}Id"])
        await world.services.db.run(lambda tx, id_=made[-1]: store.begin_deletion(tx, id_))  # type: ignore[misc]
    await damage(world, made[0])
    name = {"application": "keeper", "compose": "compose keeper"}[kind]
    keeper = cast("ServiceReconciler[Any, Any]", loop(world, name)._work.__self__)  # type: ignore[attr-defined]
    await keeper.finish_deletions()
    left = await world.services.db.read(lambda tx: tx.execute(select(services.c.service_id)).scalars().all())
    assert left == [made[0]]
    assert list(await shown(world)) == [f"services {made[0]} that goes"]


@pytest.mark.parametrize("gone", ["the service", "its server"])
async def test_what_could_not_be_done_where_nothing_is_any_more_is_no_trouble(world: World, gone: str) -> None:
    application_id = await world.application()
    await world.services.db.run(lambda tx: store.begin_deletion(tx, application_id))
    await damage(world, application_id)
    keeper = keeper_with(world, {})
    in_use = ["local"]
    hosts = cast("dict[str, Host]", {})  # as where the server was removed
    far = ServerReconciler(db=world.services.db, hosts=hosts, in_use=lambda _tx: in_use, keeper=lambda _id: keeper)
    await far._keep("local")
    assert list(await shown(world)) == [f"services {application_id} that goes"]
    if gone == "the service":
        await world.services.db.run(lambda tx: tx.execute(delete(services)))
        await far._keep("local")
    else:
        in_use.clear()
        await far.keep_round()
    assert await shown(world) == {}


async def start(world: World, application_id: str) -> None:
    """Somebody has started it."""
    await want(world, application_id, await world.kept(application_id, state=ReleaseState.SERVING))


async def want(world: World, application_id: str, release_id: str) -> None:
    """The application is to run, with that release."""

    def write(tx: Tx) -> None:
        values = {"wanted": "up", "status": "running", "serving_release_id": release_id}
        tx.execute(update(services).where(services.c.service_id == application_id).values(**values))

    await world.services.db.run(write)


async def statuses(world: World, *application_ids: str) -> list[str]:
    """How they are, whatever can be read of them."""
    found = select(services.c.service_id, services.c.status)
    rows = {row.service_id: row.status for row in await world.services.db.read(lambda tx: tx.execute(found).all())}
    return [rows[each] for each in application_ids]


@pytest.mark.slow
async def test_a_release_that_cannot_be_ended_and_a_service_that_cannot_be_read_keep_no_other_from_being_seen(
    world: World, folder: Path
) -> None:
    (broken, _) = await served(world, "shop", 2)
    damaged, well = [await world.application(name) for name in ("damaged", "well")]
    for each in (damaged, well):
        await start(world, each)
    await damage(world, damaged)
    async with opened(make_runtime(folder)) as runtime:
        keeper = keeper_with(world, {"native": cast("Runtime", Breaking(runtime, broken))})
        keeper._starts._since.update({damaged: -1e9, well: -1e9})
        assert await whole_round(keeper) > 0
    assert await statuses(world, damaged, well) == ["error", "error"]
    assert f"services replaced release {broken}" in await shown(world)
    keeper._met.clear()
    await keeper._rest()
    assert await shown(world) == {}, "there is nothing more to be done with it"


@pytest.mark.slow
async def test_a_route_that_could_not_be_taken_away_is_taken_away_at_the_next_look(world: World, folder: Path) -> None:
    ones: dict[str, str] = {}
    for name in ("broken", "well"):
        ones[await world.application(name)] = ""
    for each in ones:
        release_id = ones[each] = await world.release(each, state=ReleaseState.SERVING)
        await want(world, each, release_id)

    class Usurped(Breaking):
        async def usurped(self) -> set[str]:
            return {*ones.values()}

    async with opened(make_runtime(folder)) as runtime:
        keeper = keeper_with(world, {"native": cast("Runtime", Usurped(runtime, ""))})
        lifecycle, (first, second) = keeper.lifecycle, ones
        edges = Edges(lifecycle.tools.routing, {first})
        shared = replace(lifecycle.tools.shared, routing=cast("ApplicationRouting", edges))
        here = replace(lifecycle.tools, shared=shared)
        driver = replace(lifecycle.driver, contexts=replace(lifecycle.driver.contexts, here=here))
        guard = Guard(
            host_id="local", lifecycle=replace(lifecycle, driver=driver), unstable=lambda _tx, _id, _why: None
        )
        with pytest.raises(KeyError):
            await guard.guard_round()
        assert edges.removed == [second]
        edges.broken.clear()
        await guard.guard_round()
        await guard.guard_round()
    assert [*dict.fromkeys(edges.removed)] == [second, first], "each look looks after those that were closed, too"


async def test_what_waits_on_a_host_for_another_reason_than_its_link_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [
        HostUnreachable("The server is away."),
        *(Unavailable("The engine is away.") for _ in range(3)),
        KeyError("nobody foresaw it"),
    ]

    async def work(_host_id: str) -> None:
        raise errors.pop(0)

    by_host = ByHost("keeper", work)
    while errors:
        by_host.start("far")
        await by_host._tasks["far"]
    said = [each.getMessage() for each in caplog.records if each.name.endswith("host_work")]
    assert said == ["keeper of host far waits: The engine is away.", "keeper of host far failed in a round"]


async def test_an_application_that_cannot_be_read_keeps_no_other_from_being_restored(world: World) -> None:
    damaged, older = [await world.application(name) for name in ("damaged", "older")]
    await damage(world, damaged)
    keeper = cast("ApplicationReconciler", loop(world, "restore")._work.__self__)  # type: ignore[attr-defined]
    lifecycle = keeper.lifecycle

    def read(tx: Tx) -> Application:
        return application_store.find(tx, older, lifecycle.vault)

    def as_of_an_earlier_version(tx: Tx) -> None:
        settings = read(tx).settings
        kept = store.kept(replace(settings, run=replace(settings.run, loopback=None)), lifecycle.vault)
        store.set_fields(tx, older, settings=kept)

    await world.services.db.run(as_of_an_earlier_version)
    await look_back(world.services.db, lifecycle.tools, lifecycle.vault)
    assert (await world.services.db.read(read)).settings.run.loopback == []


async def test_a_backup_that_cannot_be_read_keeps_no_other_from_being_cleared(world: World) -> None:
    compose = await compose_service(world)
    made = [(await backed_up(world, compose["composeId"], ["backup"]))["backup"] for _ in range(2)]
    await world.services.db.run(
        lambda tx: tx.execute(update(backups).where(backups.c.backup_id == made[0]).values(settings="{")).rowcount
    )
    of_panel = loop(world, "kept files")
    assert await of_panel._work() > 1
    assert list(await shown(world)) == [f"kept files backup {made[0]}"]
    await world.services.db.run(lambda tx: tx.execute(delete(backups).where(backups.c.backup_id == made[0])).rowcount)
    await rounds(of_panel, 1)
    assert await shown(world) == {}


@dataclass
class Unfollowed(Edges):
    """The routing of applications, of which each waits for its edge until as many are tried as are ``behind``."""

    behind: set[str] = field(default_factory=set)
    tried: list[str] = field(default_factory=list)
    all_tried: asyncio.Event = field(default_factory=asyncio.Event)

    async def catch_up(self, application_id: str) -> None:
        self.tried.append(application_id)
        if len(self.tried) == 2:
            self.all_tried.set()
        await self.all_tried.wait()
        if application_id in self.broken:
            raise KeyError(application_id)


async def test_an_edge_that_does_not_follow_holds_up_no_other_route_and_none_of_another_host(world: World) -> None:
    server_id = (await world.post("server.create", name="far", ipAddress="192.0.2.7"))["serverId"]
    broken, well = [await world.application(name) for name in ("broken", "well")]
    far = await world.application("far", serverId=server_id)
    keeper = keeper_with(world, {})
    edges = Unfollowed(keeper.lifecycle.tools.routing, {broken}, behind={broken, well, far})
    here = keeper.lifecycle.tools
    here = replace(here, shared=replace(here.shared, routing=cast("ApplicationRouting", edges)))
    driver = keeper.lifecycle.driver
    driver = replace(driver, contexts=replace(driver.contexts, here=here))
    keeper.lifecycle = replace(keeper.lifecycle, driver=driver)
    async with asyncio.timeout(10):
        await keeper._catch_up()
    assert sorted(edges.tried) == sorted([broken, well]), "a server's are tried by who looks after the server"
    assert list(await shown(world)) == [f"services route of {broken}"]
