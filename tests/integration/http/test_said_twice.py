"""What a write says twice, and the second time otherwise: it is refused, and what known clients send is taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.http.test_ignored_fields import IGNORED
from tests.integration.http.world import World

Json = Any
DUMPED = {"databaseType": "postgres", "database": "d"}
INSIDE = {**DUMPED, "serviceName": "db", "composeId": "{compose}"}
REACHED = {**DUMPED, "connection": {"host": "203.0.113.9", "port": 1}, "environmentId": "{environment}"}
NIGHTLY = {"name": "n", "cronExpression": "30 4 * * *", "command": "true"}
KEPT = {"name": "v", "volumeName": "data", "turnOff": True}
MOUNTED = {"serviceId": "{application}", "mountPath": "/d"}
OF_THE_APPLICATION = {"applicationId": "{application}"}
NOT_CHOSEN = {"giteaId": None, "giteaOwner": None, "giteaRepository": None}


async def things_of(world: World) -> Mapping[str, str]:
    environment_id = await world.environment()
    of = {"environmentId": environment_id}
    login = {"databaseName": "d", "databaseUser": "u", "databasePassword": "p" * 16}
    return {
        "application": (await world.post("application.create", name="a", **of))["applicationId"],
        "compose": (await world.post("compose.create", name="c", **of))["composeId"],
        "environment": environment_id,
        "me": (await world.get("user.get"))["userId"],
        "postgres": (await world.post("postgres.create", name="d", **of, **login))["postgresId"],
    }


def _filled(given: Mapping[str, Json], things: Mapping[str, str]) -> dict[str, Json]:
    return {
        name: value.format_map(things) if isinstance(value, str) and value.startswith("{") else value
        for name, value in given.items()
    }


@pytest.mark.parametrize(
    ("procedure", "given", "told"),
    [
        ("backup.create", INSIDE | {"postgresId": "x"}, "which postgresId does not say"),
        ("backup.create", INSIDE | {"environmentId": "x", "userId": "x"}, "environmentId and userId does not say"),
        ("backup.create", INSIDE | {"backupType": "database"}, "or send compose"),
        ("backup.create", {**DUMPED, "postgresId": "{postgres}", "mysqlId": "x"}, "which mysqlId does not say"),
        ("backup.create", {**DUMPED, "postgresId": "{postgres}", "environmentId": "x"}, "which environmentId does"),
        ("backup.create", REACHED | {"mongoId": "x"}, "which mongoId does not say"),
        ("backup.create", {"databaseType": "web-server", "composeId": "x"}, "Headway itself"),
        ("backup.create", {"databaseType": "web-server", "backupType": "compose"}, "or send database"),
        ("volumeBackups.create", {**KEPT, "composeId": "x", "redisId": "x", "serviceType": "compose"}, "and no other"),
        ("schedule.create", {**NIGHTLY, **OF_THE_APPLICATION, "composeId": "x"}, "what composeId names"),
        (
            "schedule.create",
            {**NIGHTLY, "scheduleType": "dokploy-server", "serverId": "x", "composeId": "x"},
            "composeId and serverId names",
        ),
        ("mounts.create", MOUNTED | {"type": "volume", "volumeName": "v", "hostPath": "/srv"}, "hostPath is what"),
        ("mounts.create", MOUNTED | {"type": "bind", "hostPath": "/srv", "content": "x"}, "content is what"),
        ("domain.create", {"host": "x.example", **OF_THE_APPLICATION, "domainType": "compose"}, "is application, for"),
        (
            "application.saveGiteaProvider",
            {**OF_THE_APPLICATION, **NOT_CHOSEN, "sourceType": "docker"},
            "by application.saveDockerProvider",
        ),
        (
            "application.saveDockerProvider",
            {**OF_THE_APPLICATION, "dockerImage": "debian", "sourceType": "git"},
            "by application.saveGitProvider",
        ),
    ],
)
async def test_what_is_said_otherwise_the_second_time_is_refused(
    world: World, procedure: str, given: Mapping[str, Json], told: str
) -> None:
    answer = await world.owner.post(f"/{procedure}", json=_filled(given, await things_of(world)))
    assert (answer.status_code, told in answer.json()["message"]) == (400, True), answer.text


@pytest.mark.parametrize(
    ("procedure", "given"),
    [
        ("backup.create", INSIDE | {"backupType": "compose", "postgresId": None, "userId": ""}),
        ("backup.create", INSIDE | {"userId": "{me}"}),
        ("backup.create", {**DUMPED, "backupType": "database", "postgresId": "{postgres}", "composeId": None}),
        ("backup.create", REACHED),
        ("backup.create", {"databaseType": "web-server", "backupType": "database", "userId": "{me}"}),
        ("volumeBackups.create", {**KEPT, "serviceType": "postgres", "postgresId": "{postgres}", "composeId": ""}),
        ("schedule.create", {**NIGHTLY, **OF_THE_APPLICATION, "composeId": None, "serverId": ""}),
        ("mounts.create", MOUNTED | {"type": "volume", "volumeName": "v", "hostPath": None, "content": ""}),
        ("domain.create", {"host": "x.example", **OF_THE_APPLICATION, "domainType": None}),
        ("application.saveGiteaProvider", {**OF_THE_APPLICATION, **NOT_CHOSEN, "sourceType": "gitea"}),
    ],
)
async def test_what_is_said_in_the_same_way_or_left_empty_is_taken(
    world: World, procedure: str, given: Mapping[str, Json]
) -> None:
    answer = await world.owner.post(f"/{procedure}", json=_filled(given, await things_of(world)))
    assert (answer.status_code, IGNORED in answer.headers) == (200, False), answer.text


async def test_a_domain_stays_of_what_it_leads_to(world: World) -> None:
    made = await world.post("domain.create", host="x.example", applicationId=await world.application())
    sent = {"domainId": made["domainId"], "host": "y.example"}
    answer = await world.owner.post("/domain.update", json={**sent, "domainType": "preview"})
    assert (answer.status_code, "is application, for" in answer.json()["message"]) == (400, True), answer.text
    assert await world.get("domain.one", domainId=made["domainId"]) == made
    assert (await world.post("domain.update", **sent, domainType="application"))["host"] == "y.example"


async def test_a_redis_has_no_user_to_be_named_and_a_key_no_facts_but_its_organisation(world: World) -> None:
    given = {"name": "r", "environmentId": await world.environment(), "databaseUser": "keeper"}
    answer = await world.owner.post("/redis.create", json=given)
    assert (answer.json()["databaseUser"], answer.headers[IGNORED]) == ("default", "databaseUser")
    one = {"redisId": answer.json()["redisId"]}
    answer = await world.owner.post("/redis.update", json={**one, "databaseUser": "keeper"})
    assert ((await world.get("redis.one", **one))["databaseUser"], answer.headers[IGNORED]) == (
        *("default", "databaseUser"),
    )
    organization_id = (await world.get("user.get"))["organizationId"]
    metadata = {"organizationId": organization_id, "team": "x"}
    answer = await world.owner.post("/user.createApiKey", json={"name": "n", "metadata": metadata})
    assert answer.json()["metadata"] == {"organizationId": organization_id}
    assert answer.headers[IGNORED] == "metadata.team"
