"""``registry.*``: kept sealed, asked for real, never given back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from headway.infra.db.tables.registries import registries
from tests.integration.http.world import World

GIVEN = {
    "registryName": "ours",
    "registryUrl": "https://registry.example.org:5000/",
    "username": "keeper",
    "password": "s3cret-of-the-registry",
    "registryType": "cloud",
    "imagePrefix": "team",
}


async def test_a_registry_is_kept_and_shown_without_its_password(world: World) -> None:
    made = await world.post("registry.create", **GIVEN)
    assert made["registryUrl"] == "registry.example.org:5000"
    assert (made["registryName"], made["username"], made["imagePrefix"]) == ("ours", "keeper", "team")
    assert made["password"] == ""
    assert await world.get("registry.all") == [made]
    assert await world.get("registry.one", registryId=made["registryId"]) == made
    kept = await world.services.db.read(lambda tx: tx.execute(select(registries)).one())
    assert GIVEN["password"] not in str(kept)


async def test_what_is_not_sent_stays_the_password_too(world: World) -> None:
    made = await world.post("registry.create", **GIVEN)
    assert await world.post("registry.update", registryId=made["registryId"], registryName="theirs") is True
    changed = await world.get("registry.one", registryId=made["registryId"])
    assert changed == {**made, "registryName": "theirs"}
    opened = await world.services.db.read(
        lambda tx: world.services.registries.open(tx, made["registryId"], made["organizationId"])
    )
    assert (opened.password.reveal(), opened.username) == (GIVEN["password"], "keeper")


async def test_a_forgotten_registry_is_gone(world: World) -> None:
    made = await world.post("registry.create", **GIVEN)
    assert (await world.post("registry.remove", registryId=made["registryId"]))["registryId"] == made["registryId"]
    assert await world.get("registry.all") == []


@pytest.mark.parametrize("url", ["--all", "a b", "http://x/$(id)", "x;y"])
async def test_what_is_no_address_is_refused(world: World, url: str) -> None:
    answer = await world.owner.post("/registry.create", json={**GIVEN, "registryUrl": url})
    assert (answer.status_code, "no address of a registry" in answer.text) == (400, True)


async def test_without_an_engine_nobody_can_be_asked(world: World) -> None:
    answer = await world.owner.post("/registry.testRegistry", json=GIVEN)
    assert answer.status_code == 503
    assert "Docker engine of this machine does not answer" in answer.json()["message"]
