"""A text of variables that is saved on the word of what was read: what others saved meanwhile is not lost."""

from __future__ import annotations

import asyncio

import pytest

from headway.kernel.veil import MARK
from tests.integration.http.world import Json, World

A_DATABASE = {"databaseName": "shop", "databaseUser": "shop", "databasePassword": "s" * 16}
SAVES = {
    "application": "application.saveEnvironment",
    "compose": "compose.saveEnvironment",
    "postgres": "postgres.saveEnvironment",
    "project": "project.update",
    "environment": "environment.update",
}


async def id_of(world: World, kind: str) -> Json:
    """Something new of the kind, by the name of its id."""
    made = await world.post("project.create", name="bench")
    place = {"environmentId": made["environment"]["environmentId"]}
    match kind:
        case "project":
            return {"projectId": made["project"]["projectId"]}
        case "environment":
            return place
        case _:
            given = A_DATABASE if kind == "postgres" else {}
            row = await world.post(f"{kind}.create", name="shop", **place, **given)
            return {f"{kind}Id": row[f"{kind}Id"]}


@pytest.mark.parametrize("kind", SAVES)
async def test_what_was_read_has_to_be_what_is_kept(world: World, kind: str) -> None:
    ids = await id_of(world, kind)

    async def kept() -> str:
        env: str = (await world.get(f"{kind}.one", **ids))["env"]
        return env

    read = await kept() or ""
    await world.post(SAVES[kind], **ids, env="THEIRS=1\n", envWas=read)
    late = await world.owner.post(f"/{SAVES[kind]}", json={**ids, "env": "MINE=2\n", "envWas": read})
    assert (late.status_code, "changed meanwhile" in late.text) == (409, True), late.text
    assert "x-headway-ignored" not in late.headers
    assert await kept() == "THEIRS=1\n"
    await world.post(SAVES[kind], **ids, env="THEIRS=1\nMINE=2\n", envWas="THEIRS=1\n")
    assert await kept() == "THEIRS=1\nMINE=2\n"
    await world.post(SAVES[kind], **ids, env="ALL=3\n")  # as clients do that know of no such field
    assert await kept() == "ALL=3\n"


async def test_a_mark_for_what_is_gone_since_is_no_made_up_one(world: World) -> None:
    ids = await id_of(world, "application")
    await world.post("application.saveEnvironment", **ids, env="PASSWORD=planted\n")
    await world.post("application.saveEnvironment", **ids, env="OTHER=2\n")
    sent = {**ids, "env": f"PASSWORD={MARK}\nMINE=1\n", "envWas": "PASSWORD=planted\n"}
    late = await world.owner.post("/application.saveEnvironment", json=sent)
    assert (late.status_code, "changed meanwhile" in late.text) == (409, True), late.text
    assert (await world.get("application.one", **ids))["env"] == "OTHER=2\n"


async def test_of_many_that_change_one_variable_each_at_the_same_time_none_is_lost(world: World) -> None:
    ids = await id_of(world, "application")
    tries: list[int] = []

    async def add(name: str) -> None:
        while True:
            env = (await world.get("application.one", **ids))["env"]
            sent = {**ids, "env": f"{env}{name}=1\n", "envWas": env}
            tries.append((await world.owner.post("/application.saveEnvironment", json=sent)).status_code)
            if tries[-1] == 200:
                return

    await asyncio.gather(*(add(f"V{number}") for number in range(6)))
    assert 409 in tries, "they have met"
    env = (await world.get("application.one", **ids))["env"]
    assert sorted(env.split()) == [f"V{number}=1" for number in range(6)]
