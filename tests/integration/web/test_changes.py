"""What is told to have changed: after the commit, of whatever came by an operation or by a deployment, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import update

from headway.core.access import topics
from headway.core.access.model import Actor, Credential, Role, Terms
from headway.core.access.policy import Noun
from headway.core.deployments import store
from headway.features.services.model import ReleaseState
from headway.features.services.starts import ServiceStarts
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import HostUnreachable
from headway.kernel.errors import Conflict
from headway.kernel.events import Changed, Whose
from tests.integration.http.world import World


@contextmanager
def heard(world: World) -> Iterator[list[Changed]]:
    """What is told meanwhile."""
    changes: list[Changed] = []
    stop = world.platform.base.events.listen(Changed, changes.append)
    yield changes
    stop()


def topics_in(changes: list[Changed]) -> set[str]:
    return {each.topic for each in changes}


async def test_each_move_of_a_deployment_is_told_with_what_it_belongs_to(world: World) -> None:
    application_id = await world.application()
    found: dict[str, set[str]] = {}
    with heard(world) as changes:
        deployment_id = await world.deploy(application_id)
        found["queued"] = topics_in(changes)
        changes.clear()
        lease = await world.claim()
        found["claimed"] = topics_in(changes)
        changes.clear()
        await world.end(lease)
        found["ended"] = topics_in(changes)
        changes.clear()
        await world.post("deployment.removeDeployment", deploymentId=deployment_id)
        found["removed"] = topics_in(changes)
    all_of_it = {f"deployment:{deployment_id}", "deployments", f"service:{application_id}", "services"}
    assert found == {
        "queued": {*all_of_it, "auditLogs"},
        "claimed": all_of_it,
        "ended": all_of_it,
        "removed": {*all_of_it, "auditLogs"},
    }


async def test_a_change_says_where_it_lies(world: World) -> None:
    application_id = await world.application()
    project_id = (await world.get("application.one", applicationId=application_id))["environment"]["projectId"]
    with heard(world) as changes:
        deployment_id = await world.deploy(application_id)
    (organization_id,) = {each.whose.organization_id for each in changes}
    wanted = Whose(organization_id=organization_id, project_id=project_id, service_id=application_id)
    own = [each for each in changes if each.topic in {f"deployment:{deployment_id}", f"service:{application_id}"}]
    assert {each.whose for each in own} == {wanted}
    revisions = [each.revision for each in changes]
    assert revisions == sorted(set(revisions))


async def test_what_an_operation_changes_is_told_by_what_it_is_about(world: World) -> None:
    application_id = await world.application()
    given = {"applicationId": application_id}
    found: dict[str, set[str]] = {}
    with heard(world) as changes:
        await world.post("domain.create", **given, host="shop.example.com", port=80, https=False)
        found["domain"] = topics_in(changes)
        changes.clear()
        await world.post("application.update", **given, name="another")
        found["name"] = topics_in(changes)
        changes.clear()
        key = await world.post("registry.create", registryName="r", username="u", password="p", registryUrl="r.example")
        found["registry"] = topics_in(changes)
        everyone = {each.topic: each.whose.everyone for each in changes}
    its = {f"service:{application_id}", "services", "auditLogs"}
    assert (found["domain"], found["name"]) == (its, its)
    assert found["registry"] == {f"registry:{key['registryId']}", "registries", "auditLogs"}
    assert everyone == {f"registry:{key['registryId']}": False, "registries": False, "auditLogs": False}


async def test_nothing_is_told_of_what_was_refused_or_rolled_back(world: World) -> None:
    deployment_id = await world.deploy(await world.application())
    ledger, db = world.platform.base.ledger, world.services.db

    def fail(tx: Tx) -> None:
        ledger.lists_changed(tx, store.find(tx, deployment_id))
        raise Conflict("no")

    with heard(world) as changes:
        answer = await world.owner.post("/deployment.killProcess", json={"deploymentId": deployment_id})
        assert answer.status_code == 400
        refused = await world.member.post("/project.remove", json={"projectId": "unknown"})
        assert refused.status_code in {403, 404}
        with pytest.raises(Conflict):
            await db.run(fail)
        await db.run(lambda _tx: None)
        assert changes == []


async def test_what_is_done_again_is_told_once(world: World) -> None:
    application_id = await world.application()
    headers = {"idempotency-key": "the same"}
    body = {"applicationId": application_id}
    with heard(world) as changes:
        assert (await world.owner.post("/application.deploy", json=body, headers=headers)).status_code == 200
        assert changes
        changes.clear()
        again = await world.owner.post("/application.deploy", json=body, headers=headers)
        assert again.headers["idempotent-replayed"] == "true"
        assert changes == []


async def test_that_a_server_answers_no_more_is_told_with_the_services_on_it(world: World) -> None:
    key = await world.post("sshKey.create", name="k")
    made = await world.post("server.create", name="far", ipAddress="192.0.2.1", sshKeyId=key["sshKeyId"])
    server_id: str = made["serverId"]
    application_id = await world.application("far", serverId=server_id)
    fleet = world.platform.fleet
    await fleet.load()
    session = fleet.server(server_id).session
    session.standing = replace(session.standing, is_up=True, seen_at=1_000.0)
    await fleet._save()
    found: list[set[str]] = []
    with heard(world) as changes:
        for moment in (session.standing, replace(session.standing, seen_at=2_000.0)):
            session.standing = moment
            await fleet._save()
        found.append(topics_in(changes))
        away = HostUnreachable("It does not answer.")
        session.standing = replace(session.standing, is_up=False, away_since=2_001.0, away_why=away)
        await fleet._save()
        found.append(topics_in(changes))
        whose = {each.topic: (each.whose.everyone, each.whose.service_id) for each in changes}
    assert found == [set(), {f"server:{server_id}", "servers", f"service:{application_id}", "services"}]
    assert whose[f"server:{server_id}"] == (True, None)
    assert whose[f"service:{application_id}"] == (False, application_id)


async def test_that_a_start_was_seen_to_its_end_is_told(world: World) -> None:
    application_id = await world.application()
    release_id = await world.kept(application_id, state=ReleaseState.SERVING)

    def start(tx: Tx) -> None:
        values = {"wanted": "up", "status": "running", "serving_release_id": release_id}
        tx.execute(update(services).where(services.c.service_id == application_id).values(**values))

    await world.services.db.run(start)
    lifecycle = world.services.applications.lifecycle
    starts = ServiceStarts(host_id="local", lifecycle=lifecycle, ledger=world.platform.base.ledger)
    starts._since[application_id] = -1e9
    with heard(world) as changes:
        assert not await starts.round()
        assert topics_in(changes) == {f"service:{application_id}", "services"}
        assert await starts.round()
        assert len(changes) == 2


async def test_what_is_kept_no_longer_is_told(world: World) -> None:
    application_id = await world.application()
    deployment_id = await world.ended(application_id)
    await world.ended(application_id)
    await world.post("application.update", applicationId=application_id, keepDeployments=1)
    (loop,) = [each for each in world.platform.engine._pollers if each.name == "retention"]
    with heard(world) as changes:
        await loop._work()
        assert f"deployment:{deployment_id}" in topics_in(changes)


def test_who_may_know_of_a_change_is_who_sees_the_thing() -> None:
    key = Credential.of_key("k")
    admin = Actor(user_id="a", organization_id="org", role=Role.ADMIN, credential=key, name="")
    within = Actor(
        user_id="a",
        organization_id="org",
        role=Role.ADMIN,
        credential=key,
        name="",
        terms=Terms(projects=frozenset({"p"})),
    )
    given_project = Actor(
        user_id="m", organization_id="org", role=Role.MEMBER, credential=key, name="", projects=frozenset({"p"})
    )
    given_service = Actor(
        user_id="m", organization_id="org", role=Role.MEMBER, credential=key, name="", services=frozenset({"s"})
    )
    given_nothing = Actor(user_id="m", organization_id="org", role=Role.MEMBER, credential=key, name="")
    stranger = Actor(user_id="x", organization_id="other", role=Role.OWNER, credential=key, name="")
    callers = (admin, within, given_project, given_service, given_nothing, stranger)
    where = {
        "a service": Whose(organization_id="org", project_id="p", service_id="s"),
        "another of the project": Whose(organization_id="org", project_id="p", service_id="t"),
        "another project": Whose(organization_id="org", project_id="q"),
        "the admins'": Whose(organization_id="org"),
        "everyone's": Whose(organization_id="org", everyone=True),
    }
    found = {
        name: [topics.may_know(caller, Changed(topic="t", whose=whose, revision=1)) for caller in callers]
        for name, whose in where.items()
    }
    assert found == {
        "a service": [True, True, True, True, False, False],
        "another of the project": [True, True, True, False, False, False],
        "another project": [True, False, False, False, False, False],
        "the admins'": [True, False, False, False, False, False],
        "everyone's": [True, True, True, True, True, False],
    }


def test_each_kind_of_thing_has_a_topic_and_services_have_one() -> None:
    assert topics.topics_of(Noun.POSTGRES, "1") == topics.topics_of(Noun.COMPOSE, "1") == ("service:1", "services")
    assert topics.topics_of(Noun.REGISTRY, None) == ("registries",)
    assert topics.topics_of(Noun.GIT_PROVIDER, "1") == ("gitProvider:1", "gitProviders")
    assert topics.topics_of(Noun.PREVIEW, "1") == ("preview:1", "previews")
    assert {"service", "services", "deployments", "auditLogs"} <= topics.words()
