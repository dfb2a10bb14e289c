"""The whole life of a pull request whose application is a container, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, DOCKERFILE, boxed_web, boxing_panel, containers, images, sleepers
from tests.support.docker.docker_engine import Engine
from tests.support.forges.forge import forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Panel, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def test_a_preview_in_a_container_comes_follows_and_leaves_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    with forge(tmp_path, boxed_web("one"), SECRET) as git_host:
        settings = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True}
        application_id = running.application(git_host.url, "boxlife", previewPort=3000, **settings)
        running.done(running.deploy(application_id), BUILD_SECONDS)
        pull = PullRequest(running, git_host, application_id, 4)
        for version in ("two", "three"):
            pull.push(boxed_web(version))
            running.done(pull.tell("synchronize")["deploymentId"], BUILD_SECONDS)
            assert running.visit("boxlife-pr-4").text == version
        (preview,) = running.get("previewDeployment.all", applicationId=application_id)
        preview_id = preview["previewDeploymentId"]
        until(lambda: containers(docker_engine, preview_id) == ["running"], 20, what="one container of it")
        assert running.visit("boxlife").text == "one"

        asked = []
        for number in range(5):
            pull.push(boxed_web(f"quick {number}"))
            asked.append(pull.tell("synchronize")["deploymentId"])
        ends = [running.ended(each, 2 * BUILD_SECONDS) for each in asked]
        assert all(each["status"] == "done" or each["reason"] == "superseded" for each in ends)
        assert (ends[-1]["status"], running.visit("boxlife-pr-4").text) == ("done", "quick 4")
        until(lambda: containers(docker_engine, preview_id) == ["running"], 30, what="one container of it")

        running.post("application.update", applicationId=application_id, previewLabels=["preview"])
        assert pull.tell("unlabeled")["reason"] == "preview_removed"
        until(lambda: containers(docker_engine, preview_id) == [], 30, what="without its label it is gone")
        pull.labels = ["preview"]
        pull.push(boxed_web("slow", dockerfile=f"{DOCKERFILE}RUN sleep 638\n"))
        building = pull.tell("labeled")["deploymentId"]
        (preview,) = running.get("previewDeployment.all", applicationId=application_id)
        running.running(building, "sleep 638", BUILD_SECONDS)
        until(lambda: sleepers(638), BUILD_SECONDS, what="it builds")
        pull.tell("closed", state="closed")
        closed_id = preview["previewDeploymentId"]
        until(lambda: images(docker_engine, closed_id) == [], 30, what="its images are gone")
        assert containers(docker_engine, closed_id) == []
        until(lambda: sleepers(638) == [], 30, what="nothing of the build runs")

        pull.push(boxed_web("again"))
        running.done(pull.tell("reopened")["deploymentId"], BUILD_SECONDS)
        (preview,) = running.get("previewDeployment.all", applicationId=application_id)
        preview_id, name = preview["previewDeploymentId"], preview["appName"]
        assert running.visit(name).text == "again"
        assert pull.tell("closed", state="closed")["outcome"] == "removed"
        until(lambda: containers(docker_engine, preview_id) == [], 20, what="its containers are gone")
        until(lambda: images(docker_engine, preview_id) == [], 20, what="its images are gone")
        until(lambda: running.visit(name).status_code == 404, 20, what="its address leads nowhere")
        assert containers(docker_engine, application_id) == ["running"]
        assert running.visit("boxlife").text == "one"
