"""What can be wrong with a container: each ends with a sentence, and the release of before goes on serving."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web, boxing_panel, containers
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.panel import Json, Panel, commit, git_repository, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

SHELL = "x; touch /tmp/headway-was-here; $(touch /tmp/headway-was-here) `touch /tmp/headway-was-here`"
TRACE = Path("/tmp/headway-was-here")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


@pytest.fixture(scope="module")
def shop(running: Panel, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An application that serves, and its repository."""
    folder = tmp_path_factory.mktemp("git") / "shop"
    application_id = running.application(git_repository(folder, boxed_web("good")), name="shop")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    return application_id, folder


def fails(running: Panel, engine: Engine, application_id: str) -> Json:
    """The row of a deploy that ends badly, and leaves what served."""
    row = running.ended(running.deploy(application_id), BUILD_SECONDS)
    assert row["status"] == "error", running.deployment_log(row["deploymentId"])
    # What had to stop for it, because of a port, is started again as the row ends, and answers a moment later.
    until(lambda: running.visit("shop").text == "good", 20, what="what served serves")
    until(lambda: containers(engine, application_id) == ["running"], 20, what="only the one that serves is there")
    return row


@pytest.mark.parametrize(
    ("dockerfile", "told"),
    [
        ("FORM scratch\n", "unknown instruction: FORM"),
        ("FROM headway-test/not-there:local\n", "headway-test/not-there:local"),
        (f"FROM {BASE_IMAGE}\nRUN exit 9\n", "exit status 9"),
        (DOCKERFILE.replace('"/app.py"]', '"/nowhere.py"]'), "ended 3 times while it was starting"),
    ],
)
def test_a_bad_dockerfile(
    running: Panel, docker_engine: Engine, shop: tuple[str, Path], dockerfile: str, told: str
) -> None:
    application_id, folder = shop
    commit(folder, boxed_web("bad", dockerfile), "a bad one")
    row = fails(running, docker_engine, application_id)
    assert told in row["errorMessage"], row["errorMessage"]


def test_an_unknown_stage(running: Panel, docker_engine: Engine, shop: tuple[str, Path]) -> None:
    application_id, folder = shop
    commit(folder, boxed_web("bad"), "a good one")
    running.post("application.update", applicationId=application_id, dockerBuildStage="nowhere")
    try:
        assert "nowhere" in fails(running, docker_engine, application_id)["errorMessage"]
    finally:
        running.post("application.update", applicationId=application_id, dockerBuildStage=None)


def test_a_published_port_that_somebody_has(running: Panel, docker_engine: Engine, shop: tuple[str, Path]) -> None:
    application_id, folder = shop
    commit(folder, boxed_web("bad"), "a good one")
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        running.post("port.create", applicationId=application_id, publishedPort=port, targetPort=9999)
        (made,) = running.get("application.one", applicationId=application_id)["ports"]
        row = fails(running, docker_engine, application_id)
        assert str(port) in row["errorMessage"], row["errorMessage"]
        running.post("port.delete", portId=made["portId"])


def test_shell_text_in_names_arguments_and_stages_is_refused_or_inert(
    running: Panel, docker_engine: Engine, shop: tuple[str, Path]
) -> None:
    application_id, folder = shop
    dockerfile = DOCKERFILE.replace("EXPOSE", "ARG WORD\nLABEL word=$WORD\nEXPOSE")
    commit(folder, boxed_web("good", dockerfile), "labels")
    running.post("application.update", applicationId=application_id, buildArgs=f"WORD='{SHELL}'")
    running.done(running.deploy(application_id), BUILD_SECONDS)
    running.post("application.update", applicationId=application_id, dockerBuildStage=SHELL)
    fails(running, docker_engine, application_id)
    running.post("application.update", applicationId=application_id, dockerBuildStage=None, buildArgs=None)
    given = {"applicationId": application_id, "dockerImage": f"debian:12 {SHELL}"}
    answer = running.client.post("/application.saveDockerProvider", json=given)
    assert (answer.status_code, "is no name of an image" in answer.json()["message"]) == (400, True), answer.text
    assert not TRACE.exists()
