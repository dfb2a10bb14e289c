"""``service.down``, and the pages that say it: what has died for good is nowhere said to serve."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import update

from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus, ReleaseStatus
from headway.drivers.runtimes.process.runtime import NativeRuntime
from headway.features.home.pages.home import PAGE as HOME
from headway.features.services.model import ReleaseState
from headway.features.services.pages.releases import PAGE as RELEASES
from headway.features.services.pages.service import PAGE as ONE
from headway.features.services.pages.service_list import PAGE as LIST
from headway.infra.db.tables.deployments import deployments
from headway.infra.db.tables.services import services
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Unavailable
from tests.integration.http.page_visits import Seen, person
from tests.integration.http.test_service_overview import lose_server_of
from tests.integration.http.test_service_pages import serving
from tests.integration.http.world import REPOSITORY, World

GIVEN_UP = ProcessStatus(
    name="web", state=ProcessState.GIVEN_UP, pid=None, since=None, exits=5, last_exit="exit status 1"
)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every release is given up; which were looked at."""
    found: list[str] = []

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        found.append(release_id)
        return ReleaseStatus(release_id=release_id, processes=(GIVEN_UP,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    return found


def without_choices(seen: Seen) -> str:
    """What a page says but for the states among which one chooses, and serving is one of them."""
    return re.sub(r"<select.*?</select>", "", seen.html, flags=re.DOTALL)


async def _of_yesterday(world: World) -> tuple[str, str]:
    """(service, release) of an application whose deployment ended a day ago: nobody marks that as unstable any more."""
    application, deployment, release = await serving(world)

    def age(tx: Tx) -> None:
        ended = {"finished_at": tx.now - timedelta(days=1)}
        tx.execute(update(deployments).where(deployments.c.deployment_id == deployment).values(**ended))

    await world.services.db.run(age)
    return application, release


@pytest.mark.usefixtures("looked")
async def test_what_has_died_for_good_serves_nowhere(world: World) -> None:
    application, _ = await _of_yesterday(world)

    told = {"names": ["web"], "all": True, "since": None, "exits": 5, "lastExit": "exit status 1"}
    told |= {"unknown": False, "why": None, "runs": False}
    assert await world.get("service.down") == [{"serviceId": application, **told}]
    ann = await person(world)
    for seen in (
        await ann.see(LIST),
        await ann.see(HOME, "attention"),
        await ann.see(ONE, "standing", {"serviceId": application}),
    ):
        assert "does not run ended 5 times, last by exit status 1" in seen.text
        assert "tone-good" not in seen.html
        assert "serves" not in without_choices(seen)
    assert "Nothing is known to be wrong." not in (await ann.see(HOME)).text


async def test_what_runs_and_does_not_serve_is_told_with_why_and_without_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _ = await _of_yesterday(world)
    await world.post("application.update", applicationId=application, env="API_SECRET=hushed-for-good")
    lacks = "runs, but its health check fails: <b>401</b>\nfor hushed-for-good"
    unfit = ProcessStatus(
        name="web", state=ProcessState.RUNNING, pid=7, since=None, exits=0, last_exit=None, lacks=lacks
    )

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        return ReleaseStatus(release_id=release_id, processes=(unfit,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    (told,) = await world.get("service.down")
    assert (told["all"], told["exits"], told["runs"]) == (True, 0, True)
    assert told["why"].startswith("runs, but its health check fails: <b>401</b> for ")
    assert "hushed-for-good" not in told["why"]
    ann = await person(world)
    for seen in (
        await ann.see(LIST),
        await ann.see(HOME, "attention"),
        await ann.see(ONE, "standing", {"serviceId": application}),
    ):
        assert "does not serve runs, but its health check fails: <b>401</b> for" in seen.text
        assert "tone-good" not in seen.html
        assert "<b>401" not in seen.html
        assert "hushed-for-good" not in seen.html
    assert "It is to serve, and its machine says that nothing of it does." in (await ann.see(HOME, "attention")).text


@pytest.mark.parametrize("change", [{"wanted": "down"}, {"wanted": "held"}, {"status": "running"}])
async def test_what_is_not_to_run_now_is_not_looked_at(world: World, looked: list[str], change: dict[str, str]) -> None:
    application, _ = await _of_yesterday(world)
    of_it = services.c.service_id == application
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(**change)))

    assert await world.get("service.down") == []
    assert looked == []


async def test_what_a_server_does_that_does_not_answer_is_unknown_and_it_is_not_asked(
    world: World, looked: list[str]
) -> None:
    application, _ = await _of_yesterday(world)
    await world.services.db.run(lambda tx: lose_server_of(tx, application))

    (told,) = await world.get("service.down")
    assert (told["serviceId"], told["unknown"], told["since"]) == (application, True, "2026-11-29T02:00:00.000Z")
    assert told["why"] == "its server does not answer"
    assert looked == []


@pytest.mark.parametrize("known", [set(), {"of this"}])
async def test_what_is_not_there_any_more_serves_nowhere(
    world: World, monkeypatch: pytest.MonkeyPatch, known: set[str]
) -> None:
    application, release = await _of_yesterday(world)

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        return ReleaseStatus(release_id=release_id, processes=())

    async def left(_runtime: NativeRuntime) -> set[str]:
        return {release} if known else set()

    monkeypatch.setattr(NativeRuntime, "status", status)
    monkeypatch.setattr(NativeRuntime, "known", left)
    (told,) = await world.get("service.down")
    gone = None if known else "nothing of it is on its machine any more"
    assert (told["serviceId"], told["all"], told["exits"], told["why"]) == (application, True, 0, gone)
    ann = await person(world)
    for seen in (await ann.see(LIST), await ann.see(HOME), await ann.see(ONE, ids={"serviceId": application})):
        assert "does not run" in seen.text
        assert "Nothing is known to be wrong." not in seen.text
    world.services.troubles.note("services", application, "api is not as it is wanted: It is gone; deploy it again.")
    assert "does not run api is not as it is wanted: It is gone; deploy it again." in (await ann.see(LIST)).text


async def test_many_who_look_at_once_are_one_look(world: World, looked: list[str]) -> None:
    _, release = await _of_yesterday(world)
    for _ in range(3):
        assert len(await world.get("service.down")) == 1
    assert looked == [release]


@pytest.mark.parametrize("error", [Unavailable("supervisord does not answer"), KeyError("of nobody's foresight")])
async def test_one_that_cannot_be_asked_keeps_nobody_from_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    first, away = await _of_yesterday(world)
    other, _, down = await serving(world, "other")

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        if release_id == away:
            raise error
        return ReleaseStatus(release_id=release_id, processes=(GIVEN_UP,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    of = {each["serviceId"]: each for each in await world.get("service.down")}
    assert {each: row["unknown"] for each, row in of.items()} == {first: True, other: False}
    (told,) = await world.get("service.down", serviceId=first)
    assert (told["all"], told["since"]) == (False, of[first]["since"])
    why = str(error) if isinstance(error, Unavailable) else "its machine answered what the panel does not understand"
    assert told["why"] == why
    assert down
    ann = await person(world)
    for seen in (
        await ann.see(LIST),
        await ann.see(HOME, "attention"),
        await ann.see(ONE, "standing", {"serviceId": first}),
        await ann.see(RELEASES, ids={"serviceId": first}),
    ):
        assert "serves" not in without_choices(seen)
    assert f"because {why}" in (await ann.see(HOME, "attention")).text


@pytest.mark.usefixtures("looked")
async def test_nobody_is_told_of_what_they_may_not_see(world: World) -> None:
    application, _ = await _of_yesterday(world)
    for caller in (world.member, world.stranger):
        assert (await caller.get("/service.down")).json() == []
        assert (await caller.get("/service.down", params={"serviceId": application})).status_code == 404
    member = next(each for each in await world.get("user.all") if each["user"]["name"] == "member")
    await world.post("user.assignPermissions", id=member["userId"], accessedServices=[application])
    assert [each["serviceId"] for each in (await world.member.get("/service.down")).json()] == [application]


@pytest.mark.usefixtures("looked")
async def test_where_it_is_not_known_in_time_that_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from headway.pages import service_states

    application, _ = await _of_yesterday(world)
    monkeypatch.setattr(service_states, "_SECONDS", 0.0)
    ann = await person(world)
    for seen in (await ann.see(ONE, "standing", {"serviceId": application}), await ann.see(LIST)):
        assert "unknown because It was not answered within 0 seconds." in seen.text
        assert "serves" not in without_choices(seen)


async def test_a_machine_that_does_not_answer_keeps_no_other_organisation_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, slow = await _of_yesterday(world)
    theirs, _ = await _of_strangers(world)
    begun, over = asyncio.Event(), asyncio.Event()

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        if release_id == slow:
            begun.set()
            await over.wait()
        return ReleaseStatus(release_id=release_id, processes=(GIVEN_UP,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    asking = asyncio.create_task(world.get("service.down"))
    try:
        await begun.wait()
        async with asyncio.timeout(1):
            (told,) = (await world.stranger.get("/service.down")).json()
        assert (told["serviceId"], asking.done()) == (theirs, False)
        (told,) = await asking
        assert (told["unknown"], told["why"]) == (True, "it was not answered within 1.5 seconds")
    finally:
        over.set()


async def test_what_is_answered_late_is_told_to_who_looks_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await _of_yesterday(world)

    async def status(_runtime: NativeRuntime, release_id: str) -> ReleaseStatus:
        await asyncio.sleep(1.7)
        return ReleaseStatus(release_id=release_id, processes=(GIVEN_UP,))

    monkeypatch.setattr(NativeRuntime, "status", status)
    (told,) = await world.get("service.down")
    assert told["unknown"]
    (told,) = await world.get("service.down")
    assert (told["unknown"], told["exits"]) == (False, 5)


async def _of_strangers(world: World) -> tuple[str, str]:
    """(service, release) of an application of another organisation, which serves."""
    project = (await world.stranger.post("/project.create", json={"name": "theirs"})).json()
    place = {"environmentId": project["environment"]["environmentId"], "customGitUrl": REPOSITORY}
    made = (await world.stranger.post("/application.create", json={"name": "theirs", **place})).json()
    application = str(made["applicationId"])
    release = await world.kept(application, state=ReleaseState.SERVING)
    up = {"wanted": "up", "status": "done", "serving_release_id": release}
    of_it = services.c.service_id == application
    await world.services.db.run(lambda tx: tx.execute(update(services).where(of_it).values(**up)))
    return application, release
