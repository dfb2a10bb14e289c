"""The life of a pull request whose service is made of several containers, on a real engine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose import SERVES, panel_with_engine
from tests.docker_engine import BASE_IMAGE, Engine
from tests.forge import Forge, forge
from tests.panel import Panel, free_port, until
from tests.pull_requests import SECRET, PullRequest

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(400)]

Json = Any
SECONDS = 90


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    with panel_with_engine(tmp_path_factory.mktemp("panel") / "data", docker_engine) as started:
        yield started


def files(word: str, port: int = 0) -> dict[str, str]:
    """A compose file with what two cannot have at a time: a published port, a volume and a name of its own. What it
    serves is written into an image that is built of it, with what it was given of the variables.
    """
    page = f"FROM {BASE_IMAGE}\nRUN mkdir /site && echo {word} > /site/index.html\nWORKDIR /site\n"
    web = {
        **SERVES,
        "image": None,
        "build": ".",
        "container_name": "the-only-one",
        "environment": {"SECRET": "${SECRET:-none}", "LOG_LEVEL": "${LOG_LEVEL:-none}"},
        "command": ["sh", "-c", "env > /site/env.txt; exec python3 -m http.server 8080"],
        "volumes": ["kept:/kept"],
    }
    web.pop("image")
    if port:
        web["ports"] = [f"127.0.0.1:{port}:8080"]
    db = {"image": BASE_IMAGE, "command": ["sleep", "1000"], "stop_grace_period": "0s"}
    return {
        "docker-compose.yml": json.dumps({"services": {"web": web, "db": db}, "volumes": {"kept": {}}}),
        "Dockerfile": page,
    }


def shop(running: Panel, git_host: Forge, name: str, **fields: Json) -> str:
    """A compose service that serves and has previews."""
    project = running.post("project.create", name=name)
    environment_id = project["environment"]["environmentId"]
    made = running.post("compose.create", name=name, environmentId=environment_id, sourceType="git")
    compose_id: str = made["composeId"]
    source = {"customGitUrl": git_host.url, "customGitBranch": "main", "webhookSecret": SECRET}
    running.post(
        "compose.update",
        composeId=compose_id,
        isPreviewDeploymentsActive=True,
        env="SECRET=of-the-service",
        settleSeconds=1,
        **source,
        **fields,
    )
    running.post("domain.create", composeId=compose_id, host=f"{name}.example.test", serviceName="web", port=8080)
    answer = running.client.post("/compose.deploy", json={"composeId": compose_id})
    running.done(answer.headers["x-deployment-id"], SECONDS)
    return compose_id


def page(running: Panel, host: str, path: str = "/") -> str:
    """What answers at a host name."""
    url = f"http://127.0.0.1:{running.edge_port}{path}"
    return httpx.get(url, headers={"host": host}, timeout=10, trust_env=False).text.strip()


def left(engine: Engine, preview_id: str, app_name: str) -> Mapping[str, str]:
    """Everything that the engine has of a preview."""
    mine = f"--filter=label=headway.compose={preview_id}"
    return {
        "containers": engine.docker("ps", "--all", "--quiet", mine).strip(),
        "networks": engine.docker("network", "ls", "--quiet", mine).strip(),
        "volumes": engine.docker("volume", "ls", "--quiet", mine).strip(),
        "images": engine.docker("images", "--quiet", f"headway-compose/{app_name}/*").strip(),
        "built": engine.docker("images", "--all", "--quiet", mine).strip(),
    }


def previews(running: Panel, compose_id: str) -> list[Json]:
    found: list[Json] = running.get("previewDeployment.all", composeId=compose_id)
    return found


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
        assert docker_engine.docker("volume", "ls", "--quiet", "--filter=name=shop").split() == [
            "shop-pr-4_kept",
            "shop_kept",
        ]
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
        assert docker_engine.docker("volume", "ls", "--quiet", "--filter=name=shop").split() == ["shop_kept"]
        running.post("compose.delete", composeId=compose_id, deleteVolumes=True)


def test_one_that_is_closed_while_it_builds_and_a_fork_leave_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    with forge(tmp_path, files("one"), SECRET) as git_host:
        compose_id = shop(running, git_host, "stall", previewEnv="LOG_LEVEL=${{project.SHARED}}\nSECRET=of-previews")
        slow = files("slow")
        slow["Dockerfile"] += "RUN echo begun; sleep 60\n"
        pull = PullRequest(running, git_host, compose_id, 5, of="compose")
        pull.push(slow)
        refused = running.ended(pull.tell("opened")["deploymentId"], SECONDS)
        assert (refused["status"], refused["reason"]) == ("error", "refused"), "there is no such variable"
        running.post("compose.update", composeId=compose_id, previewEnv="LOG_LEVEL=preview\nSECRET=of-previews")
        (preview,) = previews(running, compose_id)
        preview_id = preview["previewDeploymentId"]
        running.post("previewDeployment.redeploy", previewDeploymentId=preview_id)
        building = previews(running, compose_id)[0]["deployments"][0]["deploymentId"]
        until(lambda: "begun" in running.deployment_log(building), SECONDS, what="it builds")
        running.post("deployment.killProcess", deploymentId=building)
        assert running.get("deployment.one", deploymentId=building)["reason"] == "killed"
        pull.push({**slow, "more": "1"})
        pulled = pull.tell("synchronize")["deploymentId"]
        until(lambda: "begun" in running.deployment_log(pulled), SECONDS, what="it builds")
        pull.tell("closed", state="closed")
        until(lambda: not any(left(docker_engine, preview_id, "stall-pr-5").values()), 40, what="nothing is left")

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
