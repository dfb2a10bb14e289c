"""Parts that are kept are what they would be if they were made anew, to everybody, and are made once for many."""

from __future__ import annotations

from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy import update

from headway.core.access import store as access_store
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from headway.web.app import Web
from headway.web.entrance import Entrance
from tests.integration.http.callers import CALLERS, admit_callers, give
from tests.integration.http.world import World
from tests.integration.web.browsers import signed_in

PEOPLE = ("Owner", "admin", "in-project", "in-service", "member", "stranger")
KEPT = {
    ("/deployments", "rows"),
    ("/home", "under-way"),
    ("/services", "list"),
    ("/services/{serviceId}", "deployments"),
}


def web_of(world: World) -> Web:
    """What shows its pages, which is loaded."""
    entrance = world.app.router.default
    assert isinstance(entrance, Entrance)
    assert entrance._app is not None
    return entrance._app


async def commit(world: World) -> None:
    """Something of no consequence is committed: nothing that was kept before is any more."""
    await world.services.db.run(lambda tx: access_store.add_organization(tx, "another"))


async def parts_of(client: httpx.AsyncClient, paths: list[str]) -> dict[str, tuple[int, str]]:
    found = {}
    for path in paths:
        answer = await client.get(path)
        found[path] = (answer.status_code, answer.text)
    return found


@pytest.mark.slow
async def test_everybody_is_shown_what_would_be_made_for_them(world: World) -> None:
    application_id = await world.application()
    project_id = (await world.get("application.one", applicationId=application_id))["environment"]["projectId"]
    await world.ended(await world.application("other"))
    ended_id = await world.ended(application_id)
    waiting_id = await world.deploy(application_id)
    members = await admit_callers(world)
    for name in ("member of the project", "member with the service"):
        await give(world, members[CALLERS[name]], CALLERS[name], project_id, application_id)
    paths = ["/deployments/-/rows", "/deployments/-/rows?status=pending", "/home/-/under-way", "/services/-/list"]
    paths += [f"/deployments/{each}/-/{part}" for each in (ended_id, waiting_id) for part in ("state", "steps")]
    paths += [f"/services/{application_id}/-/{part}" for part in ("standing", "deployments")]
    async with AsyncExitStack() as stack:
        clients = {name: await stack.enter_async_context(signed_in(world, name)) for name in PEOPLE}
        anew: dict[str, dict[str, tuple[int, str]]] = {}
        for name, client in clients.items():
            anew[name] = {}
            for path in paths:
                await commit(world)
                anew[name] |= await parts_of(client, [path])
        kept = [
            {name: await parts_of(clients[name], paths) for name in order} for order in (PEOPLE, PEOPLE[::-1], PEOPLE)
        ]
    assert kept == [anew, anew, anew]
    assert anew["Owner"] != anew["in-service"] != anew["member"]
    assert {status for status, _ in anew["stranger"].values()} == {200, 404}


async def test_which_parts_are_kept(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    ids = {"{deploymentId}": deployment_id, "{serviceId}": application_id}
    async with signed_in(world) as client:
        for path, part in KEPT | {
            ("/home", "failed"),
            ("/deployments/{deploymentId}", "state"),
            ("/deployments/{deploymentId}", "log"),
        }:
            address = path
            for name, value in ids.items():
                address = address.replace(name, value)
            for _ in range(3):  # of which the first tells what it is made of
                assert (await client.get(f"{address}/-/{part}")).status_code == 200
        kept = {(str(key[0]), str(key[1])) for key in _keys(world)}
    assert kept == KEPT


async def test_a_change_that_is_committed_is_shown_whoever_made_it(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    path = f"/deployments/{deployment_id}/-/state"

    def mark(tx: Tx) -> None:
        of_it = deployments.c.deployment_id == deployment_id
        tx.execute(update(deployments).where(of_it).values(unstable=True))

    async with signed_in(world) as client:
        first = await client.get(path)
        assert (await client.get(path)).headers["etag"] == first.headers["etag"]
        known = {"if-none-match": first.headers["etag"]}
        assert (await client.get(path, headers=known)).status_code == 304
        await commit(world)
        assert (await client.get(path, headers=known)).status_code == 304
        await world.services.db.run(mark)
        again = await client.get(path, headers=known)
        assert (again.status_code, "unstable" in again.text, "unstable" in first.text) == (200, True, False)


def _keys(world: World) -> list[tuple[object, ...]]:
    return [key for key in web_of(world)._parts._kept._kept if isinstance(key, tuple)]
