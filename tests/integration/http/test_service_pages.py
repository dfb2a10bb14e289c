"""The pages of services of every kind, the way back to a release, and the first page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from headway.core.deployments import queries, search
from headway.core.deployments.status import Status
from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus, ReleaseStatus
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.features.home.pages import home
from headway.features.home.pages.home import PAGE as HOME
from headway.features.services.model import ReleaseState
from headway.features.services.pages import service, service_addresses
from headway.features.services.pages.releases import PAGE as RELEASES
from headway.features.services.pages.rollback import PAGE as ROLLBACK
from headway.features.services.pages.service import PAGE as ONE
from headway.features.services.pages.service_changes import RESTART
from headway.features.services.pages.service_list import PAGE as LIST
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.pages.page import View
from tests.integration.http.backup_rows import A_DATABASE
from tests.integration.http.page_visits import person
from tests.integration.http.test_service_overview import lose_server_of
from tests.integration.http.world import World

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
RUNS = ProcessStatus(name="web", state=ProcessState.RUNNING, pid=1, since=NOW, exits=0, last_exit=None)
EVIL = '"><script>alert(1)</script>{{ 7*7 }}'


def values_of(view: View) -> Any:  # noqa: ANN401 - as a template is given them
    """The values of a view."""
    return view.values


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is to run does."""

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        return ReleaseStatus(release_id=release_id, processes=(RUNS,))

    monkeypatch.setattr(NativeRuntime, "status", status)


async def serving(world: World, name: str = "api", answers: str | None = None) -> tuple[str, str, str]:
    """(service, deployment, release) of an application that serves."""
    application = await world.application(name)
    deployment = await world.ended(application)
    release = await world.kept(application, state=ReleaseState.SERVING, deployment_id=deployment)

    def serve(tx: Tx) -> None:
        tx.execute(update(releases).where(releases.c.release_id == release).values(serving_since=tx.now))
        of_it = services.c.service_id == application
        tx.execute(update(services).where(of_it).values(wanted="up", status="done", serving_release_id=release))
        tx.execute(update(deployments).where(deployments.c.deployment_id == deployment).values(answers=answers))

    await world.services.db.run(serve)
    return application, deployment, release


async def test_a_service_says_what_serves_and_where_it_was_seen_to(world: World) -> None:
    application, deployment, _ = await serving(world, answers='{"path":"/","status":200,"ms":12}')

    seen = await (await person(world)).see(ONE, ids={"serviceId": application})

    assert "GET / answered 200 after 12 ms" in seen.text
    assert "to run" in seen.text
    assert seen.links["version 1"] == f"/deployments/{deployment}"
    assert any(href.startswith("http://api") for href in seen.links.values())
    for label, name in (("Deploy", "deploy"), ("Redeploy", "redeploy"), ("Stop", "stop")):
        assert seen.links[label] == f"/services/{application}/{name}-application"
    assert "Start" not in seen.links


async def test_an_answer_that_is_an_error_is_not_told_as_if_it_were_none(world: World) -> None:
    application, _, _ = await serving(world, answers='{"path":"/","status":502,"ms":12}')
    seen = await (await person(world)).see(ONE, "standing", {"serviceId": application})
    assert "GET / answered 502 after 12 ms" in seen.text
    assert "A visitor got an error there" in seen.text


@pytest.mark.usefixtures("runs")
async def test_a_cancelled_deployment_is_no_fault_of_what_serves(world: World) -> None:
    application, _, _ = await serving(world)
    await world.post("deployment.cancel", deploymentId=await world.deploy(application))
    ann = await person(world)

    standing, home = await ann.see(ONE, "standing", {"serviceId": application}), await ann.see(HOME, "attention")

    assert values_of(standing.view)["word"] == "last deployment cancelled"
    assert "tone-bad" not in standing.html
    assert values_of(home.view)["unfit"] == []
    assert "Nothing is known to be wrong." in home.text


