"""Services that exchange their hosts while the edge is away: it leads by all of them once it is there again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from headway.core.deployments.model import SubjectType
from headway.drivers.edge.edge import Edge
from headway.features.edge import domains_store
from headway.features.edge.domains_model import EdgeFacts
from headway.features.edge.domains_model import generated as own_domain
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application.routing import ApplicationRouting
from headway.features.services.edges import ServiceEdge, ServiceEdges
from headway.features.services.model import APPLICATIONS, ReleaseState
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route, Upstream, Way
from headway.kernel.ids import new_id
from tests.integration.http.test_compose import compose
from tests.integration.http.world import World
from tests.integration.runtimes.bench import free_port

pytestmark = pytest.mark.slow
PORT = 4100


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    """An edge beside that of the panel, which hears of no change before it is told."""
    made = Edge(tmp_path / "edge", host="127.0.0.1", port=free_port())
    yield made
    await made.shut_down()


def routing_at(world: World, edge: Edge) -> ApplicationRouting:
    return replace(world.services.applications.lifecycle.tools.routing, edge=edges_at(world, edge))


def edges_at(world: World, edge: Edge) -> ServiceEdges:
    return ServiceEdges(
        db=world.services.db,
        here=cast("ServiceEdge", edge),
        here_id="local",
        there=lambda _host: cast("ServiceEdge", edge),
    )


async def led(world: World, routing: ApplicationRouting, name: str) -> str:
    """An application that serves and is led to by what its rows say."""
    application_id = await world.application(name)
    release_id = await world.release(application_id, state=ReleaseState.STARTING, port=PORT)
    await world.services.db.run(lambda tx: releases_store.make_serving(tx, application_id, release_id))
    await routing.lead(application_id, release_id)
    return application_id


async def hosts(edge: Edge, *application_ids: str) -> list[set[str]]:
    routes = await edge.routes()
    return [{way.host for way in routes[each].ways} for each in application_ids]


def generated(route: Route | None) -> str:
    assert route is not None
    (way,) = route.ways
    return way.host


async def domain(world: World, application_id: str, host: str) -> str:
    made = await world.post("domain.create", applicationId=application_id, host=host)
    return str(made["domainId"])


def put(tx: Tx, application_id: str, host: str) -> None:
    """As a domain at a name that was given to another later."""
    front = services_store.front(tx, application_id, APPLICATIONS)
    assert front is not None
    facts = EdgeFacts(base_domain="localhost", port=80, https=None)
    made = own_domain(SubjectType.APPLICATION, application_id, front, facts)
    assert made is not None
    made = replace(made, domain_id=new_id(), wish=replace(made.wish, host=host), generated=False)
    assert domains_store.put(tx, made)


@pytest.mark.parametrize("count", [2, 3])
async def test_hosts_that_went_round_are_followed_whoever_comes_first(world: World, edge: Edge, count: int) -> None:
    routing = routing_at(world, edge)
    names = [f"{each}.example" for each in "xyz"[:count]]
    ids = [await led(world, routing, f"app{at}") for at in range(count)]
    made = [await domain(world, each, host) for each, host in zip(ids, names, strict=True)]
    for each in ids:
        await routing.settle(each)
    for each in made:
        await world.post("domain.delete", domainId=each)
    wanted = [*names[1:], names[0]]
    for each, host in zip(ids, wanted, strict=True):
        await domain(world, each, host)
    for each in ids:
        await routing.catch_up(each)
    assert routing.behind == set()
    assert [host in found for host, found in zip(wanted, await hosts(edge, *ids), strict=True)] == [True] * count


async def test_two_that_have_one_host_each_exchange_them_and_are_never_without_a_route(
    world: World, edge: Edge
) -> None:
    routing = routing_at(world, edge)
    one, other = await led(world, routing, "one"), await led(world, routing, "other")
    first, second = generated(await edge.route(one)), generated(await edge.route(other))
    for each, host in ((one, second), (other, first)):
        await world.services.db.run(partial(put, application_id=each, host=host))
    serving = await edge.route(other)
    await routing.settle(one)
    assert await hosts(edge, one) == [{second}]
    parked = await edge.route(other)
    assert serving is not None
    assert parked is not None
    assert (parked.release_id, parked.upstreams) == (serving.release_id, serving.upstreams), (
        "it is known where it leads"
    )
    await routing.settle(other)
    assert await hosts(edge, one, other) == [{second}, {first}]


async def test_a_deploy_leads_by_a_host_that_another_has_given_up(world: World, edge: Edge) -> None:
    routing = routing_at(world, edge)
    one, other = await led(world, routing, "one"), await led(world, routing, "other")
    made = await domain(world, other, "x.example")
    await routing.settle(other)
    await world.post("domain.delete", domainId=made)
    await domain(world, one, "x.example")
    release_id = await world.release(one, state=ReleaseState.STARTING, port=PORT + 1)
    assert await routing.lead(one, release_id) is not None
    assert ["x.example" in found for found in await hosts(edge, one, other)] == [True, False]


async def test_a_compose_service_has_the_host_that_an_application_has_given_up(world: World, edge: Edge) -> None:
    routing = routing_at(world, edge)
    composes = replace(world.platform.features.composes.routing, edge=edges_at(world, edge))
    other, compose_id = await led(world, routing, "other"), await compose(world)
    made = await domain(world, other, "x.example")
    await routing.settle(other)
    await world.post("domain.delete", domainId=made)
    led_to = {"composeId": compose_id, "serviceName": "web", "port": 80}
    await world.post("domain.create", host="x.example", domainType="compose", **led_to)
    way = Way(host="x.example")
    route = Route(
        application_id=compose_id, app_name=compose_id, release_id="r1", ways=(way,), upstreams=(Upstream(port=PORT),)
    )
    assert await composes._lead(compose_id, lambda _tx: route) == route
    assert ["x.example" in found for found in await hosts(edge, compose_id, other)] == [True, False]


async def test_a_route_without_a_service_goes_and_that_of_another_kind_stays(
    world: World, edge: Edge, caplog: pytest.LogCaptureFixture
) -> None:
    routing = routing_at(world, edge)
    stays, compose_id = await led(world, routing, "stays"), await compose(world)
    for name in (compose_id, "gone"):
        way = Way(host=f"{name.lower().strip('_-')}.example")
        await edge.set_route(
            Route(application_id=name, app_name=name, release_id="r1", ways=(way,), upstreams=(Upstream(port=PORT),))
        )
    await routing.look_at_all(cast("ServiceEdge", edge))
    assert (await edge.routes()).keys() == {stays, compose_id}
    assert "a route of no service was taken away: gone" in caplog.text
    assert routing.behind == set()
