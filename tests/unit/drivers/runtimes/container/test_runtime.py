"""What the runtime of containers takes of its engine's word for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.container.runtime import ContainerRuntime
from tests.support.docker.told_engine import told_engine

LABELS = {"headway.panel": "p", "headway.release": "r1"}
ALWAYS = "unless-stopped"


def container(policy: str, **state: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """What an engine tells of one."""
    plain = {"Status": "exited", "Pid": 0, "StartedAt": "2026-01-02T03:04:05Z", "OOMKilled": False, "Error": ""}
    return {
        "Id": "c1",
        "RestartCount": state.pop("RestartCount", 0),
        "State": {**plain, **state},
        "HostConfig": {"RestartPolicy": {"Name": policy}},
        "Config": {"Labels": LABELS, "Tty": False, "Env": []},
        "NetworkSettings": {"Networks": {}},
    }


@pytest.mark.parametrize(
    ("ended", "crashed"),
    [
        (container(ALWAYS, ExitCode=143), False),
        (container(ALWAYS, ExitCode=0), False),
        (container(ALWAYS, ExitCode=0, Health={"Status": "unhealthy"}), False),
        (container("no", ExitCode=137), False),
        (container("no", ExitCode=0), True),
        (container("no", ExitCode=137, OOMKilled=True), True),
        (container(ALWAYS, ExitCode=143, RestartCount=1), True),
        (container(ALWAYS, ExitCode=143, RestartCount=1, Status="restarting"), True),
        (container(ALWAYS, ExitCode=0, Status="created"), True),
    ],
)
async def test_what_its_engine_has_ended_has_not_crashed(
    tmp_path: Path,
    ended: dict[str, Any],
    crashed: bool,  # noqa: FBT001 - a table
) -> None:
    told = {"/containers/json": [{"Id": "c1", "Labels": LABELS}], "/containers/c1/json": ended}
    async with told_engine(tmp_path, told.get) as api:
        runtime = ContainerRuntime(tmp_path / "root", panel_id="p", api=api)
        assert await runtime.crashed("r1") is crashed
