"""The whole life of a pull request whose service is made of several containers, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.boxes import sleepers
from tests.e2e.test_preview_composes import SECONDS, files, left, page, previews, shop
from tests.support.docker.compose import panel_with_engine
from tests.support.docker.docker_engine import Engine
from tests.support.forges.forge import forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Panel, free_port, until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def test_a_preview_of_several_containers_comes_follows_and_leaves_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    port = free_port()
    with forge(tmp_path, files("one", port), SECRET) as git_host:
        compose_id = shop(running, git_host, "shop", previewEnv="LOG_LEVEL=preview", previewWildcard="*.preview.test")
        assert page(running, "shop.example.test") == "one"
        pull = PullRequest(running, git_host, compose_id, 4, of="compose")
        for word in ("two", "three"):
            pull.push(files(word, port))
            row = running.done(pull.tell("synchronize")["deploymentId"], SECONDS)
            assert (row["isPreviewDeployment"], row["composeId"]) == (True, None)
            assert page(running, "shop-pr-4.preview.test") == word
            assert page(running, "shop.example.test") == "one"
        (preview,) = previews(running, compose_id)
        preview_id = preview["previewDeploymentId"]
        assert (preview["composeId"], preview["appName"], preview["previewStatus"]) == (compose_id, "shop-pr-4", "done")
        assert preview["address"].startswith("http://shop-pr-4.preview.test:")
        told = page(running, "shop-pr-4.preview.test", "/env.txt")
        assert "LOG_LEVEL=preview" in told
        assert "of-the-service" not in told
        here = left(docker_engine, preview_id, "shop-pr-4")
        assert all(here.values()), here
        its_own = f"{running.get('compose.one', composeId=compose_id)['appName']}_kept"
        named = ("volume", "ls", "--quiet", "--filter=name=shop")
        assert set(docker_engine.docker(*named).split()) == {"shop-pr-4_kept", its_own}
        projects = running.get("project.all")
        names = [each["name"] for project in projects for env in project["environments"] for each in env["compose"]]
        assert [each for each in names if "#" in each or "-pr-" in each] == [], "a preview is no service of its own"

        stopped = running.post("compose.update", composeId=compose_id, previewSleepHours=0.0001)
        assert stopped["previewSleepHours"] == 0.0001
        running.post("previewDeployment.redeploy", previewDeploymentId=preview_id)
        until(lambda: previews(running, compose_id)[0]["asleepSince"], SECONDS, what="it is asleep")
        one = f"--filter=label=headway.compose={preview_id}"
        until(lambda: not docker_engine.docker("ps", "--quiet", one).strip(), 30, what="nothing of it runs")
        running.post("compose.update", composeId=compose_id, previewSleepHours=None)
        pull.push(files("four", port))
        running.done(pull.tell("synchronize")["deploymentId"], SECONDS)
        assert previews(running, compose_id)[0]["asleepSince"] is None
        assert page(running, "shop-pr-4.preview.test") == "four"

        assert pull.tell("closed", state="closed")["outcome"] == "removed"
        until(lambda: not any(left(docker_engine, preview_id, "shop-pr-4").values()), 30, what="nothing is left")
        assert not list(running.work.rglob(f"*{preview_id}*"))
        assert page(running, "shop.example.test") == "one"
        assert docker_engine.docker(*named).split() == [its_own]
        running.post("compose.delete", composeId=compose_id, deleteVolumes=True)


def test_one_that_is_closed_while_it_builds_and_a_fork_leave_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    with forge(tmp_path, files("one"), SECRET) as git_host:
        compose_id = shop(running, git_host, "stall", previewEnv="LOG_LEVEL=${{project.SHARED}}\nSECRET=of-previews")
        slow = files("slow")
        slow["Dockerfile"] += "RUN sleep 639\n"
        pull = PullRequest(running, git_host, compose_id, 5, of="compose")
        pull.push(slow)
        refused = running.ended(pull.tell("opened")["deploymentId"], SECONDS)
        assert (refused["status"], refused["reason"]) == ("error", "refused"), "there is no such variable"
        running.post("compose.update", composeId=compose_id, previewEnv="LOG_LEVEL=preview\nSECRET=of-previews")
        (preview,) = previews(running, compose_id)
        preview_id = preview["previewDeploymentId"]
        running.post("previewDeployment.redeploy", previewDeploymentId=preview_id)
        building = previews(running, compose_id)[0]["deployments"][0]["deploymentId"]
        until(lambda: sleepers(639), SECONDS, what="it builds")
        running.post("deployment.killProcess", deploymentId=building)
        assert running.get("deployment.one", deploymentId=building)["reason"] == "killed"
        until(lambda: sleepers(639) == [], 30, what="nothing of the build runs")
        pull.push({**slow, "more": "1"})
        pull.tell("synchronize")
        until(lambda: sleepers(639), SECONDS, what="it builds again")
        pull.tell("closed", state="closed")
        until(lambda: not any(left(docker_engine, preview_id, "stall-pr-5").values()), 40, what="nothing is left")
        until(lambda: sleepers(639) == [], 30, what="nothing of the build runs")

        fork = PullRequest(running, git_host, compose_id, 6, fork=True, of="compose")
        fork.push(files("fork"))
        assert fork.tell("opened")["reason"] == "fork"
        (preview,) = previews(running, compose_id)
        fork_id = preview["previewDeploymentId"]
        assert (preview["awaitsApproval"], preview["deployments"], preview["appName"]) == (True, [], "")
        running.post("previewDeployment.approve", previewDeploymentId=fork_id, commit=fork.head)
        (queued,) = previews(running, compose_id)[0]["deployments"]
        assert running.done(queued["deploymentId"], SECONDS)["commit"]["hash"] == fork.head
        told = page(running, "stall-pr-6.localhost", "/env.txt")
        assert "LOG_LEVEL=preview" in told
        assert all(each not in told for each in ("of-previews", "of-the-service"))
        running.post("compose.delete", composeId=compose_id, deleteVolumes=True)
        assert not any(left(docker_engine, fork_id, "stall-pr-6").values())
