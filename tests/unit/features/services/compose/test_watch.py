"""What is said of a container of a rollout that fails, by what its engine says of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headway.core.deployments.run import RunFailed
from headway.core.deployments.status import Reason
from headway.drivers.runtimes.compose.engine import Engine, Image
from headway.features.services.compose.model import Record
from headway.features.services.compose.rollout import Watch, rollout
from tests.support.docker.told_engine import told_engine

LABELS = {"com.docker.compose.service": "web", "headway.deployment": "new"}
LOOKS_BEFORE = 3


@pytest.mark.parametrize("deployment_id", ["new", "newer"])
async def test_that_it_ran_out_of_memory_may_be_told_after_its_end(tmp_path: Path, deployment_id: str) -> None:
    is_kept = deployment_id == "newer"
    looks: list[str] = []

    def tell(path: str) -> Any:  # noqa: ANN401 - JSON
        if path == "/containers/json":
            return [{"Id": "c1", "Status": "Exited (137) 1 second ago"}]
        if path == "/containers/c1/logs":
            return b"\1\0\0\0\0\0\0\x08filling\n"
        looks.append(path)
        state = {"Status": "exited", "ExitCode": 137, "OOMKilled": len(looks) > LOOKS_BEFORE}
        made = {"Id": "c1", "Name": "/shop-web-1", "RestartCount": 9 if is_kept else 0}
        return {**made, "State": state, "Config": {"Labels": LABELS}, "HostConfig": {}}

    said: list[str] = []

    async def say(text: str) -> None:
        said.append(text)

    drawn = Record(file={"services": {"web": {"image": "i", "labels": {}}}})
    images = {"web": Image(image_id="i", checks_health=False)}
    plan = rollout(drawn, images, None, [], "new")
    if is_kept:  # what it went through before is not judged
        plan = rollout(drawn, images, plan.record, [], "newer")
    async with told_engine(tmp_path, tell) as api:
        nothing: Any = None
        tools: Any = SimpleNamespace(engine=Engine(docker=nothing, api=api, machine=nothing))
        deployment = SimpleNamespace(deployment_id=deployment_id)
        run: Any = SimpleNamespace(say=say, masked=lambda text: text, deployment=deployment)
        watch = Watch(run=run, tools=tools, labels={"compose": "x"}, health_seconds=5, settle_seconds=0.1)
        with pytest.raises(RunFailed, match="The service web was ended for using more memory than it may") as failed:
            await watch.until_healthy(plan)
    assert failed.value.reason is Reason.OUT_OF_MEMORY
