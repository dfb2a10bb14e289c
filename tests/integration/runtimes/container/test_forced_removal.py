"""Containers that are removed at once, against a real engine."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from headway.drivers.runtimes.container.forced_removal import remove_at_once
from headway.infra.docker.api import DockerApi, EngineRefused, Json, unix_socket
from tests.integration.runtimes.bench import until_async
from tests.support.docker.docker_engine import BASE_IMAGE, Engine

pytestmark = pytest.mark.docker


class Late(DockerApi):
    """An engine that removes a container only once it does not run any more, as it does in the middle of a start."""

    async def delete(self, path: str, **query: Json) -> None:
        async def is_over() -> bool:
            return not (await self.get(f"{path}/json"))["State"]["Running"]

        await until_async(is_over, 20)
        await super().delete(path, **query)


async def test_processes_end_before_the_engine_gets_to_it(docker_engine: Engine) -> None:
    api = Late(unix_socket(str(docker_engine.socket)))
    container_id = await made(api)
    other = await made(api)
    for each in (container_id, other):
        await api.post(f"/containers/{each}/start")

    await remove_at_once(api, [container_id])

    assert await api.find(f"/containers/{container_id}/json") is None
    assert (await api.get(f"/containers/{other}/json"))["State"]["Running"]
    await remove_at_once(api, [other])


async def test_what_is_being_started_goes_and_leaves_nothing(docker_engine: Engine) -> None:
    api = DockerApi(unix_socket(str(docker_engine.socket)))
    network = (await api.post("/networks/create", {"Name": "headway-test-striking"}))["Id"]
    for number in range(6):
        container_id = await made(api, network=network)
        async with asyncio.TaskGroup() as group:
            group.create_task(started(api, container_id))
            await asyncio.sleep(number * 0.04)

            await remove_at_once(api, [container_id])

        assert await api.find(f"/containers/{container_id}/json") is None
    await api.delete(f"/networks/{network}")  # which has nobody in it
    assert await api.find(f"/networks/{network}") is None


async def started(api: DockerApi, container_id: str) -> None:
    """Starts a container that somebody else may take away meanwhile."""
    with suppress(EngineRefused):
        await api.post(f"/containers/{container_id}/start")


async def made(api: DockerApi, network: str = "none") -> str:
    """A container that waits to be started."""
    body = {"Image": BASE_IMAGE, "Cmd": ["sleep", "1000"], "HostConfig": {"NetworkMode": network}}
    container_id: str = (await api.post("/containers/create", body))["Id"]
    return container_id
