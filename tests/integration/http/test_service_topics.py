"""What is saved and not in effect, what runs, what is written, and what is hard to undo, on the pages of a service."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from headway.drivers.buildplan.settings import BuildSettings
from headway.drivers.runtimes.contract.runtime import ReleaseStatus
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.features.services.application.model import AppSettings
from headway.features.services.compose import pending_changes
from headway.features.services.compose.model import ComposeSettings, Record
from headway.features.services.model import ReleaseState
from headway.features.services.pages import output
from headway.features.services.pages.companions import PAGE as COMPANIONS
from headway.features.services.pages.danger import PAGE as DANGER
from headway.features.services.pages.output import PAGE as LOG
from headway.features.services.pages.releases import PAGE as RELEASES
from headway.features.services.pages.service import PAGE as ONE
from headway.features.services.pages.settings import PAGE as SETTINGS
from headway.features.services.pages.variables import PAGE as VARIABLES
from headway.infra.db.tables.services import releases, services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Forbidden, NotFound, Unavailable
from tests.integration.http.page_visits import person
from tests.integration.http.test_service_overview import lose_server_of
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import World

SECRET = "correct-horse-battery"


async def pending(world: World, service_id: str) -> Any:  # noqa: ANN401 - a row of the wire
    return await world.get("service.pending", serviceId=service_id)


def changed(row: Any) -> dict[str, tuple[str | None, str | None, str]]:  # noqa: ANN401 - a row of the wire
    return {each["name"]: (each["before"], each["after"], each["needs"]) for each in row["changes"]}


def serve_instead(tx: Tx, before: str, after: str) -> None:
    for release, state in ((before, ReleaseState.RETIRED), (after, ReleaseState.SERVING)):
        tx.execute(update(releases).where(releases.c.release_id == release).values(state=state))


async def as_it_runs(world: World) -> str:
    """An application that serves with what is saved of it."""
    application, _, _ = await serving(world)
    await world.post("application.update", applicationId=application, customGitUrl="", customGitBranch="")
    row = await pending(world, application)
    assert (row["changes"], row["needs"], row["unknown"]) == ([], None, None), "the release was made of the defaults"
    return application


async def test_what_is_saved_and_does_not_run_is_told_field_by_field(world: World) -> None:
    application = await as_it_runs(world)

    await world.post("application.saveEnvironment", applicationId=application, env=f"NODE_ENV=test\nKEY={SECRET}\n")
    await world.post("application.update", applicationId=application, healthCheckPath="/up")
    row = await pending(world, application)
    assert row["needs"] == "restart"
    assert changed(row) == {
        "NODE_ENV": (None, "test", "restart"),
        "KEY": (None, None, "restart"),
        "healthPath": (None, "/up", "restart"),
    }
    await world.post(
        "application.update", applicationId=application, buildCommand="make", buildSecrets=f"TOKEN={SECRET}"
    )
    row = await pending(world, application)
    assert row["needs"] == "deploy"
    assert changed(row)["buildCommand"] == (None, "make", "deploy")
    assert changed(row)["TOKEN"] == (None, None, "deploy")
    assert SECRET not in str(row)


async def test_what_was_begun_anew_is_not_taken_for_built_anew(world: World) -> None:
    """A restart with what is set now runs with the variables of now, and with what was built before."""
    application, _, built = await serving(world)
    await world.post("application.update", applicationId=application, customGitUrl="", buildCommand="make")
    restarted = await world.kept(application, settings=AppSettings(build=BuildSettings(build="make")), origin=built)
    await world.services.db.run(lambda tx: serve_instead(tx, built, restarted))
    assert changed(await pending(world, application)) == {"buildCommand": (None, "make", "deploy")}


async def test_the_overview_says_what_is_pending_and_what_takes_it_up(world: World) -> None:
    application = await as_it_runs(world)
    ann = await person(world)
    assert "All that is saved is in effect." in (await ann.see(ONE, "pending", {"serviceId": application})).text

    await world.post("application.saveEnvironment", applicationId=application, env=f"NODE_ENV=test\nKEY={SECRET}\n")
    seen = await ann.see(ONE, ids={"serviceId": application})
    assert "Saved, and not in effect" in seen.text
    assert SECRET not in seen.html
    assert seen.links["Restart with them"] == f"/services/{application}/restart-application"
    for page in (VARIABLES, SETTINGS):
        told = await ann.see(page, ids={"serviceId": application})
        assert "2 changes are saved and not in effect: a restart takes all of it up." in told.text
        assert told.links["Restart with them"] == seen.links["Restart with them"]
    question = await ann.asked(ONE, "restart-application", serviceId=application)
    assert "Variable NODE_ENV is new: test" in question.consequences
    _, then = await ann.send(ONE, "restart-application", serviceId=application)
    row = (await world.get("deployment.search", trigger="rollback"))["rows"][0]
    assert then == f"/deployments/{row['deploymentId']}"

    await world.post("application.update", applicationId=application, buildCommand="make")
    seen = await ann.see(ONE, "pending", {"serviceId": application})
    assert "Restart with them" not in seen.links
    assert "The next deploy takes it up" in seen.text


async def test_a_source_with_a_token_is_told_without_it(world: World) -> None:
    application = await as_it_runs(world)
    url = f"https://ann:{SECRET}@git.example/team/repository.git"
    await world.post("application.saveGitProvider", applicationId=application, customGitUrl=url)
    row = await pending(world, application)
    assert "git.example" in str(changed(row)["customGitUrl"])
    assert SECRET not in str(row)


async def test_what_cannot_be_told_is_not_called_nothing(world: World) -> None:
    application = await as_it_runs(world)
    await world.post("application.saveEnvironment", applicationId=application, env="A=${{project.NOT_THERE}}\n")
    row = await pending(world, application)
    assert "NOT_THERE" in row["unknown"]
    seen = await (await person(world)).see(ONE, "pending", {"serviceId": application})
    assert "All that is saved is in effect." not in seen.text
    assert "because" in seen.text


async def test_what_was_never_deployed_has_nothing_pending(world: World) -> None:
    application = await world.application("api")
    row = await pending(world, application)
    assert (row["releaseId"], row["changes"], row["needs"]) == (None, [], None)
    seen = await (await person(world)).see(ONE, "pending", {"serviceId": application})
    assert "takes effect with the first deploy" in seen.text


def test_a_compose_service_is_compared_with_what_its_release_was_made_with() -> None:
    settings = ComposeSettings(compose_file="services: {}")
    record = Record(file={}, made_with=pending_changes.made_with(settings, {"A": "1", "NODE_ENV": "x"}))
    assert Record.load(record.dump()).made_with == record.made_with
    assert pending_changes.changes(record, settings, {"A": "1", "NODE_ENV": "x"}) == []
    other = replace(settings, compose_file="services: {web: {}}", create_env_file=False)
    found = pending_changes.changes(record, other, {"A": "2", "NODE_ENV": "y"})
    told = {
        each.difference.name: (each.difference.before, each.difference.after, each.difference.secret) for each in found
    }
    assert told == {
        "A": (None, None, True),
        "NODE_ENV": ("x", "y", False),
        "composeFile": ("as it was deployed", "changed since", False),
        "createEnvFile": ("yes", "no", False),
    }
    with pytest.raises(pending_changes.NotWrittenDown):
        pending_changes.changes(Record(file={}), settings, {})


def test_a_file_that_was_found_by_another_name_is_kept_and_is_no_pending_change() -> None:
    settings = ComposeSettings(source_type="git")
    made = pending_changes.made_with(settings, {}, path="./compose.yaml")
    record = Record(file={}, made_with=made)
    assert made["settings"]["composePath"] == "./compose.yaml"
    assert pending_changes.changes(record, settings, {}) == []
    (found,) = pending_changes.changes(record, replace(settings, compose_path="./compose.yaml"), {})
    assert (found.difference.before, found.difference.after) == ("./docker-compose.yml", "./compose.yaml")


async def test_what_runs_is_unknown_where_it_cannot_be_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application, _, _ = await serving(world)
    ann = await person(world)
    seen = await ann.see(ONE, "processes", {"serviceId": application})
    assert "Nothing of it runs." in seen.text, "it never was on this machine"

    async def away(_runtime: NativeRuntime, _release_id: str) -> ReleaseStatus:
        raise Unavailable("The process supervisor does not answer.")

    monkeypatch.setattr(NativeRuntime, "status", away)
    seen = await ann.see(ONE, "processes", {"serviceId": application})
    assert "unknown because The process supervisor does not answer." in seen.text
    await world.services.db.run(lambda tx: lose_server_of(tx, application))
    seen = await ann.see(ONE, "processes", {"serviceId": application})
    assert "unknown since 29 Nov 2026, 02:00:00 UTC because its server does not answer" in seen.text
    assert "Nothing of it runs." not in seen.text


async def test_what_is_stopped_runs_nothing(world: World) -> None:
    application, _, _ = await serving(world)
    of_it = services.c.service_id == application
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(wanted="down")))
    assert "Nothing of it runs." in (await (await person(world)).see(ONE, "processes", {"serviceId": application})).text


async def test_the_deployment_of_a_release_is_linked_while_it_is_there(world: World) -> None:
    """Releases and deployments are made at other times: only whether the deployment is there counts."""
    application, deployment, _ = await serving(world)
    older = await world.ended(application)
    await world.kept(application, deployment_id=older)
    ann = await person(world)
    seen = await ann.see(RELEASES, ids={"serviceId": application})
    assert {f"/deployments/{deployment}", f"/deployments/{older}"} <= set(seen.links.values())
    await world.post("deployment.removeDeployment", deploymentId=older)
    seen = await ann.see(RELEASES, ids={"serviceId": application})
    assert f"/deployments/{older}" not in seen.links.values()
    assert "its deployment was removed" in seen.text


async def test_of_what_has_no_log_its_last_words_are_shown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application, _, _ = await serving(world)
    written = "web | GET /one\nworker | \x1b[31mbroken\x1b[0m <b>\nweb | GET /two\n"

    async def read_logs(*_: object) -> str:
        return written

    monkeypatch.setattr(type(world.services.applications), "read_logs", read_logs)
    ann = await person(world)
    seen = await ann.see(LOG, ids={"serviceId": application})
    assert "web | GET /one" in seen.text
    assert "<b>" not in seen.html
    assert 'class="ansi-red"' in seen.html
    assert "Download the whole log" not in seen.links
    monkeypatch.setattr(output, "_MOST_CHARACTERS", 20)
    short = await ann.see(LOG, "lines", {"serviceId": application})
    assert ("GET /two" in short.text, "broken" in short.text) == (True, False)


@pytest.mark.parametrize("kind", ["application", "compose", "postgres"])
async def test_what_goes_is_said_before_and_the_name_is_typed(world: World, kind: str) -> None:
    named = {"databaseName": "shop", "databaseUser": "shop"} if kind == "postgres" else {}
    made = await world.post(f"{kind}.create", name="shop", environmentId=await world.environment(), **named)
    service_id = made[f"{kind}Id"]
    other = await world.environment("elsewhere")
    ann = await person(world)

    seen = await ann.see(DANGER, ids={"serviceId": service_id})
    question = await ann.asked(DANGER, f"remove-{kind}", serviceId=service_id)
    assert (question.typed, question.danger) == ("shop", True)
    assert any("stay" in each for each in question.consequences)
    assert seen.links["Remove"] == f"/services/{service_id}/danger/remove-{kind}"
    moves = (await ann.asked(DANGER, f"move-{kind}", serviceId=service_id)).fields["targetEnvironmentId"].options
    assert moves is not None
    assert other in {each.value for each in moves}
    _, then = await ann.send(DANGER, f"move-{kind}", {"targetEnvironmentId": other}, serviceId=service_id)
    assert then == f"/services/{service_id}"
    assert (await world.get("service.one", serviceId=service_id))["environment"]["environmentId"] == other
    flash, then = await ann.send(DANGER, f"remove-{kind}", serviceId=service_id)
    assert flash.text.startswith("Removed: nothing of it runs any more. What stays: ")
    assert (flash.text.endswith(", and backups at storages."), then) == (True, "/services")
    with pytest.raises(NotFound):
        await ann.see(DANGER, ids={"serviceId": service_id})


async def test_what_goes_along_with_a_service_is_listed(world: World) -> None:
    application = await world.application("shop")
    ann = await person(world)
    empty = await ann.see(COMPANIONS, ids={"serviceId": application})
    for text in ("It has no schedule.", "Nothing of it is backed up.", "It has no preview now."):
        assert text in empty.text
    given = {"name": "sweep", "cronExpression": "0 3 * * *", "command": "true", "scheduleType": "application"}
    await world.post("schedule.create", applicationId=application, **given)
    seen = await ann.see(COMPANIONS, ids={"serviceId": application})
    (schedule,) = await world.get("schedule.list", id=application, scheduleType="application")
    assert seen.links["sweep"] == f"/schedules/{schedule['scheduleId']}"
    assert {
        "Add a schedule": f"/schedules/in/application/{application}/create",
        "See its schedules": f"/schedules?serviceId={application}",
        "Add a backup": f"/backups/of/application/{application}",
        "See its backups": f"/backups?serviceId={application}",
        "Settings of previews": f"/previews/of/application/{application}",
        "See its previews": f"/previews?serviceId={application}",
    }.items() <= seen.links.items()


async def test_a_mount_and_a_port_are_added_and_a_password_is_changed(world: World) -> None:
    application = await world.application("shop")
    ann = await person(world)
    typed = {"type": "file", "mountPath": "/etc/shop", "filePath": "shop", "content": SECRET}
    await ann.send(SETTINGS, "add-mount", typed, serviceId=application)
    await ann.send(
        SETTINGS, "add-port", {"publishedPort": "8081", "targetPort": "80", "protocol": "tcp"}, serviceId=application
    )
    seen = await ann.see(SETTINGS, ids={"serviceId": application})
    assert "8081 of the machine to 80 inside, TCP" in seen.links
    assert "/etc/shop" in seen.links
    assert SECRET not in seen.html
    named = {"databaseName": "shop", "databaseUser": "shop"}
    made = await world.post("postgres.create", name="db", environmentId=await world.environment("data"), **named)
    await ann.send(
        SETTINGS, "password-postgres", {"password": "another-one", "type": "user"}, serviceId=made["postgresId"]
    )
    assert (await world.get("postgres.one", postgresId=made["postgresId"]))["databasePassword"] == "another-one"


async def test_who_may_not_is_offered_nothing_of_it(world: World) -> None:
    application = await as_it_runs(world)
    await world.post("application.update", applicationId=application, buildCommand="make")
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[application])
    bob = await person(world, "member")
    seen = await bob.see(ONE, ids={"serviceId": application})
    assert "make" in seen.text
    assert "Danger" not in seen.links
    assert "Remove" not in (await bob.see(DANGER, ids={"serviceId": application})).links
    with pytest.raises(Forbidden):
        await bob.send(DANGER, "remove-application", serviceId=application)
