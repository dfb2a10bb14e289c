"""``service.*``: services of every kind at a glance, as far as the caller may see them."""

from __future__ import annotations

from sqlalchemy import update

from headway.core.deployments.status import Status
from headway.features.services.model import ReleaseState
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import releases
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


def _saw(tx: Tx, deployment_id: str, release_id: str) -> None:
    of_it = deployments.c.deployment_id == deployment_id
    tx.execute(update(deployments).where(of_it).values(answers=ANSWERS, unstable=True))
    tx.execute(update(releases).where(releases.c.release_id == release_id).values(serving_since=tx.now))
