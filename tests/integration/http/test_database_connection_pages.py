"""What the page of a database says of how to connect to it, and to whom; its password is not among it."""

from __future__ import annotations

from typing import Any

from headway.features.services.pages.service import PAGE as ONE
from tests.integration.http.page_visits import person
from tests.integration.http.world import World

SECRET = "swordfish-of-the-shop"
GIVEN = {"databaseName": "shop", "databaseUser": "keeper", "databasePassword": SECRET}
TITLE = "How to connect"


async def made(world: World, kind: str = "postgres", **given: Any) -> Any:  # noqa: ANN401 - a row of the wire
    return await world.post(f"{kind}.create", name="the store", environmentId=await world.environment(), **given)


async def test_it_says_where_it_is_reached_and_by_what_name(world: World) -> None:
    row = await made(world, **GIVEN, externalPort=15432)
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[row["databaseId"]])
    for name in ("owner", "member"):
        seen = await (await person(world, name)).see(ONE, ids={"serviceId": row["databaseId"]})
        assert f"postgresql://keeper:PASSWORD@{row['appName']}:5432/shop" in seen.text, name
        assert "postgresql://keeper:PASSWORD@127.0.0.1:15432/shop" in seen.text, name
        assert "headway databases show 'the store'" in seen.text
        assert SECRET not in seen.html
        is_owner = name == "owner"
        assert ("Change its password" in seen.links, "Change the port" in seen.links) == (is_owner, is_owner)


async def test_without_a_port_of_the_machine_it_says_how_to_have_one(world: World) -> None:
    row = await made(world, **GIVEN)
    seen = await (await person(world)).see(ONE, ids={"serviceId": row["databaseId"]})
    assert "no port of the machine leads to it" in seen.text
    assert seen.links["Open a port"] == f"/services/{row['databaseId']}/settings/ports-postgres"
    await world.post("postgres.update", postgresId=row["databaseId"], externalPort=15432, externalAddress="0.0.0.0")  # noqa: S104
    seen = await (await person(world)).see(ONE, ids={"serviceId": row["databaseId"]})
    assert "postgresql://keeper:PASSWORD@HOST:15432/shop" in seen.text


async def test_each_kind_has_an_address_of_its_own_and_one_elsewhere_that_of_its_host(world: World) -> None:
    ann = await person(world)
    cache = await made(world, "redis", databasePassword=SECRET)
    seen = await ann.see(ONE, ids={"serviceId": cache["databaseId"]})
    assert f"redis://default:PASSWORD@{cache['appName']}:6379" in seen.text
    billing = await made(world, **GIVEN, connection={"host": "db.example", "port": 5433})
    seen = await ann.see(ONE, ids={"serviceId": billing["databaseId"]})
    assert "postgresql://keeper:PASSWORD@db.example:5433/shop" in seen.text
    assert ("Where it runs" in seen.text, "In its project" in seen.text) == (True, False)
    assert SECRET not in seen.html


async def test_other_services_have_no_such_part(world: World) -> None:
    ann = await person(world)
    of_database = await ann.see(ONE, ids={"serviceId": (await made(world, **GIVEN))["databaseId"]})
    assert TITLE in of_database.text
    seen = await ann.see(ONE, ids={"serviceId": await world.application("api")})
    assert TITLE not in seen.text