@pytest.mark.usefixtures("runs")
async def test_what_failed_is_not_said_to_serve(world: World) -> None:
    application, _, _ = await serving(world)
    await world.ended(application, Status.ERROR)
    ann = await person(world)

    standing, home = await ann.see(ONE, "standing", {"serviceId": application}), await ann.see(HOME, "attention")

    assert values_of(standing.view)["word"] == "last deployment failed"
    assert " Release " in standing.text, "what it was before may serve on"
    assert ("Served last" in standing.text, "Serves" in standing.text, "Since" in standing.text) == (
        False,
        False,
        False,
    )
    assert "The last of its deployments did not end well." in home.text
    assert "does not run as it is wanted to" not in home.text


async def test_what_is_stopped_serves_nothing(world: World) -> None:
    application, _, _ = await serving(world)
    of_it = services.c.service_id == application
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(wanted="down")))
    ann = await person(world)

    standing, listed = await ann.see(ONE, "standing", {"serviceId": application}), await ann.see(LIST)

    assert ("Served last" in standing.text, "Since" in standing.text) == (True, False)
    assert "served last" in listed.text
    assert listed.html.count("<time") == 0, "it does not serve since any time"


async def test_what_a_server_does_that_is_away_is_not_known(world: World) -> None:
    application, _, _ = await serving(world)
    await world.services.db.run(lambda tx: lose_server_of(tx, application))
    ann = await person(world)

    for seen in (await ann.see(ONE, "standing", {"serviceId": application}), await ann.see(LIST)):
        assert "unknown since 29 Nov 2026, 02:00:00 UTC because its server does not answer" in seen.text
        assert "tone-good" not in seen.html


async def test_what_is_not_known_of_a_removed_deployment_is_not_made_up(world: World) -> None:
    application, deployment, _ = await serving(world, answers='{"path":"/","status":200,"ms":12}')
    await world.post("deployment.removeDeployment", deploymentId=deployment)

    seen = await (await person(world)).see(ONE, ids={"serviceId": application})

    assert "what its address answered is not known any more" in seen.text
    assert "None of its deployments is left." in seen.text
    assert f"/deployments/{deployment}" not in seen.links.values()


@pytest.mark.usefixtures("runs")
async def test_what_takes_too_long_to_look_for_leaves_the_rest_of_the_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _, _ = await serving(world)
    for module in (service, service_addresses):
        monkeypatch.setattr(module, "_SECONDS", 0.0)

    seen = await (await person(world)).see(ONE, ids={"serviceId": application})

    assert "Served last" in seen.text or "Serves" in seen.text
    assert seen.text.count("It was not answered within 0 seconds.") == 3, "deployments twice, and addresses"
    assert "It was never deployed." not in seen.text


async def test_a_service_that_was_never_deployed_can_be(world: World) -> None:
    application = await world.application("api")
    ann = await person(world)

    seen = await ann.see(ONE, ids={"serviceId": application})
    assert "It was never deployed." in seen.text
    assert "not deployed yet" in seen.text
    assert [label for label in ("Deploy", "Start", "Stop", "Redeploy") if label in seen.links] == ["Deploy"]

    flash, then = await ann.send(ONE, "deploy-application", serviceId=application)
    waits = (await world.get("deployment.search", status="pending"))["rows"][0]["deploymentId"]
    assert (flash.text, then) == ("Queued: it begins as soon as it may.", f"/deployments/{waits}")
    after = await ann.see(ONE, ids={"serviceId": application})
    assert after.links["Cancel what waits"] == f"/services/{application}/cancel-waiting-application"
    flash, then = await ann.send(ONE, "cancel-waiting-application", serviceId=application)
    assert (flash.text, then) == ("What waited is cancelled; what runs goes on.", f"/services/{application}")
    assert (await world.get("deployment.one", deploymentId=waits))["reason"] == "cancelled"


@pytest.mark.parametrize("kind", ["compose", "postgres"])
async def test_other_kinds_of_services_have_the_same_page(world: World, kind: str) -> None:
    environment = await world.environment()
    given = {"databaseName": "shop", "databaseUser": "shop", "databasePassword": "s" * 16} if kind != "compose" else {}
    made = await world.post(f"{kind}.create", name="other", environmentId=environment, **given)
    service_id = made[f"{kind}Id"]
    ann = await person(world)

    seen = await ann.see(ONE, ids={"serviceId": service_id})
    question = await ann.asked(ONE, f"deploy-{kind}", serviceId=service_id)
    _, then = await ann.send(ONE, f"deploy-{kind}", serviceId=service_id)

    assert seen.links["Deploy"] == f"/services/{service_id}/deploy-{kind}"
    assert question.title == "Deploy “other”?"
    assert then.startswith("/deployments/")
    assert "other" in (await ann.see(LIST)).links
    with pytest.raises(NotFound):
        await ann.send(ONE, "deploy-application", serviceId=service_id)


