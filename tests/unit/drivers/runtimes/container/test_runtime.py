"""What the runtime of containers takes of its engine's word for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from headway.drivers.runtimes.container.runtime import ContainerRuntime
from headway.infra.docker.api import DockerApi
from tests.support.docker.told_engine import told_engine
from tests.unit.drivers.runtimes.container.test_body import SPEC

LABELS = {"headway.panel": "p", "headway.release": "r1"}
ALWAYS = "unless-stopped"
NETWORK = "headway-p-p1"
NOTHING: Any = None


class Networked(DockerApi):
    """An engine with one network, in which nothing runs: what is made there is found by the network's name alone until
    it is started. It makes nothing before it is ``let``.
    """

    def __init__(self) -> None:
        super().__init__(NOTHING)
        self.networks = {"n1": NETWORK}
        self.made: list[str] = []
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def get(self, path: str, *, seconds: float = 0, **query: Any) -> Any:  # noqa: ANN401 - JSON
        del seconds
        if path == "/networks":
            return [{"Id": each, "Name": name} for each, name in self.networks.items()]
        wanted = query["filters"].get("network", ())
        return [{"Id": each} for each in self.made if each in wanted]

    async def find(self, path: str, **query: Any) -> Any:  # noqa: ANN401 - JSON
        del query
        return {} if path.rpartition("/")[2] in self.networks.values() else None

    async def post(
        self,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        seconds: float = 0,
        login: Any = None,  # noqa: ANN401 - JSON
        **query: Any,  # noqa: ANN401 - JSON
    ) -> None:
        del seconds, login, query
        if path == "/networks/create":
            self.networks["n2"] = body["Name"]
        else:
            self.asked.set()
            await self.let.wait()
            self.made.append(body["HostConfig"]["NetworkMode"])

    async def delete(self, path: str, **query: Any) -> None:  # noqa: ANN401 - JSON
        del query
        self.networks.pop(path.rpartition("/")[2])


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


async def test_a_network_of_what_was_made_and_not_started_yet_stays(tmp_path: Path) -> None:
    engine = Networked()
    runtime = ContainerRuntime(tmp_path, panel_id="p", api=engine)
    engine.made = [NETWORK]
    await runtime.forget("a2", "other")
    assert engine.networks == {"n1": NETWORK}
    engine.made = []
    await runtime.forget("a2", "other")
    assert engine.networks == {}


async def test_a_network_stays_while_something_is_being_made_in_it(tmp_path: Path) -> None:
    engine = Networked()
    runtime = ContainerRuntime(tmp_path, panel_id="p", api=engine)
    async with asyncio.TaskGroup() as group:
        group.create_task(runtime._create(SPEC))
        await engine.asked.wait()
        group.create_task(runtime.forget("a2", "other"))
        await asyncio.sleep(0.02)  # in which nothing is to happen
        engine.let.set()
    assert (engine.made, engine.networks) == ([NETWORK], {"n1": NETWORK})
