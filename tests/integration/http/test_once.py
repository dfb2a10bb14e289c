"""``Idempotency-Key``: a call that starts work starts it once, however often it is sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from headway.core.deployments import idempotency
from headway.core.deployments.ledger import MOST_PENDING, Ledger
from headway.infra.db.tables.access import audit_log
from headway.infra.db.tables.idempotency import idempotency_keys
from tests.integration.http.world import World, open_world

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


async def send(
    world: World, application_id: str, key: str | None = KEY, procedure: str = "application.deploy", **body: str
) -> httpx.Response:
    headers = {} if key is None else {"idempotency-key": key}
    return await world.owner.post(f"/{procedure}", json={"applicationId": application_id, **body}, headers=headers)


async def rows(world: World, application_id: str) -> list[str]:
    return [row["deploymentId"] for row in await world.get("deployment.all", applicationId=application_id)]


async def test_the_same_call_gets_the_first_answer(world: World) -> None:
    application_id = await world.application()
    first = await send(world, application_id, title="t")
    again = await send(world, application_id, title="t")
    assert (first.status_code, again.status_code, again.content) == (200, 200, b"")
    assert again.headers["x-deployment-id"] == first.headers["x-deployment-id"]
    assert again.headers["location"] == first.headers["location"]
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert await rows(world, application_id) == [first.headers["x-deployment-id"]]


async def test_it_is_the_first_answer_also_when_all_is_over_and_removed(world: World) -> None:
    application_id = await world.application()
    first = await send(world, application_id)
    deployment_id = first.headers["x-deployment-id"]
    await world.end(await world.claim())
    await world.post("deployment.removeDeployment", deploymentId=deployment_id)
    assert (await send(world, application_id)).headers["x-deployment-id"] == deployment_id
    assert await rows(world, application_id) == []


async def test_another_call_with_the_same_key_is_refused(world: World) -> None:
    application_id, other = await world.application(), await world.application("other")
    await send(world, application_id, title="t")
    for answer in (
        await send(world, application_id, title="u"),
        await send(world, other, title="t"),
        await send(world, application_id, procedure="application.redeploy", title="t"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "UNPROCESSABLE_CONTENT")
        assert KEY in answer.json()["message"]
        assert "24 hours" in answer.json()["message"]
    assert (len(await rows(world, application_id)), await rows(world, other)) == (1, [])
    unknown_fields = await world.owner.post(
        "/application.deploy",
        content=f'{{ "title":"t", "applicationId" : "{application_id}" , "unknown": 1 }}',
        headers={"idempotency-key": KEY, "content-type": "application/json"},
    )
    assert unknown_fields.status_code == 200, "what is the same for the procedure is the same call"


async def test_a_refusal_is_not_kept(world: World) -> None:
    application_id = await world.application()
    for _ in range(MOST_PENDING):
        await world.deploy(application_id)
    assert (await send(world, application_id)).status_code == 429
    await world.post("application.cleanQueues", applicationId=application_id)
    assert (await send(world, application_id)).status_code == 200


async def test_without_a_key_every_call_starts_work(world: World) -> None:
    application_id = await world.application()
    for key in (None, None, "a", "b"):
        assert (await send(world, application_id, key)).status_code == 200
    assert len(await rows(world, application_id)) == 4


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "é"])
async def test_what_cannot_be_a_key_is_refused(world: World, key: str) -> None:
    application_id = await world.application()
    answer = await world.owner.post(
        "/application.deploy",
        json={"applicationId": application_id},
        headers=[(b"idempotency-key", key.encode("latin-1"))],
    )
    assert (answer.status_code, await rows(world, application_id)) == (400, [])
    assert "Idempotency-Key" in answer.json()["message"]


async def test_keys_belong_to_their_callers(world: World) -> None:
    mine = await world.application()
    made = await world.stranger.post("/project.create", json={"name": "theirs"})
    where = {"environmentId": made.json()["environment"]["environmentId"], "customGitUrl": "https://git.example/a.git"}
    theirs = (await world.stranger.post("/application.create", json={"name": "a", **where})).json()["applicationId"]
    first = await send(world, mine)
    headers = {"idempotency-key": KEY}
    second = await world.stranger.post("/application.deploy", json={"applicationId": theirs}, headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    foreign = await world.stranger.post("/application.deploy", json={"applicationId": mine}, headers=headers)
    assert foreign.status_code == 404


async def test_a_batch_with_one_key_is_sent_twice(world: World) -> None:
    application_id = await world.application()
    call = {"json": {"applicationId": application_id}}
    for _ in range(2):
        answer = await world.owner.post(
            "/trpc/application.deploy,application.deploy?batch=1",
            json={"0": call, "1": call},
            headers={"idempotency-key": KEY},
        )
        assert answer.status_code == 200, answer.text
    assert len(await rows(world, application_id)) == 2


async def test_a_key_counts_for_a_day(world: World) -> None:
    application_id = await world.application()
    first = await send(world, application_id)
    db = world.services.db

    def age(hours: float) -> object:
        return lambda tx: tx.execute(update(idempotency_keys).values(created_at=tx.now - timedelta(hours=hours)))

    await db.run(age(23.9))  # type: ignore[arg-type]
    assert (await send(world, application_id)).headers["x-deployment-id"] == first.headers["x-deployment-id"]
    await db.run(age(24.1))  # type: ignore[arg-type]
    second = await send(world, application_id)
    assert second.headers["x-deployment-id"] != first.headers["x-deployment-id"]
    await db.run(age(24.1))  # type: ignore[arg-type]
    await db.run(idempotency.forget_old)
    assert await db.read(lambda tx: tx.execute(select(idempotency_keys)).all()) == []


async def test_of_many_at_once_one_starts_the_work(database_url: str, tmp_path: Path) -> None:
    async with open_world(tmp_path / "data", HEADWAY_DATABASE_URL=database_url) as world:
        application_id = await world.application()
        answers = await asyncio.gather(*(send(world, application_id) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        assert {answer.headers["x-deployment-id"] for answer in answers} == set(await rows(world, application_id))
        assert len(await rows(world, application_id)) == 1


async def test_what_is_rolled_back_leaves_no_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application_id = await world.application()
    enqueue = Ledger.enqueue_once

    def broken(*given: object) -> object:
        enqueue(*given)  # type: ignore[arg-type]
        raise RuntimeError("the power fails before the commit")

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "enqueue_once", broken)
        assert (await send(world, application_id)).status_code == 500
    assert await rows(world, application_id) == []
    answer = await send(world, application_id)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_a_call_that_is_sent_again_is_in_the_audit_log_once(world: World) -> None:
    application_id = await world.application()
    for _ in range(2):
        await send(world, application_id)
    told = select(audit_log.c.details).where(audit_log.c.procedure == "application.deploy")
    (details,) = await world.services.db.read(lambda tx: tx.execute(told).scalars().all())
    assert details["deploymentId"] in await rows(world, application_id)
