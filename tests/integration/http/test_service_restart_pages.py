"""Restarting what hangs, from the pages of a service and from the palette: nothing is built, and nothing is queued."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from headway.features.home.pages.palette import PAGE as PALETTE
from headway.features.services.model import ReleaseState
from headway.features.services.pages.service import PAGE as ONE
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from tests.integration.http.page_visits import person
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World


async def test_what_is_up_can_be_restarted_also_by_a_member(world: World) -> None:
    application, _, _ = await serving(world)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[application])
    for name in ("owner", "member"):
        seen = await (await person(world, name)).see(ONE, "standing", {"serviceId": application})
        assert seen.links["Restart"] == f"/services/{application}/reload-application", name
    ann = await person(world)
    found = await ann.see(PALETTE, "found", text="restart api")
    assert f"/services/{application}/reload-application" in found.links.values()

    question = await ann.asked(ONE, "reload-application", serviceId=application)
    assert question.title == "Restart “api”?"
    assert any("nothing is built" in each for each in question.consequences)
    await world.deploy(application)
    await world.claim()
    with pytest.raises(Conflict, match="being deployed, which starts it anew"):  # which restarting alone says
        await ann.send(ONE, "reload-application", serviceId=application)


async def test_a_database_that_is_up_can_be_restarted(world: World) -> None:
    given = {"databaseName": "shop", "databaseUser": "shop", "databasePassword": "s" * 16}
    made = await world.post("postgres.create", name="store", environmentId=await world.environment(), **given)
    database_id = made["postgresId"]
    ann = await person(world)
    assert "Restart" not in (await ann.see(ONE, ids={"serviceId": database_id})).links, "nothing of it serves yet"
    release = await world.release(database_id, runtime="container", state=ReleaseState.SERVING)

    def serve(tx: Tx) -> None:
        of_it = services.c.service_id == database_id
        tx.execute(update(services).where(of_it).values(wanted="up", status="done", serving_release_id=release))

    await world.services.db.run(serve)
    seen = await ann.see(ONE, "standing", {"serviceId": database_id})
    assert seen.links["Restart"] == f"/services/{database_id}/reload-postgres"


async def test_what_is_not_wanted_up_is_started_and_not_restarted(world: World) -> None:
    application, _, _ = await serving(world)
    of_it = services.c.service_id == application
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(wanted="down")))
    seen = await (await person(world)).see(ONE, "standing", {"serviceId": application})
    assert ("Start" in seen.links, "Restart" in seen.links) == (True, False)
