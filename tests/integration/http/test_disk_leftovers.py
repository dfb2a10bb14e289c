"""Which images of an engine nothing needs, and whose they are, told by the rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from headway.core.deployments.status import Status
from headway.features.disk import store
from headway.features.disk.leftovers import Leftovers
from headway.features.disk.model import DiskServer, ServiceUsage
from headway.features.disk.rounds import Chosen, Round
from headway.infra.docker.usage import EngineUsage, HeldImage
from headway.infra.panel.names import name_on
from tests.integration.http.world import World, open_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A panel on a machine without an engine."""
    async with open_world(tmp_path / "data", HEADWAY_DOCKER_HOST=f"unix://{tmp_path / 'no.sock'}") as opened:
        yield opened


def image(number: int, *names: str, used: bool = False, **labels: str) -> HeldImage:
    labelled = {f"headway.{name}": value for name, value in labels.items()}
    return HeldImage(image_id=f"sha256:{number:064d}", names=names, labels=labelled, layers=(), is_used=used)


def holding(*images: HeldImage) -> EngineUsage:
    return EngineUsage(images=images, containers=(), volumes=(), cache=(), root="/", engine_id="e")


async def left(world: World, *images: HeldImage) -> set[str]:
    found = await world.services.disk.cleaning.engine.leftovers.of(holding(*images), "local")
    return {each.reference for each in found}


async def test_what_a_deployment_makes_is_needed_until_it_has_ended_without_a_release(world: World) -> None:
    panel, application_id = world.platform.data_dir.panel_id, await world.application("shop")
    kept = await world.release(application_id)
    deployment_id = await world.deploy(application_id)
    lease = await world.claim()
    on_server = name_on(panel, "a-server")
    made, of_kept = f"headway-{on_server}/shop:r-{deployment_id}", f"headway-{panel}/shop:r-{kept}"
    nameless = image(2, panel=on_server, application=application_id)
    engine = (
        image(1, made),
        nameless,
        image(3, of_kept),
        image(4, "headway-other/shop:r-gone", "mine:1", "headway-compose/shop/web:gone"),
        image(5, used=True, panel=panel),
        image(6, panel="other"),
    )
    assert await left(world, *engine) == set()
    await world.end(lease, Status.ERROR, "it failed")
    assert await left(world, *engine) == {made, nameless.image_id}


async def test_a_copy_of_what_is_released_elsewhere_goes_where_that_is_another_engine(
    world: World,
) -> None:
    panel, application_id = world.platform.data_dir.panel_id, await world.application("shop")
    name = f"headway-{panel}/shop:r-{await world.release(application_id)}"
    database = world.services.db

    async def found(engine_of_its_host: str | None, on: str = "a-build-server") -> list[str]:
        async def engine_of(host_id: str) -> str | None:
            return engine_of_its_host if host_id == "local" else None

        leftovers = Leftovers(db=database, panel_id=panel, engine_of=engine_of)
        return [each.reference for each in await leftovers.of(holding(image(1, name)), on)]

    assert await found("another") == [name]
    assert await found("e") == [], "both hosts have one engine"
    assert await found(None) == [], "its host is away"
    assert await found("another", on="local") == [], "it is released there"
    await world.deploy(application_id)
    await world.claim()
    assert await found("another") == [], "something is being deployed"


async def test_what_is_of_no_service_any_more_goes_with_the_server_that_it_was_made_for(world: World) -> None:
    panel, mine = world.platform.data_dir.panel_id, await world.application("shop")
    other = await world.application("other")
    known = {name: await called(world, id_) for name, id_ in (("shop", mine), ("other", other))} | {"gone": "gone"}
    here = world.services.disk.cleaning.here
    server = DiskServer(server_id="a-server", name="s", organization_id="o")
    names = {name: f"headway-{name_on(panel, 'a-server')}/{on_machine}:r-gone" for name, on_machine in known.items()}
    names["of the panel's machine"] = f"headway-{panel}/away:r-gone"
    engine = holding(*(image(number, name) for number, name in enumerate(names.values())))
    services = await world.services.db.read(store.services)

    async def going(*, on: DiskServer | None, everything: bool = False) -> set[str]:
        def is_chosen(service: ServiceUsage) -> bool:
            return everything or service.service_id == mine

        there = replace(here, panel_id=name_on(panel, "a-server") if on else panel)
        chosen = Chosen(service=is_chosen, server=lambda _: True, everything=everything)
        round_ = Round(there, engine, on, services, chosen, dry=True)
        return {each.name async for each in world.services.disk.cleaning.engine.clean(round_)}

    assert await going(on=server) == {names["shop"], names["gone"]}
    assert await going(on=None) == {names["shop"]}
    assert await going(on=server, everything=True) == {*names.values()}


async def called(world: World, application_id: str) -> str:
    """The name of an application on its machine."""
    return str((await world.get("application.one", applicationId=application_id))["appName"])
