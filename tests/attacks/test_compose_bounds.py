"""A compose file that is to take all of the machine: while it is read, and by the containers that are made of it."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.docker.compose import SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.panel.bounds import P99_SECONDS, watched
from tests.support.panel.panel import Panel, git_repository, until

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(240)]

WEB = f"services:\n  web: {{image: {BASE_IMAGE}, command: [sleep, '1000'], stop_grace_period: 0s}}\n"
HEAVY_ENV = "\n".join(["A0=xxxxxxxxxxxxxxxx", *(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 30))]) + "\n"
READING_SECONDS = 15


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    data_dir = tmp_path_factory.mktemp("bounds") / "data"
    bounds = {"HEADWAY_COMPOSE_READ_MEMORY": "128MiB", "HEADWAY_CONTAINER_PROCESSES": "64"}
    with panel_with_engine(data_dir, docker_engine, HEADWAY_CONTAINER_LOG_SIZE="256KiB", **bounds) as started:
        yield started


@pytest.fixture
def shop(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"b {request.node.name}"[:50])
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert made.containers(running=False) == {}


def references(levels: int, each: int = 10) -> str:
    lines = ["  a0: &a0 [x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]" for n in range(1, levels)]
    return "x-b:\n" + "\n".join(lines) + "\n"


def merges(levels: int) -> str:
    lines = ["  m0: &m0 {x: 1}"]
    lines += [f"  m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, levels)]
    return "x-m:\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"docker-compose.yml": references(9) + WEB}, "references"),
        ({"docker-compose.yml": merges(28) + WEB}, "references"),
        ({"docker-compose.yml": "x-l: [" + "x, " * 200_000 + "x]\n" + WEB}, "10000 values"),
        ({"docker-compose.yml": "include: [more.yml]\n" + WEB, "more.yml": references(9)}, "references"),
        (
            {
                "docker-compose.yml": WEB.replace("{image", "{extends: {file: more.yml, service: x}, image"),
                "more.yml": references(9) + "services: {x: {image: y}}\n",
            },
            "references",
        ),
        (
            {"docker-compose.yml": WEB.replace("{image", "{env_file: heavy.env, image"), "heavy.env": HEAVY_ENV},
            "be read",
        ),
        (
            {
                "docker-compose.yml": WEB.replace("{image", "{env_file: [a.env, b.env], image"),
                "a.env": "A=" + "x" * 600_000,
                "b.env": "B=" + "x" * 600_000,
            },
            "longer than 1 MiB together",
        ),
    ],
    ids=["references", "merges", "values", "include", "extends", "variables", "length"],
)
def test_reading_takes_little_whatever_the_file_comes_to(
    shop: Stack, tmp_path: Path, files: dict[str, str], said: str
) -> None:
    shop.change(sourceType="git", customGitUrl=git_repository(tmp_path / "git", files))
    began = time.monotonic()
    with watched(shop.panel) as cost:
        row = shop.panel.ended(shop.begin(), READING_SECONDS)
        took = time.monotonic() - began
    assert (row["status"], row["reason"]) == ("error", "refused"), row["errorMessage"]
    assert said in row["errorMessage"], row["errorMessage"]
    assert took < READING_SECONDS
    assert cost.p99 < P99_SECONDS


@pytest.mark.parametrize("text", [references(9) + WEB, merges(28) + WEB])
def test_a_file_that_comes_to_too_much_is_not_saved(shop: Stack, text: str) -> None:
    began = time.monotonic()
    answer = shop.panel.client.post("/compose.update", json={"composeId": shop.compose_id, "composeFile": text})
    assert (answer.status_code, time.monotonic() - began < 5) == (400, True)
    assert "HEADWAY_COMPOSE_ALIASES" in answer.json()["message"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scale": 1000}, "scale: 1000, and 20 are the most"),
        ({"deploy": {"replicas": 1000}}, "replicas: 1000, and 20 are the most"),
        ({"pids_limit": -1}, "-1 processes"),
        ({"logging": {"options": {"max-size": "100g"}}}, "max-size: 100g"),
        ({"logging": {"driver": "local", "options": {"max-file": "100000"}}}, "max-file: 100000"),
        ({"logging": {"options": {"mode": "non-blocking", "max-buffer-size": "8g"}}}, "max-buffer-size: 8g"),
        ({"shm_size": "100g"}, "shm_size"),
        ({"tmpfs": ["/run:size=100g"]}, "a tmpfs of 100g"),
    ],
)
def test_containers_ask_for_no_more_than_they_may_have(shop: Stack, more: dict[str, Json], said: str) -> None:
    row = shop.fail(web={**SLEEPS, **more})
    assert (row["reason"], said in row["errorMessage"]) == ("refused", True), row["errorMessage"]
    assert shop.containers(running=False) == {}


def test_containers_that_ask_for_nothing_are_bounded(shop: Stack) -> None:
    fork = "for i in $$(seq 200); do sleep 1000 & done; wait"
    flood = "for i in $$(seq 60); do head -c 65536 /dev/zero | tr '\\0' x; echo; done; exec sleep 1000"
    shop.deploy(
        fork={**SLEEPS, "command": ["sh", "-c", f"({fork}) 2>/dev/null; exec sleep 1000"]},
        flood={**SLEEPS, "command": ["sh", "-c", flood]},
    )
    (fork_id,), (flood_id,) = shop.containers()["fork"], shop.containers()["flood"]
    inspected = json.loads(shop.engine.docker("inspect", flood_id))[0]
    assert inspected["HostConfig"]["PidsLimit"] == 64
    log = Path(inspected["LogPath"])
    until(lambda: len(list(log.parent.glob(f"{log.name}*"))) == 3, 30, what="its output goes round")
    assert sum(each.stat().st_size for each in log.parent.glob(f"{log.name}*")) < 1 << 20
    processes = shop.engine.docker("top", fork_id).splitlines()
    assert len(processes) <= 65


def test_another_organisation_has_its_share_of_the_memory_and_no_more(running: Panel, docker_engine: Engine) -> None:
    made = running.post("organization.create", name="Other")
    theirs = copy.copy(running)
    headers = {"x-api-key": made["apiKey"]}
    with httpx.Client(base_url=running.client.base_url, headers=headers, timeout=60, trust_env=False) as client:
        theirs.client = client
        shop = stack(theirs, docker_engine, "theirs")
        machine = int(docker_engine.docker("info", "--format={{.MemTotal}}"))
        shop.deploy(web=SLEEPS, db={**SLEEPS, "mem_limit": "64m"})
        limits = {
            name: int(shop.engine.docker("inspect", "--format={{.HostConfig.Memory}}", *ids))
            for name, ids in shop.containers().items()
        }
        assert limits == {"web": machine * 80 // 100 // 8, "db": 64 << 20}
        second = stack(theirs, docker_engine, "theirs too")
        row = second.fail(web={**SLEEPS, "mem_limit": f"{machine * 75 // 100}"})
        assert (row["reason"], second.containers(running=False)) == ("refused", {})
        assert "HEADWAY_ORGANIZATION_MEMORY" in row["errorMessage"]
        for each in (shop, second):
            theirs.post("compose.delete", composeId=each.compose_id, deleteVolumes=True)


def test_the_first_organisation_has_no_limit_that_it_did_not_set(shop: Stack) -> None:
    shop.deploy(web=SLEEPS)
    (container,) = shop.containers()["web"]
    assert shop.engine.docker("inspect", "--format={{.HostConfig.Memory}}", container).strip() == "0"
