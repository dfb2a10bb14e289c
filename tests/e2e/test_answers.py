"""What counts as healthy: an HTTP answer of processes that stay; else the release before goes on, or serves again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, boxing_panel
from tests.support.applications.answering import (
    BROKEN_AT_FIRST_REQUEST,
    BROKEN_AT_IMPORT,
    DIES_AFTER_TEN,
    FALLS_SILENT,
    LEAVES_AT_THE_EDGE,
    SERVES,
    SERVES_SLOWLY,
    TALKS_OF_ITSELF,
)
from tests.support.applications.led import Led, require_given_back
from tests.support.applications.visitors import CALM_SECONDS, Visitors
from tests.support.docker.compose import SERVES as SERVES_COMPOSED
from tests.support.docker.compose import SLEEPS, Stack, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Panel, commit, git_repository, until, web

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

BREAKS = {"import": BROKEN_AT_IMPORT, "first": BROKEN_AT_FIRST_REQUEST}
FORMS = ("native", "container")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("answers") / "data"
    with boxing_panel(folder, docker_engine, HEADWAY_DRAIN_TIME="6", HEADWAY_HEALTH_DEADLINE="20") as started:
        yield started


def files(form: str, app: str) -> dict[str, str]:
    """The files of an application of that form."""
    return {**(web("") if form == "native" else boxed_web("")), "app.py": app}


def served(running: Panel, folder: Path, form: str, name: str, program: str = SERVES) -> str:
    """An application whose release answers; its id."""
    fields = {} if form == "native" else {"buildType": "dockerfile"}
    application_id = running.application(git_repository(folder / name, files(form, program)), name=name, **fields)
    running.done(running.deploy(application_id), BUILD_SECONDS)
    return application_id


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("breaks", BREAKS)
def test_a_release_that_never_answers_gets_no_request(shared: Panel, tmp_path: Path, form: str, breaks: str) -> None:
    name = f"{form}-{breaks}"
    application_id = served(shared, tmp_path, form, name)
    commit(tmp_path / name, files(form, BREAKS[breaks]), "break it")
    with Visitors(shared.edge_port, [name], kept=49, pause_seconds=CALM_SECONDS) as visitors:
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = shared.deploy(application_id)
        shared.comes_to(deployment_id, "start", BUILD_SECONDS)
        visitors.hurry(0.005)
        row = shared.ended(deployment_id, BUILD_SECONDS)
        before = visitors.count
        until(lambda: visitors.count > before + 100, what="more of them came")
    print(f"{name}: {visitors.count} requests, {len(visitors.failures)} failed; {row['errorMessage']}")
    assert row["status"] == "error", (row, shared.deployment_log(row["deploymentId"]))
    assert visitors.failures == []
    assert set(visitors.answers) == {(name, "old")}


@pytest.mark.parametrize(("form", "how"), [("native", "reads"), ("native", "posts"), ("container", "reads")])
def test_a_release_that_dies_under_requests_gives_them_back(shared: Panel, tmp_path: Path, form: str, how: str) -> None:
    name = f"{form}-{how}"
    application_id = served(shared, tmp_path, form, name, SERVES_SLOWLY)
    commit(tmp_path / name, files(form, DIES_AFTER_TEN), "die amid the eleventh answer")
    with (
        Led(shared, f"{name}.localhost") as led,
        Visitors(shared.edge_port, [name], kept=49, pause_seconds=CALM_SECONDS, post=how == "posts") as visitors,
    ):
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = shared.deploy(application_id)
        shared.comes_to(deployment_id, "start", BUILD_SECONDS)
        visitors.hurry()
        shared.ended(deployment_id, BUILD_SECONDS)
        until(lambda: shared.one(deployment_id)["errorMessage"], what="it is told")
        before = visitors.count
        until(lambda: visitors.count > before + 500, what="more of them came")
    row = shared.one(deployment_id)
    require_given_back(name, visitors, led, post=how == "posts")
    assert "ended by itself" in row["errorMessage"]
    assert shared.visit(name).text == "old"
    assert row["status"] == "error" or row["unstable"]
    assert shared.get("application.one", applicationId=application_id)["servingReleaseId"] != deployment_id


@pytest.mark.parametrize("form", FORMS)
def test_what_nobody_answers_for_is_told_by_its_end(shared: Panel, tmp_path: Path, form: str) -> None:
    """Its port is shut before it ends, as it is to see where an engine is late to tell of an end."""
    name = f"{form}-leaves"
    application_id = served(shared, tmp_path, form, name)
    commit(tmp_path / name, files(form, LEAVES_AT_THE_EDGE), "leave")
    row = shared.ended(shared.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error"
    assert "The release ended by itself after it was healthy, with exit status 3" in row["errorMessage"]
    assert shared.visit(name).text == "old"


@pytest.mark.parametrize("form", FORMS)
def test_a_release_that_answers_nobody_does_not_see_the_one_before_out(
    shared: Panel, tmp_path: Path, form: str
) -> None:
    """Its process lives on while it ends, as of servers that wait for what their workers have open: longer than the
    release before drains.
    """
    name = f"{form}-silent"
    application_id = served(shared, tmp_path, form, name)
    before = shared.get("application.one", applicationId=application_id)["servingReleaseId"]
    commit(tmp_path / name, files(form, FALLS_SILENT), "fall silent")
    deployment_id = shared.deploy(application_id)
    shared.done(deployment_id, BUILD_SECONDS)
    assert shared.visit(name, "/silence?14").text == "new"

    def told() -> str:
        return shared.one(deployment_id)["errorMessage"] or ""

    until(lambda: "the one before serves again" in told(), 60, what="it is told")
    assert "ended by itself" in told()
    assert shared.one(deployment_id)["unstable"]
    assert shared.get("application.one", applicationId=application_id)["servingReleaseId"] == before
    assert shared.visit(name).text == "old"


def test_the_edge_knows_nothing_of_a_release_that_has_drained(shared: Panel, tmp_path: Path) -> None:
    application_id = served(shared, tmp_path, "native", "drains")
    ((port,),) = (each["ports"] for each in shared.get("release.all", applicationId=application_id))
    shared.done(shared.deploy(application_id))
    route = shared.data_dir / "edge" / "routes" / f"{application_id}.yml"
    assert f"http://127.0.0.1:{port}" in route.read_text()

    def is_over() -> bool:
        releases = shared.get("release.all", applicationId=application_id)
        return not any(port in each["ports"] for each in releases)

    until(is_over, what="the end of the release before")
    assert f"http://127.0.0.1:{port}" not in route.read_text()
    assert shared.visit("drains").text == "old"


def test_what_answers_no_http_is_deployed_with_a_warning(shared: Panel, tmp_path: Path) -> None:
    url = git_repository(tmp_path / "mail", files("native", TALKS_OF_ITSELF))
    row = shared.done(shared.deploy(shared.application(url, name="mail")))
    assert "answers no HTTP, so nobody is served at its addresses" in row["errorMessage"]
    assert "no server of HTTP as the edge asks it: it takes connections" in shared.deployment_log(row["deploymentId"])


def test_what_answered_before_has_to_answer_again(shared: Panel, tmp_path: Path) -> None:
    application_id = served(shared, tmp_path, "native", "web")
    shared.post("application.update", applicationId=application_id, healthDeadlineSeconds=8)
    commit(tmp_path / "web", files("native", TALKS_OF_ITSELF), "become a mail server")
    row = shared.ended(shared.deploy(application_id))
    assert row["status"] == "error"
    assert "It has to answer HTTP there, as the release before does" in row["errorMessage"]
    assert shared.visit("web").text == "old"


def test_a_wrong_port_of_a_container_is_told_within_five_seconds(shared: Panel, tmp_path: Path) -> None:
    application_id = shared.application(
        git_repository(tmp_path / "wrong", files("container", SERVES.replace('int(os.environ["PORT"])', "3001"))),
        name="wrong",
        buildType="dockerfile",
    )
    deployment_id = shared.deploy(application_id)
    said = "listens on 0.0.0.0:3001 instead."
    until(lambda: said in shared.deployment_log(deployment_id), BUILD_SECONDS, what="it is told")
    (step,) = (each for each in shared.one(deployment_id)["steps"] if each["name"] == "health check")
    told = datetime.now(UTC) - datetime.fromisoformat(step["startedAt"])
    assert told < timedelta(seconds=5)
    (line,) = (each for each in shared.deployment_log(deployment_id).splitlines() if said in each)
    assert line.startswith("Not healthy after 3 s: ")
    assert "It has to listen on port 3000 of 0.0.0.0 (the variable PORT can name another)" in line
    assert line.endswith("It is waited for until 20 s have passed.")
    row = shared.ended(deployment_id, 60)
    assert (row["status"], said in row["errorMessage"]) == ("error", True)


def service(program: str) -> dict[str, Any]:
    """A service whose next containers are begun beside those that serve."""
    return {
        "image": BASE_IMAGE,
        "command": ["python3", "-c", program.replace("$", "$$")],
        "environment": {"PORT": "3000"},
        "healthcheck": {**SERVES_COMPOSED["healthcheck"], "test": ["CMD", "true"]},
        "stop_grace_period": "1s",
    }


@pytest.fixture
def shop(shared: Panel, docker_engine: Engine) -> Iterator[Stack]:
    made = stack(shared, docker_engine, "shop")
    yield made
    shared.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)


def test_a_compose_service_that_dies_under_requests_gives_them_back(shared: Panel, shop: Stack) -> None:
    shared.post("domain.create", composeId=shop.compose_id, host="dies.example", serviceName="web", port=3000)
    shop.deploy(web=service(SERVES_SLOWLY), other=SLEEPS)
    shop.write(web=service(DIES_AFTER_TEN), other=SLEEPS)
    before = shop.containers()
    with (
        Led(shared, "dies.example") as led,
        Visitors(shared.edge_port, ["dies.example"], kept=49, pause_seconds=CALM_SECONDS) as visitors,
    ):
        until(lambda: visitors.count > 100, what="visitors are there")
        deployment_id = shop.begin()
        shared.comes_to(deployment_id, "start beside", BUILD_SECONDS)
        visitors.hurry()
        shared.ended(deployment_id, BUILD_SECONDS)
        until(lambda: shared.one(deployment_id)["errorMessage"], what="it is told")
        count = visitors.count
        until(lambda: visitors.count > count + 500, what="more of them came")
    row = shared.one(deployment_id)
    require_given_back("dies.example", visitors, led, post=False)
    assert "ended by itself" in row["errorMessage"]
    assert row["status"] == "error" or row["unstable"]
    assert shop.one()["composeStatus"] == "error"
    until(lambda: shop.containers(running=False) == before, 20, what="only those of before are there")


def test_what_no_container_answers_for_is_told_by_its_end(shared: Panel, shop: Stack) -> None:
    shared.post("domain.create", composeId=shop.compose_id, host="leaves.localhost", serviceName="web", port=3000)
    shop.deploy(web=service(SERVES), other=SLEEPS)
    row = shop.fail(web=service(LEAVES_AT_THE_EDGE), other=SLEEPS)
    assert row["status"] == "error"
    assert "A container ended by itself after it was up" in row["errorMessage"]
    assert shared.visit("leaves").text == "old"


def test_containers_that_answer_nobody_do_not_see_those_before_out(shared: Panel, shop: Stack) -> None:
    shared.post("domain.create", composeId=shop.compose_id, host="stilled.localhost", serviceName="web", port=3000)
    shop.deploy(web=service(SERVES), other=SLEEPS)
    before = shop.containers()
    deployment_id = shop.deploy(web=service(FALLS_SILENT), other=SLEEPS)["deploymentId"]
    assert shared.visit("stilled", "/silence?14").text == "new"
    told = "A container of web ended by itself soon after requests came to it; the containers before serve again."
    until(lambda: shared.one(deployment_id)["errorMessage"] == told, 60, what="it is told")
    assert shared.one(deployment_id)["unstable"]
    assert shop.one()["composeStatus"] == "error"
    assert shared.visit("stilled").text == "old"
    until(lambda: shop.containers(running=False) == before, 40, what="only those of before are there")


def test_what_a_compose_service_answered_before_it_has_to_answer_again(shared: Panel, shop: Stack) -> None:
    shared.post("domain.create", composeId=shop.compose_id, host="mail.example", serviceName="web", port=3000)
    shop.deploy(web=service(SERVES))
    before = shop.containers()
    shop.change(healthDeadlineSeconds=8)
    shop.write(web=service(TALKS_OF_ITSELF))
    with Visitors(shared.edge_port, ["mail.example"], pause_seconds=0.01) as visitors:
        row = shared.ended(shop.begin(), BUILD_SECONDS)
        count = visitors.count
        until(lambda: visitors.count > count + 20, what="more of them came")
    assert row["status"] == "error", shared.deployment_log(row["deploymentId"])
    assert "The service web does not answer at port 3000, as it did before" in row["errorMessage"]
    assert (visitors.failures, set(visitors.answers)) == ([], {("mail.example", "old")})
    until(lambda: shop.containers(running=False) == before, 20, what="only those of before are there")


def test_a_wrong_port_of_a_compose_service_is_told_within_five_seconds(shared: Panel, shop: Stack) -> None:
    shared.post("domain.create", composeId=shop.compose_id, host="wrong.example", serviceName="web", port=3001)
    shop.write(web=service(SERVES))
    deployment_id = shop.begin()
    until(lambda: "does not answer on port 3001" in shared.deployment_log(deployment_id), 60, what="it is told")
    (step,) = (each for each in shared.one(deployment_id)["steps"] if each["name"] == "answers")
    told = datetime.now(UTC) - datetime.fromisoformat(step["startedAt"])
    assert told < timedelta(seconds=5)
    assert "It listens on 0.0.0.0:3000 instead." in shared.deployment_log(deployment_id)
    row = shared.done(deployment_id, 60)
    assert "Nobody is served at the domains of web:3001" in row["errorMessage"]
