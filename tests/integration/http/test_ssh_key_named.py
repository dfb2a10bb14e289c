"""An SSH key that something names: refused at the save where nobody has it, and asked for only where it is needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headway.features.services import store as services_store
from headway.features.services.application import store as applications
from headway.features.services.compose import store as composes
from headway.infra.db.transaction import Tx
from tests.integration.http.server_rows import A_SERVER
from tests.integration.http.test_taken import A_FILE, ended
from tests.integration.http.working import working
from tests.integration.http.world import World

Json = Any
NOBODYS = "nobody-has-such-a-key"
BY_SSH, BY_HTTPS = "git@git.invalid:team/shop.git", "https://git.invalid/team/shop.git"
ELSEWHERE = {"sourceType": "docker", "dockerImage": "debian"}


async def saves(world: World) -> list[tuple[str, Json, str]]:
    """Every save that can name a key: its procedure, what else it is given, and the field of the key."""
    application_id, environment_id = await world.application(), await world.environment()
    compose = await world.post("compose.create", name="c", environmentId=environment_id, **A_FILE)
    server = await world.post("server.create", **A_SERVER)
    named = "customGitSSHKeyId"
    provider = {"customGitUrl": BY_SSH, "customGitBranch": "main", "applicationId": application_id}
    return [
        ("application.create", {"name": "a", "environmentId": environment_id}, named),
        ("application.update", {"applicationId": application_id}, named),
        ("application.update", {"applicationId": application_id, **ELSEWHERE}, named),
        ("application.saveGitProvider", provider, named),
        ("application.saveGitProdiver", provider, named),
        ("compose.create", {"name": "c", "environmentId": environment_id, **A_FILE}, named),
        ("compose.update", {"composeId": compose["composeId"]}, named),
        ("server.create", A_SERVER, "sshKeyId"),
        ("server.update", {**A_SERVER, "serverId": server["serverId"]}, "sshKeyId"),
    ]


async def test_a_key_that_nobody_has_is_refused_by_every_save(world: World) -> None:
    theirs = (await world.stranger.post("/sshKey.create", json={"name": "theirs"})).json()["sshKeyId"]
    mine = (await world.post("sshKey.create", name="mine"))["sshKeyId"]
    for procedure, given, field in await saves(world):
        for key in (NOBODYS, theirs):
            answer = await world.owner.post(f"/{procedure}", json={**given, field: key})
            assert (answer.status_code, answer.json()["message"]) == (404, "SSH key not found"), (procedure, key)
        taken = await world.owner.post(f"/{procedure}", json={**given, field: mine})
        assert taken.status_code == 200, (procedure, taken.text)


async def named_by_old_rows(world: World, url: str, **fields: Json) -> list[str]:
    """Waiting deployments of an application and of a compose service that still name a key which is gone."""
    application_id = await world.application(customGitUrl=url, **fields)
    given = {"name": "c", "environmentId": await world.environment(), "sourceType": "git", "customGitUrl": url}
    compose_id = (await world.post("compose.create", **given))["composeId"]
    vault = world.platform.data_dir.vault

    def name(tx: Tx) -> None:
        one = replace(
            applications.find(tx, application_id, vault).settings,
            git=replace(applications.find(tx, application_id, vault).settings.git, ssh_key_id=NOBODYS),
        )
        services_store.set_fields(tx, application_id, settings=services_store.kept(one, vault))
        other = replace(
            composes.find(tx, compose_id, vault).settings,
            git=replace(composes.find(tx, compose_id, vault).settings.git, ssh_key_id=NOBODYS),
        )
        services_store.set_fields(tx, compose_id, settings=services_store.kept(other, vault))

    await world.services.db.run(name)
    answer = await world.owner.post("/compose.deploy", json={"composeId": compose_id})
    return [await world.deploy(application_id), answer.headers["x-deployment-id"]]


@pytest.mark.parametrize(
    ("url", "needs_it"), [(BY_SSH, True), ("ssh://git@git.invalid/shop.git", True), (BY_HTTPS, False)]
)
async def test_only_what_needs_a_key_fails_for_one_that_is_gone(world: World, url: str, needs_it: bool) -> None:  # noqa: FBT001
    waiting = await named_by_old_rows(world, url)
    async with working(world):
        said = [(await ended(world, each))["errorMessage"] for each in waiting]
    assert ["SSH key not found" in each for each in said] == [needs_it] * 2, said


async def test_no_key_chosen_is_none(world: World) -> None:
    application_id = await world.application(customGitUrl=BY_HTTPS, customGitSSHKeyId="")
    assert not (await world.get("application.one", applicationId=application_id))["customGitSSHKeyId"]
    deployment_id = await world.deploy(application_id)
    async with working(world):
        assert "SSH key" not in (await ended(world, deployment_id))["errorMessage"]