async def test_every_form_performs_an_operation_of_its_kind(world: World) -> None:
    ann = await person(world)
    for name, form in ONE.forms.items():
        if name == RESTART:  # which finds the release that serves
            continue
        visit = ann.visit({"serviceId": "it"}, {"applicationId": "another"})
        operation = ann.operations.named(form.operation(visit))
        router = operation.name.partition(".")[0]
        assert name.endswith(f"-{router}")
        assert form.given(visit) == {f"{router}Id": "it"}
        assert set(form.given(visit)) <= set(operation.expected)


async def test_going_back_says_before_what_it_changes(world: World) -> None:
    application, _, now = await serving(world)
    older = await world.ended(application)
    release = await world.kept(application, deployment_id=older)
    ids = {"serviceId": application, "releaseId": release}
    ann = await person(world)

    listed = await ann.see(RELEASES, ids={"serviceId": application})
    seen = await ann.see(ROLLBACK, ids=ids)
    question = await ann.asked(ROLLBACK, "back", **ids)

    path = f"/services/{application}/rollback/{release}"
    assert listed.links["See what would change"] == path
    assert seen.links["Roll back"] == f"{path}/back"
    assert "Roll “api” back to version 2?" in question.title
    flash, then = await ann.send(ROLLBACK, "back", None, **ids)
    row = (await world.get("deployment.search", trigger="rollback"))["rows"][0]
    assert (flash.text, then) == ("The rollback is under way.", f"/deployments/{row['deploymentId']}")
    foreign = {"serviceId": await world.application("other"), "releaseId": release}
    with pytest.raises(NotFound):
        await ann.see(ROLLBACK, ids=foreign)
    with pytest.raises(NotFound):
        await ann.asked(ROLLBACK, "back", **foreign)
    assert "Roll back" not in (await ann.see(ROLLBACK, ids={**ids, "releaseId": now})).links


@pytest.mark.usefixtures("runs")
async def test_the_list_shows_services_by_what_they_lie_in(world: World) -> None:
    empty = await (await person(world)).see(LIST)
    assert "headway deploy" in empty.text

    application, _, _ = await serving(world, "shop")
    await world.application("blog")
    ann = await person(world)
    seen = await ann.see(LIST)
    assert seen.links["shop"] == f"/services/{application}"
    lines = [line for group in values_of(seen.view)["groups"] for line in group["lines"]]
    assert {line["service"]["name"]: line["word"] for line in lines} == {"shop": "serves", "blog": "not deployed yet"}
    part = await ann.see(LIST, "list", text="shop")
    assert 'data-pull="/services/-/list?text=shop"' in part.html
    assert ("shop" in part.links, "blog" in part.links) == (True, False)
    found = await ann.see(LIST, text="SHOP bench")
    assert ("shop" in found.links, "blog" in found.links) == (True, False)
    assert "No service is called like that." in (await ann.see(LIST, text="nowhere")).text


@pytest.mark.usefixtures("runs")
async def test_the_first_page_shows_what_is_under_way_and_what_went_wrong(world: World) -> None:
    ann = await person(world)
    empty = await ann.see(HOME)
    assert "Nothing waits and nothing runs." in empty.text
    assert "headway deploy" in empty.text

    shop, blog = await world.application("shop"), await world.application("blog")
    for _ in range(2):
        await world.ended(shop, Status.ERROR)
    first = await world.deploy(blog)
    await world.claim()
    second = await world.deploy(blog, title="Paint")
    unstable, deployment, _ = await serving(world, "api")
    of_it = deployments.c.deployment_id == deployment
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(of_it).values(unstable=True)))

    seen = await (await person(world)).see(HOME)

    assert f"Deployment {first} of the same service runs." in seen.text
    assert seen.links["Paint"] == f"/deployments/{second}"
    assert seen.links["api"] == f"/services/{unstable}"
    assert "unstable" in seen.text
    assert [row["applicationId"] for row in values_of(seen.view)["failed"]] == [shop]


