"""The life of a pull request whose service is made of several containers, on a real engine, in short;
``script/prove preview_composes`` is the whole of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.docker.compose import SERVES, panel_with_engine
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.forges.forge import Forge, forge
from tests.support.forges.pull_requests import SECRET, PullRequest
from tests.support.panel.panel import Panel, until

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


def test_a_preview_of_several_containers_comes_and_leaves_nothing(
    running: Panel, docker_engine: Engine, tmp_path: Path
) -> None:
    with forge(tmp_path, files("one"), SECRET) as git_host:
        compose_id = shop(running, git_host, "kiosk", previewEnv="LOG_LEVEL=preview")
        pull = PullRequest(running, git_host, compose_id, 4, of="compose")
        pull.push(files("two"))
        running.done(pull.tell("opened")["deploymentId"], SECONDS)
        assert page(running, "kiosk-pr-4.localhost") == "two"
        assert page(running, "kiosk.example.test") == "one"
        told = page(running, "kiosk-pr-4.localhost", "/env.txt")
        assert ("LOG_LEVEL=preview" in told, "of-the-service" in told) == (True, False)
        (preview,) = previews(running, compose_id)
        here = left(docker_engine, preview["previewDeploymentId"], "kiosk-pr-4")
        assert all(here.values()), here
        assert pull.tell("closed", state="closed")["outcome"] == "removed"
        gone = (docker_engine, preview["previewDeploymentId"], "kiosk-pr-4")
        until(lambda: not any(left(*gone).values()), 30, what="nothing is left")
        named = f"*{preview['previewDeploymentId']}*"
        until(lambda: not list(running.work.rglob(named)), 30, what="no file of it is left")
        assert page(running, "kiosk.example.test") == "one"
        running.post("compose.delete", composeId=compose_id, deleteVolumes=True)
