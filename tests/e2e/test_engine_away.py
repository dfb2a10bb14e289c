"""Containers and an engine that is not there, goes away in the middle, or comes back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.test_rollback_powers import NOT_NOW, POWERFUL, let_in, people_of, privileges
from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web, boxing_panel, containers, images, sleepers
from tests.support.docker.compose import SLEEPS, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, commit, git_repository, panel, until, web

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine of this module's own, which it may stop."""
    started = Engine(tmp_path_factory.mktemp("engine") / "engine")
    try:
        started.start()
        started.load_base_image()
        yield started
    finally:
        started.remove()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", engine) as started:
        yield started


def test_without_an_engine_a_wanted_dockerfile_says_what_to_install_and_files_are_built_natively(
    tmp_path: Path,
) -> None:
    with panel(tmp_path / "data", HEADWAY_DOCKER_HOST=f"unix://{tmp_path}/nowhere.sock") as alone:
        files = {**web("native"), "Dockerfile": DOCKERFILE}
        application_id = alone.application(git_repository(tmp_path / "repo", files), name="alone")
        row = alone.done(alone.deploy(application_id))
        assert "Builder native: there is a Dockerfile, but no container engine" in alone.deployment_log(
            row["deploymentId"]
        )

        alone.post("application.update", applicationId=application_id, buildType="dockerfile")
        row = alone.ended(alone.deploy(application_id))
        assert row["status"] == "error"
        assert "The Docker engine of this machine does not answer" in row["errorMessage"]
        assert "apt-get install docker.io" in row["errorMessage"]
        assert alone.visit("alone").text == "native"


def test_an_engine_that_stops_in_the_middle_of_a_build_ends_it_and_the_old_release_serves_again(
    running: Panel, engine: Engine, tmp_path: Path
) -> None:
    repository = tmp_path / "repo"
    application_id = running.application(git_repository(repository, boxed_web("old")), name="cut")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    commit(repository, boxed_web("new", DOCKERFILE + "RUN sleep 671\n"), "second")
    deployment_id = running.deploy(application_id)
    until(lambda: sleepers(671), BUILD_SECONDS, what="the step runs")

    engine.stop()

    row = running.ended(deployment_id, 60)
    assert (row["status"], row["reason"]) == ("error", "failed"), row
    assert row["errorMessage"]
    assert sleepers(671) == []
    engine.start()
    until(lambda: running.visit("cut").text == "old", 60, what="the old release serves again")


def test_after_an_engine_was_killed_applications_come_up_again_and_a_deploy_works(
    running: Panel, engine: Engine, tmp_path: Path
) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("back")), name="back")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    running.post("application.update", applicationId=application_id, restartPolicy="never")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    engine.stop()
    until(lambda: running.visit("back").status_code == 502, 30, what="it is away")
    engine.start()
    until(lambda: running.visit("back").text == "back", 60, what="it serves again")
    running.done(running.deploy(application_id), BUILD_SECONDS)


def test_a_compose_service_that_ends_well_when_it_is_asked_to_is_up_again_after_the_engine(
    running: Panel, engine: Engine
) -> None:
    ends = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: exit(0)); time.sleep(100000)"
    made = stack(running, engine, "gentle", web={**SLEEPS, "command": ["python3", "-c", ends]})
    made.deploy()
    before = made.containers()
    engine.stop()
    until(lambda: running.client.get("/docker.getContainers").status_code == 503, 20, what="the panel notices")
    time.sleep(3)  # more than a round of what keeps compose services up
    engine.start()
    until(lambda: made.containers() == before, 60, what="its container runs again")


def test_what_was_deleted_while_the_engine_was_away_is_gone_when_it_is_back(
    running: Panel, engine: Engine, tmp_path: Path
) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("x")), name="deleted")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    engine.stop()
    answer = running.client.post("/application.delete", json={"applicationId": application_id})
    assert (answer.status_code, "does not answer" in answer.json()["message"]) == (503, True)
    assert running.client.get("/application.one", params={"applicationId": application_id}).status_code == 404
    engine.start()
    until(lambda: containers(engine, application_id) == [], 60, what="its container is gone")
    until(lambda: images(engine, application_id) == [], 60, what="its image is gone")


def test_releases_are_told_while_the_engine_is_away(running: Panel, engine: Engine, tmp_path: Path) -> None:
    application_id = running.application(git_repository(tmp_path / "repo", boxed_web("x")), name="told")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    engine.stop()
    (release,) = running.get("release.all", applicationId=application_id)
    assert release["state"] == "serving"
    engine.start()
    until(lambda: running.visit("told").text == "x", 60, what="it serves again")


def test_what_was_taken_back_runs_on_and_is_not_started_again(running: Panel, engine: Engine) -> None:
    with people_of(running) as people:
        made = stack(running, engine, "standing", web=POWERFUL)
        made.change(allowHostAccess=True)
        let_in(running, people, made.compose_id)
        made.deploy()
        before = made.containers()
        made.change(allowHostAccess=False)
        held = "{{.HostConfig.RestartPolicy.Name}}"
        (container,) = before["web"]
        until(lambda: engine.docker("inspect", "--format", held, container).strip() == "no", 20, what="it is held")
        assert made.containers() == before, "what runs goes on"
        for procedure, body in (
            ("compose.start", {"composeId": made.compose_id}),
            ("docker.restartContainer", {"containerId": container}),
        ):
            for client in people.all:
                answer = client.post(f"/{procedure}", json=body)
                assert (answer.status_code, NOT_NOW in answer.text) == (403, True), (procedure, answer.text)

        running.kill()
        running.start()  # another panel starts nothing of it, and ends nothing
        until(lambda: made.containers() == before, 20)
        engine.stop()
        engine.start()
        said = f"compose service {made.compose_id} is not as it is wanted: The use of the host"
        until(lambda: said in running.log(), 30, what="it is named")
        assert made.containers() == {}

        made.change(allowHostAccess=True)
        until(lambda: privileges(engine, made) == [(True, "host")], 30, what="it serves again once it may")
        (container,) = made.containers()["web"]
        until(lambda: engine.docker("inspect", "--format", held, container).strip() == "always", 20, what="let go")
