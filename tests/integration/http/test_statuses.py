"""Commit statuses of deployments: told to the forge by which the service comes, and no deployment hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from headway.core.access import machine_store
from headway.core.access.model import Actor, Credential, Role
from headway.core.deployments import store as deployments
from headway.core.deployments.status import Reason, Status
from headway.features.forge_outbox import outbox
from headway.features.forge_outbox.deployment_statuses import DeploymentStatuses
from headway.features.forge_outbox.outbox import ForgeOutbox
from headway.features.forge_outbox.statuses_store import UntoldDeployment
from headway.infra.db.tables.statuses import commit_statuses
from headway.infra.db.transaction import Tx
from tests.integration.http.world import World
from tests.support.forges.forge_apis import TOKEN, Api, forge_api
from tests.support.forges.provided_services import tell_all

Json = Any
COMMIT = "a" * 40


def log_link(deployment_id: str) -> str:
    return f"https://panel.example/log/{deployment_id}"


def statuses(world: World, log_link: Callable[[str], str] = log_link) -> ForgeOutbox[UntoldDeployment]:
    """As the panel has it."""
    services = world.services
    kinds = services.previews.lifecycle.services.kinds
    kind = DeploymentStatuses(providers=services.git_providers, kinds=kinds, log_link=log_link)
    return ForgeOutbox(
        db=services.db,
        events=services.events,
        providers=services.git_providers,
        kind=kind,
        troubles=world.platform.engine.troubles,
    )


async def provided(world: World, api: Api) -> str:
    """An application by a provider."""
    made = await world.post("github.create", name="g", apiUrl=api.url, accessToken=TOKEN)
    application_id = await world.application()
    place = {"owner": "team", "repository": "app", "branch": "main", "githubId": made["githubId"]}
    await world.post("application.saveGithubProvider", applicationId=application_id, **place)
    return application_id


async def deployed(world: World, application_id: str, status: Status, reason: Reason | None = None) -> str:
    """A deployment of the commit that is so now."""
    deployment_id = await world.deploy(application_id)
    await became(world, deployment_id, status, reason)
    return deployment_id


async def became(world: World, deployment_id: str, status: Status, reason: Reason | None = None) -> None:
    fields = {"status": status, "reason": reason, "commit_hash": COMMIT}
    await world.services.db.run(lambda tx: deployments.set_fields(tx, deployment_id, **fields))


async def test_a_status_follows_its_deployment_and_leads_to_its_log(world: World) -> None:
    with forge_api("github") as api:
        application_id, told = await provided(world, api), statuses(world)
        first = await deployed(world, application_id, Status.RUNNING)
        await tell_all(told)
        await became(world, first, Status.ERROR, Reason.TIMED_OUT)
        for _ in range(2):
            told.look_soon()
            await tell_all(told)
        second = await deployed(world, application_id, Status.DONE)
        told.look_soon()
        await tell_all(told)
    seen = [(each["state"], each["description"], each["target_url"]) for each in api.facts.statuses]
    assert seen == [
        ("pending", "Being deployed", f"https://panel.example/log/{first}"),
        ("failure", "Not deployed: it took too long", f"https://panel.example/log/{first}"),
        ("success", "Deployed", f"https://panel.example/log/{second}"),
    ]
    assert {(each["commit"], each["context"]) for each in api.facts.statuses} == {(COMMIT, "headway/trivial/deploy")}


@pytest.mark.parametrize("failing", [(401, {}, b"{}"), (403, {}, b"{}"), (404, {}, b"{}"), (500, {}, b"")])
async def test_what_a_forge_does_not_take_is_told_later_and_changes_nothing(
    world: World, failing: tuple[int, dict[str, str], bytes]
) -> None:
    with forge_api("github") as api:
        application_id, told = await provided(world, api), statuses(world)
        deployment_id = await deployed(world, application_id, Status.DONE)
        before = await world.get("deployment.one", deploymentId=deployment_id)
        api.facts.failing = failing
        await tell_all(told)
        api.facts.failing = None
        told.look_soon()
        await tell_all(told)
        assert api.facts.statuses == [], "it waits before it tries again"
        await world.services.db.run(lambda tx: tx.execute(update(commit_statuses).values(tell_at=tx.now)).rowcount)
        told.look_soon()
        await tell_all(told)
    assert [each["state"] for each in api.facts.statuses] == ["success"]
    assert await world.get("deployment.one", deploymentId=deployment_id) == before


async def test_without_a_provider_nobody_is_told(world: World) -> None:
    with forge_api("github") as api:
        await provided(world, api)
        deployment_id = await deployed(world, await world.application("alone"), Status.DONE)
        await tell_all(statuses(world))
    assert api.facts.statuses == []
    row = await world.services.db.read(lambda tx: tx.execute(select(commit_statuses)).one())
    settled = (row.deployment_id, row.told, row.attempts, row.error)
    assert settled == (deployment_id, "done", 0, None), "there is nothing more to tell"


async def test_one_that_breaks_keeps_no_other_from_being_told(world: World) -> None:
    with forge_api("github") as api:
        first = await deployed(world, await provided(world, api), Status.DONE)
        second = await deployed(world, await provided(world, api), Status.DONE)

        def breaking(deployment_id: str) -> str:
            if deployment_id == first:
                raise ZeroDivisionError
            return log_link(deployment_id)

        await tell_all(statuses(world, breaking))
        assert [each["target_url"] for each in api.facts.statuses] == [log_link(second)]
        await tell_all(statuses(world))
        assert len(api.facts.statuses) == 1, "it waits before it tries again"
    found = await world.services.db.read(lambda tx: tx.execute(select(commit_statuses)).all())
    told = {row.deployment_id: (row.told, row.attempts, row.error) for row in found}
    unforeseen = "Headway met an unforeseen ZeroDivisionError; the panel's own log has the details."
    assert told == {first: (None, 1, unforeseen), second: ("done", 0, None)}


async def test_it_waits_twice_as_long_each_time_and_an_hour_at_most(world: World) -> None:
    with forge_api("github") as api:
        await deployed(world, await provided(world, api), Status.DONE)
        api.facts.failing = (500, {}, b"")
        waits = []
        for _ in range(8):
            await tell_all(statuses(world))
            waits.append(await world.services.db.run(wait))
    assert waits == [timedelta(minutes=each) for each in (1, 2, 4, 8, 16, 32, 60, 60)]


async def test_what_is_given_up_is_said_until_another_is_told(world: World) -> None:
    with forge_api("github") as api:
        application_id, told = await provided(world, api), statuses(world)
        deployment_id = await deployed(world, application_id, Status.DONE)
        api.facts.failing = (500, {}, b"")
        await tell_all(told)
        assert "troubles" not in await world.get("settings.health"), "it is tried again"

        def a_day_later(tx: Tx) -> None:
            created_at = tx.now - timedelta(hours=23, minutes=59)
            deployments.set_fields(tx, deployment_id, created_at=created_at)
            wait(tx)

        await world.services.db.run(a_day_later)
        for _ in range(2):
            told.look_soon()
            await tell_all(told)
        row = await world.services.db.read(lambda tx: tx.execute(select(commit_statuses)).one())
        assert (row.told, row.attempts, row.error[:10]) == (None, 2, "Given up: ")
        (trouble,) = (await world.get("settings.health"))["troubles"]
        assert (trouble["loop"], trouble["item"], trouble["times"]) == ("commit statuses", "given up", 1)
        assert f"{deployment_id} is not told to its forge any more, after 2 tries in vain: " in trouble["message"]

        api.facts.failing = None
        await deployed(world, application_id, Status.DONE)
        told.look_soon()
        await tell_all(told)
        assert [each["state"] for each in api.facts.statuses] == ["success"]
        assert "troubles" not in await world.get("settings.health")


def wait(tx: Tx) -> timedelta:
    """How long the only one waits from now on; it is due after that."""
    due = tx.execute(select(commit_statuses.c.tell_at)).scalar_one()
    tx.execute(update(commit_statuses).values(tell_at=tx.now))
    return timedelta(minutes=round((due - tx.now).total_seconds() / 60))


async def test_a_forge_that_says_nothing_holds_up_no_other_organisation(world: World) -> None:
    others = replace(world, owner=world.stranger)
    await world.services.db.run(let_all_use_the_machine)
    with forge_api("github") as silent, forge_api("github") as api:
        silent.facts.silent = True
        for _ in range(3):
            await deployed(world, await provided(world, silent), Status.DONE)
            await deployed(others, await provided(others, api), Status.DONE)
        told = statuses(world)
        try:
            async with asyncio.timeout(5):
                while len(api.facts.statuses) < 3:
                    await told.tell_round()
            assert len(silent.facts.asked) == 2, "two of an organisation at a time"
        finally:
            await told.release()


async def test_one_that_takes_too_long_is_told_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_LETTER_SECONDS", 0.2)
    with forge_api("github") as api:
        api.facts.silent = True
        await deployed(world, await provided(world, api), Status.DONE)
        await tell_all(statuses(world))
    row = await world.services.db.read(lambda tx: tx.execute(select(commit_statuses)).one())
    assert (row.attempts, row.told) == (1, None)
    assert "takes longer than" in row.error


def let_all_use_the_machine(tx: Tx) -> None:
    """Gives it to the owners of every organisation, so that their forges may be near."""
    for each in machine_store.given(tx):
        id_ = each.organization_id
        giver = Actor(user_id="u", organization_id=id_, role=Role.OWNER, credential=Credential.of_key("k"), name="o")
        machine_store.grant(tx, giver, id_, Role.OWNER)
