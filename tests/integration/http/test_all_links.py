"""The links to all deployments: what is told of each, and to whom."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from sqlalchemy import func, select, update

from headway.core.access import store
from headway.core.access.model import Grants, Role, Scope, Terms
from headway.infra.db.tables.deployment_links import deployment_links
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.transaction import Tx
from tests.integration.http.test_deployment_links import end, linked
from tests.integration.http.world import World, add_person, client_with


async def _all(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/deployment.allLinks")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _ids(client: httpx.AsyncClient) -> list[str]:
    return [each["linkId"] for each in (await _all(client))["links"]]


async def _elsewhere(world: World, name: str) -> tuple[str, str]:
    """A service in a project of its own: that project, and a deployment of it."""
    made = await world.post("project.create", name=name)
    environment_id = made["environment"]["environmentId"]
    service = await world.post("application.create", name=name, environmentId=environment_id)
    return made["project"]["projectId"], await world.ended(service["applicationId"])


async def test_each_is_told_with_its_deployment_and_service_the_newest_first(world: World) -> None:
    shop = await world.application("shop")
    first = await linked(world, await world.ended(shop))
    await asyncio.sleep(0.002)  # they are told apart by when they were made
    second = await linked(world, await world.deploy(shop, title="Prices"), expiresIn=3_600)

    found = await _all(world.owner)

    environment = (await world.get("application.one", applicationId=shop))["environment"]
    where = {"environmentId": environment["environmentId"], "name": environment["name"]}
    project = {name: environment["project"][name] for name in ("projectId", "name")}
    of_it = {"serviceId": shop, "serviceName": "shop", "environment": {**where, "project": project}}
    titles = [(await world.get("deployment.one", deploymentId=first["deploymentId"]))["title"], "Prices"]
    listed = [
        {**{name: link[name] for name in link if name != "token"}, **of_it, "title": title}
        for link, title in zip((first, second), titles, strict=True)
    ]
    assert found == {"allowed": True, "links": listed[::-1]}


async def test_what_has_ended_or_was_revoked_is_told_no_more(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    revoked, left = await linked(world, deployment_id), await linked(world, deployment_id)
    await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=revoked["linkId"])
    assert await _ids(world.owner) == [left["linkId"]]
    await end(world)
    assert await _ids(world.owner) == []


async def test_one_that_opens_nothing_now_is_told_so_and_can_be_revoked(world: World) -> None:
    deployment_id = await world.ended(await world.application())
    owner = await world.get("user.get")

    user_id, _ = await world.services.db.run(lambda tx: add_person(tx, "ada", owner["organizationId"], Role.MEMBER))
    given, taken = await linked(world, deployment_id), await linked(world, deployment_id)
    of_ada = update(deployment_links).where(deployment_links.c.link_id == taken["linkId"]).values(user_id=user_id)
    await world.services.db.run(lambda tx: tx.execute(of_ada))

    found = {each["linkId"]: (each["madeBy"], each["open"]) for each in (await _all(world.owner))["links"]}

    assert found == {given["linkId"]: ("Owner", True), taken["linkId"]: ("ada", False)}
    await world.post("deployment.removeLink", deploymentId=deployment_id, linkId=taken["linkId"])
    assert await _ids(world.owner) == [given["linkId"]]


async def test_everybody_is_told_of_what_they_may_see_and_of_nothing_else(world: World) -> None:
    shop = await world.application("shop")
    of_shop = await linked(world, await world.ended(shop))
    beside = await linked(world, await world.ended(await world.application("blog")))
    project_id, deployment_id = await _elsewhere(world, "secret-project")
    of_other = await linked(world, deployment_id)
    owner, every = await world.get("user.get"), {of_shop["linkId"], beside["linkId"], of_other["linkId"]}

    def give(tx: Tx) -> None:
        for name, grants in (
            ("of-a-service", Grants(services=frozenset({shop}))),
            ("of-a-project", Grants(projects=frozenset({project_id}))),
        ):
            _, member_id = add_person(tx, name, owner["organizationId"], Role.MEMBER)
            store.give(tx, member_id, grants)
        terms = Terms(scopes=frozenset({Scope.READ}), projects=frozenset({project_id}))
        whose = {"user_id": owner["userId"], "organization_id": owner["organizationId"]}
        store.add_key(tx, "narrow".ljust(64, "-"), name="narrow", terms=terms, **whose)

    await world.services.db.run(give)
    assert set(await _ids(world.owner)) == every
    assert await _ids(world.member) == []
    answer = await world.stranger.get("/deployment.allLinks")
    assert answer.json()["links"] == [], "another organisation has none of these"
    assert "secret-project" not in answer.text
    for name, link in (("of-a-service", of_shop), ("of-a-project", of_other), ("narrow", of_other)):
        async with client_with(world.app, name.ljust(64, "-")) as client:
            assert await _ids(client) == [link["linkId"]], name
    assert (await world.nobody.get("/deployment.allLinks")).status_code == 401


async def test_a_deployment_of_no_service_is_told_without_one(world: World) -> None:
    link = await linked(world, await world.ended(await world.application("shop")))
    of_it = deployments.c.deployment_id == link["deploymentId"]
    kind = {"subject_type": "schedule", "kind": "schedule.run"}
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(of_it).values(**kind)))
    (row,) = (await _all(world.owner))["links"]
    assert (row["serviceId"], row["serviceName"], row["environment"]) == (None, None, None)


async def test_it_tells_no_token_and_changes_nothing(world: World) -> None:
    link = await linked(world, await world.ended(await world.application()))
    text = (await world.owner.get("/deployment.allLinks")).text
    count = await world.services.db.read(lambda tx: tx.scalar(select(func.count()).select_from(deployment_links)))
    assert (link["token"] in text, "digest" in text, count) == (False, False, 1)
