"""What the runtime of swarms takes for a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.swarm.runtime import SwarmRuntime
from tests.support.docker.told_engine import told_engine
from tests.unit.drivers.runtimes.swarm.test_tasks import HERE, RUNNING, told

NODE = {"LocalNodeState": "active", "ControlAvailable": True, "NodeID": "node-1"}
SERVICE = {"Spec": {"Labels": {"headway.release": "r1"}, "Mode": {"Replicated": {"Replicas": 1}}}}


def ended(code: int) -> Any:  # noqa: ANN401 - as JSON is
    return told("a", "failed", wanted="shutdown", status={"ContainerStatus": {"ContainerID": "c1", "ExitCode": code}})


COMING = told("b", "preparing", made=2)
RUNS = told("b", "running", made=2, status=RUNNING)


@pytest.mark.parametrize(
    ("tasks", "crashed"),
    [
        ([RUNS], False),
        ([RUNS, ended(143)], False),
        ([RUNS, ended(3)], True),
        ([COMING, ended(143)], False),
        ([COMING], True),
        ([ended(143)], True),
    ],
)
async def test_a_copy_that_its_engine_has_ended_has_not_crashed(
    tmp_path: Path,
    tasks: list[Any],
    crashed: bool,  # noqa: FBT001 - a table
) -> None:
    answers: dict[str, Any] = {
        "/info": {"Swarm": NODE},
        "/services": [SERVICE],
        "/tasks": tasks,
        "/containers/c1/json": {"State": HERE},
    }
    async with told_engine(tmp_path, answers.get) as api:
        runtime = SwarmRuntime(tmp_path / "root", panel_id="p", api=api)
        assert await runtime.crashed("r1") is crashed
