"""The life of a pull request whose application is a container, on a real engine, in short;
``script/prove preview_containers`` is the whole of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import BUILD_SECONDS, boxed_web, boxing_panel, containers, images
from tests.support.docker.docker_engine import Engine
from tests.support.forges.forge import forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Panel, until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with boxing_panel(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def test_a_preview_in_a_container_comes_and_leaves_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    with forge(tmp_path, boxed_web("one"), SECRET) as git_host:
        settings = {"customGitBranch": "main", "webhookSecret": SECRET, "isPreviewDeploymentsActive": True}
        application_id = running.application(git_host.url, "boxlife", previewPort=3000, **settings)
        running.done(running.deploy(application_id), BUILD_SECONDS)
        pull = PullRequest(running, git_host, application_id, 4)
        pull.push(boxed_web("two"))
        running.done(pull.tell("opened")["deploymentId"], BUILD_SECONDS)
        assert (running.visit("boxlife-pr-4").text, running.visit("boxlife").text) == ("two", "one")
        (preview,) = running.get("previewDeployment.all", applicationId=application_id)
        preview_id = preview["previewDeploymentId"]
        assert (containers(docker_engine, preview_id), len(images(docker_engine, preview_id))) == (["running"], 1)
        assert pull.tell("closed", state="closed")["outcome"] == "removed"
        until(lambda: containers(docker_engine, preview_id) == [], 20, what="its containers are gone")
        until(lambda: images(docker_engine, preview_id) == [], 20, what="its images are gone")
        until(lambda: running.visit("boxlife-pr-4").status_code == 404, 20, what="its address leads nowhere")
        assert (containers(docker_engine, application_id), running.visit("boxlife").text) == (["running"], "one")
