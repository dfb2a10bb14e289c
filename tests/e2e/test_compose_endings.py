"""Containers that take their time to end hold up nobody else's compose services."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.docker.compose import SERVES, SLEEPS, Stack, panel_with_engine, stack
from tests.support.docker.docker_engine import Engine
from tests.support.panel.panel import Panel, until

Json = Any

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]

GRACE_SECONDS = 50
UP_AGAIN_SECONDS = 20  # a round takes a look every two seconds, and starts what an engine's end has taken down
IGNORES_TERM = "trap '' TERM; python3 -m http.server 8080"
STUBBORN: Json = {**SERVES, "command": ["sh", "-c", IGNORES_TERM], "stop_grace_period": f"{GRACE_SECONDS}s"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, docker_engine: Engine) -> Iterator[Panel]:
    folder = tmp_path_factory.mktemp("endings") / "data"
    with panel_with_engine(folder, docker_engine, HEADWAY_DRAIN_TIME="1") as started:
        yield started


@pytest.fixture
def stubborn(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"stubborn {request.node.name}"[:60])
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)
    assert made.containers(running=False) == {}, "who deletes it waits for no grace"


@pytest.fixture
def neighbour(running: Panel, docker_engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stack]:
    made = stack(running, docker_engine, f"neighbour {request.node.name}"[:60])
    made.deploy(web=SLEEPS)
    yield made
    running.post("compose.delete", composeId=made.compose_id, deleteVolumes=True)


def is_asked_to_end(of: Stack, container: str) -> bool:
    """Whether the engine has been asked to end it: it says so of a container from then on, which runs still."""
    asked = of.engine.docker(
        "events",
        f"--filter=container={container}",
        "--filter=event=kill",
        "--since=10m",
        "--until=0s",
        "--format={{.Action}}",
    )
    return bool(asked.split())


def comes_up_again(neighbour: Stack) -> None:
    """Takes the neighbour down as the end of an engine does, and waits until it runs again."""
    (container,) = neighbour.containers()["web"]
    neighbour.engine.docker("kill", container)
    until(lambda: "web" in neighbour.containers(), UP_AGAIN_SECONDS, what="the neighbour runs again")


def is_led_to(of: Stack, container: str) -> bool:
    """Whether the edge knows of a container, be it as one that served before."""
    shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    address = of.engine.docker("inspect", f"--format={shown}", container).strip()
    files = (of.panel.data_dir / "edge").rglob("*")
    return any(f"{address}:8080".encode() in each.read_bytes() for each in files if each.is_file())


def test_a_replaced_container_that_does_not_end_holds_up_no_other_service(stubborn: Stack, neighbour: Stack) -> None:
    led = {"composeId": stubborn.compose_id, "host": "stubborn.example", "serviceName": "web", "port": 8080}
    stubborn.panel.post("domain.create", **led)
    stubborn.deploy(web=STUBBORN)
    (old,) = stubborn.containers()["web"]
    assert is_led_to(stubborn, old)
    stubborn.deploy(web={**STUBBORN, "environment": {"V": "2"}})
    until(lambda: is_asked_to_end(stubborn, old), 20, what="the replaced container is asked to end")
    comes_up_again(neighbour)
    comes_up_again(neighbour)  # rounds have looked by now where requests of the other one are led to
    assert old in stubborn.containers()["web"], "it has its own time to end"
    assert not is_led_to(stubborn, old), "nobody is led to what ends, also not where the new one does not answer"
    assert stubborn.panel.get("compose.one", composeId=stubborn.compose_id)["composeStatus"] == "done"


def test_a_service_that_is_stopped_and_does_not_end_holds_up_no_other_service(
    stubborn: Stack, neighbour: Stack
) -> None:
    stubborn.deploy(web=STUBBORN)
    (old,) = stubborn.containers()["web"]
    with ThreadPoolExecutor(1) as beside:
        stopping = beside.submit(
            stubborn.panel.client.post, "/compose.stop", json={"composeId": stubborn.compose_id}, timeout=120
        )
        until(lambda: is_asked_to_end(stubborn, old), 20, what="the container is asked to end")
        comes_up_again(neighbour)
        comes_up_again(neighbour)  # a round that waits for the other one may have brought it up before
        answer = stopping.result()
        assert (answer.status_code, "It goes on ending" in answer.json()["message"]) == (503, True)
    assert stubborn.containers()["web"] == {old}, "it has its own time to end"
    until(lambda: stubborn.containers() == {}, GRACE_SECONDS + UP_AGAIN_SECONDS, what="it has ended")
