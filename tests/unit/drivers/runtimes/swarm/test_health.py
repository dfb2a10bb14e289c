"""What is said of copies that do not become healthy."""

from __future__ import annotations

from typing import Any

import pytest

from headway.drivers.runtimes.contract.runtime import Unhealthy
from headway.drivers.runtimes.swarm.health import Seen, wait_until_healthy
from headway.drivers.runtimes.swarm.tasks import Task, read
from headway.infra import http_request
from headway.kernel.artifacts import Container, HealthCheck, Image, ReleaseSpec
from headway.kernel.phrase import plain

SPEC = ReleaseSpec(
    release_id="r1",
    deployment_id="r1",
    application_id="app-1",
    app_name="shop",
    artifact=Image(reference="sha256:" + "b" * 64, name="shop"),
    uid=None,
    gid=None,
    port=20_001,
    env={},
    health=HealthCheck(),
    container=Container(port=3000, replicas=2),
)


def told(task_id: str, state: str, slot: int, made: int) -> Any:  # noqa: ANN401 - as JSON is
    ended = {"ContainerStatus": {"ContainerID": task_id, "ExitCode": 2}} if state == "failed" else {}
    return {
        "ID": task_id,
        "CreatedAt": f"2026-11-25T15:13:{made:02}.1Z",
        "Slot": slot,
        "Spec": {"ContainerSpec": {}},
        "Status": {"Timestamp": "2026-11-25T15:13:01Z", "State": state, **ended},
        "DesiredState": "ready" if state == "ready" else "shutdown",
    }


class Known:
    """A service whose tasks wrote what is given."""

    def __init__(self, wrote: dict[str, list[str]], *tasks: Any) -> None:  # noqa: ANN401 - as JSON is
        self.tasks, self.wrote = read(tasks), wrote

    async def seen(self) -> Seen:
        return Seen(tasks=self.tasks, rolled_back=None)

    async def ask(self, task: Task, path: str) -> http_request.Answer:
        raise NotImplementedError

    async def last_lines(self, task: Task, count: int) -> list[str]:
        return self.wrote.get(task.task_id, [])[-count:]

    async def ran_out_of_memory(self, task: Task) -> bool:
        return False

    async def was_unhealthy(self, task: Task) -> bool:
        return False

    async def told(self, task: Task) -> str:
        return ""

    async def node(self, task: Task) -> str:
        return "machine one"

    async def local_pid(self, task: Task) -> int | None:
        return None


@pytest.mark.parametrize("blamed", [1, 2])
async def test_a_try_that_has_not_begun_hides_nothing_that_its_copy_wrote_before(blamed: int) -> None:
    other = 3 - blamed
    ends = [told(f"end-{made}", "failed", blamed, made) for made in (1, 2, 3)]
    waiting = [told("before", "failed", other, 4), told("next", "ready", other, 5), told("again", "ready", blamed, 6)]
    watched = Known({"end-3": ["the last"], "end-2": ["an older one"], "before": ["the other"]}, *ends, *waiting)
    said: list[str] = []

    async def say(line: str) -> None:
        said.append(plain(line))

    with pytest.raises(Unhealthy, match=r'ended 3 times .* on the machine one\. It said: "the last"'):
        await wait_until_healthy(SPEC, watched, say)

    names = {1: "web", 2: "web.2"}
    assert said == [f"{names[other]} | the other", f"{names[blamed]} | the last"]
