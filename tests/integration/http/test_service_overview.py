"""``service.*``: services of every kind at a glance, as far as the caller may see them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import insert, select, update

from headway.core.deployments.status import Status
from headway.features.services.model import ReleaseState
from headway.infra.db.tables.deployments import deployments, hosts
from headway.infra.db.tables.servers import servers
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from tests.integration.http.world import World

ANSWERS = '{"path":"/","status":200,"ms":12}'


async def test_what_serves_is_told_with_what_was_seen_of_it(world: World) -> None:
    application = await world.application("api")
    deployment = await world.ended(application)
    release = await world.kept(application, state=ReleaseState.SERVING, deployment_id=deployment, seq=1)
    await world.services.db.run(lambda tx: _saw(tx, deployment, release))

    one = await world.get("service.one", serviceId=application)

    assert (one["kind"], one["database"], one["name"], one["wanted"]) == ("application", None, "api", "down")
    assert one["environment"]["project"]["name"] == "bench"
    serving = one["serving"]
    assert (serving["releaseId"], serving["deploymentId"], serving["version"]) == (release, deployment, 1)
    assert serving["answers"] == {"path": "/", "status": 200, "ms": 12, "trouble": None}
    assert serving["commit"]["hash"] == "c" * 40
    assert serving["unstable"] is True
    assert [each["rollbackId"] for each in one["releases"]] == [release]
    assert [each["serving"] for each in await world.get("service.all")] == [serving]


async def test_what_its_deployment_saw_goes_with_the_deployment(world: World) -> None:
    application = await world.application("api")
    deployment = await world.ended(application)
    await world.kept(application, state=ReleaseState.SERVING, deployment_id=deployment, seq=1)
    await world.post("deployment.removeDeployment", deploymentId=deployment)

    serving = (await world.get("service.one", serviceId=application))["serving"]

    assert (serving["deploymentId"], serving["doneAt"], serving["answers"]) == (deployment, None, None)
    assert serving["unstable"] is False


async def test_a_service_that_was_never_deployed_serves_nothing(world: World) -> None:
    application = await world.application("api")
    await world.ended(application, Status.ERROR)

    one = await world.get("service.one", serviceId=application)

    assert (one["serving"], one["releases"]) == (None, [])


async def test_an_error_is_told_with_how_the_last_deployment_ended(world: World) -> None:
    application = await world.application("api")
    await world.ended(application, Status.ERROR)
    failed = await world.get("service.one", serviceId=application)
    await world.post("deployment.cancel", deploymentId=await world.deploy(application))
    cancelled = await world.get("service.one", serviceId=application)
    await world.ended(application)
    done = await world.get("service.one", serviceId=application)

    told = [(each["status"], each["reason"]) for each in (failed, cancelled, done)]
    assert told == [("error", "failed"), ("error", "cancelled"), ("done", None)]


async def test_a_status_is_told_with_since_when_it_is_so(world: World) -> None:
    application = await world.application("api")
    failed = await world.ended(application, Status.ERROR)
    since = [await _since(world, application)]
    ends = [(await world.get("deployment.one", deploymentId=failed))["finishedAt"]]
    waits = await world.deploy(application)
    since.append(await _since(world, application))
    ends.append((await world.get("deployment.one", deploymentId=waits))["createdAt"])
    await world.end(await world.claim())
    since.append(await _since(world, application))

    assert since == [*ends, None]


async def test_what_was_stopped_is_so_since_somebody_did(world: World) -> None:
    application = await world.application("api")
    release = await world.kept(application, state=ReleaseState.SERVING, deployment_id=await world.ended(application))
    up = {"wanted": "up", "serving_release_id": release}
    of_it = update(services).where(services.c.service_id == application)
    await world.services.db.run(lambda tx: tx.execute(of_it.values(**up)))
    await world.post("application.stop", applicationId=application)
    stopped = (await world.get("auditLog.all"))["logs"][0]
    assert stopped["procedure"] == "application.stop"
    assert await _since(world, application) == stopped["createdAt"]


async def test_a_service_says_since_when_its_server_does_not_answer(world: World) -> None:
    application, other = await world.application("api"), await world.application("other")
    await world.services.db.run(lambda tx: lose_server_of(tx, application))

    rows = {each["serviceId"]: each for each in await world.get("service.all")}

    assert rows[application]["outOfReachSince"] == "2026-11-29T02:00:00.000Z"
    assert rows[other]["outOfReachSince"] is None


async def test_a_member_sees_what_it_was_given_and_no_other(world: World) -> None:
    given, other = await world.application("given"), await world.application("other")
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[given])

    listed = (await world.member.get("/service.all")).json()

    assert [each["serviceId"] for each in listed] == [given]
    assert (await world.member.get("/service.one", params={"serviceId": given})).status_code == 200
    missed = await world.member.get("/service.one", params={"serviceId": other})
    assert (missed.status_code, missed.json()["message"]) == (404, "Service not found")
    assert (await world.stranger.get("/service.all")).json() == []


async def test_what_is_being_deleted_is_gone(world: World) -> None:
    application = await world.application("api")
    await world.post("application.delete", applicationId=application)

    assert await world.get("service.all") == []
    assert (await world.owner.get("/service.one", params={"serviceId": application})).status_code == 404


async def _since(world: World, application_id: str) -> object:
    return (await world.get("service.one", serviceId=application_id))["statusSince"]


def lose_server_of(tx: Tx, service_id: str) -> None:
    """A service is on a server that does not answer any more."""
    of_it, away = services.c.service_id == service_id, datetime(2026, 11, 29, 2, tzinfo=UTC)
    organization_id = tx.execute(select(services.c.organization_id).where(of_it)).scalar_one()
    named = {"organization_id": organization_id, "name": "far", "app_name": "far", "type": "deploy"}
    reached = {"address": "192.0.2.1", "port": 22, "username": "root", "away_since": away, "away_why": "silence"}
    given = {"server_id": "far", "settings": {}, "created_at": tx.now, **named, **reached}
    tx.execute(insert(servers).values(**given))
    host = {"host_id": "far", "server_id": "far", "name": "far", "concurrency": 1, "created_at": tx.now}
    tx.execute(insert(hosts).values(**host))
    tx.execute(update(services).where(of_it).values(host_id="far"))


def _saw(tx: Tx, deployment_id: str, release_id: str) -> None:
    of_it = deployments.c.deployment_id == deployment_id
    tx.execute(update(deployments).where(of_it).values(answers=ANSWERS, unstable=True))
    tx.execute(update(releases).where(releases.c.release_id == release_id).values(serving_since=tx.now))