async def test_the_first_page_leads_to_a_backup_that_fails_and_to_a_server_that_is_away(world: World) -> None:
    made = await world.post("compose.create", name="stack", environmentId=await world.environment())
    backup = await world.post("backup.create", **A_DATABASE, composeId=made["composeId"], name="nightly")
    for _ in range(2):
        await world.post("backup.manualBackupPostgres", backupId=backup["backupId"])
        await world.end(await world.claim(), Status.ERROR, "The destination is full.")
    application = await world.application("shop")
    await world.services.db.run(lambda tx: lose_server_of(tx, application))
    ann = await person(world)

    seen = await ann.see(HOME, "attention")
    assert seen.links["nightly"] == f"/backups/{backup['backupId']}"
    assert "Its newest run did not end well: The destination is full." in seen.text
    assert seen.links["far"] == "/servers/far"
    failed = await ann.see(HOME, "failed")
    assert failed.links["Its backup"] == f"/backups/{backup['backupId']}"

    await world.post("backup.manualBackupPostgres", backupId=backup["backupId"])
    await world.end(await world.claim())
    assert "nightly" not in (await ann.see(HOME, "attention")).links


async def test_what_home_has_not_looked_at_is_never_called_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await world.application("shop")
    for _ in range(4):
        await world.ended(shop, Status.ERROR)
    monkeypatch.setattr(queries, "_SECONDS_OF_A_SEARCH", -1.0)
    monkeypatch.setattr(search.search, "__kwdefaults__", {"rows_of_a_look": 2})
    monkeypatch.setattr(home, "_FAILURES", "lost")  # among all that ended in an error

    seen = await (await person(world)).see(HOME, "failed")

    assert values_of(seen.view)["failed"] == []
    assert "Nothing failed." not in seen.text
    assert "all was looked at" in seen.text
    assert "cursor=" in seen.links["Look further back"]


async def test_the_failures_of_a_day_are_the_newest_of_each_thing(world: World) -> None:
    shop, blog = await world.application("shop"), await world.application("blog")
    for application in (shop, shop, blog):
        await world.ended(application, Status.ERROR)
    rows = (await world.get("deployment.search", status="error"))["rows"]
    assert home.newest_of_each(rows) == [rows[0], rows[1]]


async def test_a_member_is_shown_its_own_services_only(world: World) -> None:
    mine, _, release = await serving(world, "mine")
    other = await world.application("other")
    bob = await person(world, "member")
    assert (await bob.see(LIST)).view.values["total"] == 0
    for page in (LIST, HOME):
        nothing = await bob.see(page)
        assert "You were given nothing yet; an admin can." in nothing.text
        assert "headway deploy" not in nothing.text
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[mine])
    bob = await person(world, "member")

    assert "other" not in (await bob.see(LIST)).links
    assert (await bob.see(ONE, ids={"serviceId": mine})).view.title == "mine"
    await bob.see(ROLLBACK, ids={"serviceId": mine, "releaseId": release})
    await bob.see(HOME)
    for name in ("", *ONE.forms):
        with pytest.raises(NotFound):
            await (bob.asked(ONE, name, serviceId=other) if name else bob.see(ONE, ids={"serviceId": other}))
    for name in ("deploy-application", "stop-application", "cancel-waiting-application"):
        with pytest.raises(NotFound):
            await bob.send(ONE, name, serviceId=other)


async def test_names_from_outside_stay_text(world: World) -> None:
    evil, deployment, release = await serving(world, EVIL)
    of_it = deployments.c.deployment_id == deployment
    await world.services.db.run(lambda tx: tx.execute(update(deployments).where(of_it).values(unstable=True)))
    ann = await person(world)
    for seen in (
        await ann.see(LIST),
        await ann.see(HOME),
        await ann.see(ONE, ids={"serviceId": evil}),
        await ann.see(ROLLBACK, ids={"serviceId": evil, "releaseId": release}),
    ):
        assert "<script>alert" not in seen.html
        assert EVIL in seen.text
