"""The runtimes that the contract of runtimes is held against, each with a small application that it can run."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from headway.drivers.runtimes.container.runtime import ContainerRuntime
from headway.drivers.runtimes.contract.runtime import Runtime
from headway.drivers.runtimes.swarm.runtime import SwarmRuntime
from headway.infra.docker.api import DockerApi, unix_socket
from headway.kernel.artifacts import Artifact, Bundle, Container, HealthCheck, HealthKind, Image, ReleaseSpec
from headway.kernel.ids import new_id
from headway.kernel.secret import Secret
from tests.integration.runtimes.bench import PYTHON, WEB, free_port, make_runtime, make_spec, open_folder
from tests.support.docker.docker_engine import BASE_IMAGE, Engine
from tests.support.docker.swarm_nodes import Node

INNER_PORT = 3000


class Form(Protocol):
    """A runtime under test, and the releases that it understands."""

    @property
    def runtime(self) -> Runtime:
        """The runtime."""
        ...

    def web(self, **options: Any) -> ReleaseSpec:  # noqa: ANN401 - fields of the spec
        """A release that answers on its port with what it sees, as JSON; ``env`` are plain texts."""
        ...

    def script(self, line: str, **options: Any) -> ReleaseSpec:  # noqa: ANN401 - as above
        """A release without a port that is this one shell command."""
        ...

    def gone(self) -> Artifact:
        """What was released once and is there no more."""
        ...


class Native:
    """Processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = make_runtime(folder)

    def web(self, **options: Any) -> ReleaseSpec:  # noqa: ANN401
        return make_spec(self.folder, **options)

    def script(self, line: str, **options: Any) -> ReleaseSpec:  # noqa: ANN401
        settled = {"port": None, "health": settle(), "processes": {"web": line}}
        return make_spec(self.folder, **{**settled, **options})

    def gone(self) -> Artifact:
        return Bundle(folder=str(self.folder / "nowhere"))


class Containers:
    """Containers of an engine, or services of the swarm that it manages."""

    def __init__(self, folder: Path, engine: Engine, runtime: type[ContainerRuntime | SwarmRuntime]) -> None:
        self.engine = engine
        self.api = DockerApi(unix_socket(str(engine.socket)))
        self.panel_id = new_id().lower().replace("_", "x").replace("-", "x")
        self.runtime: Runtime = runtime(folder / "containers", panel_id=self.panel_id, api=self.api, grace_seconds=1.0)
        self.image = engine.docker("image", "inspect", "--format", "{{.Id}}", BASE_IMAGE).strip()

    def web(self, **options: Any) -> ReleaseSpec:  # noqa: ANN401
        program = WEB.replace('("127.0.0.1", port)', '("0.0.0.0", port)')
        return self.spec((PYTHON, "-c", program), **{"port": free_port(), **options})

    def script(self, line: str, **options: Any) -> ReleaseSpec:  # noqa: ANN401
        return self.spec(("/bin/sh", "-c", line), **{"port": None, "health": settle(), **options})

    def gone(self) -> Artifact:
        return Image(reference=f"sha256:{'0' * 64}", name="shop:1")

    def spec(self, command: tuple[str, ...], **options: Any) -> ReleaseSpec:  # noqa: ANN401
        """A release of the base image."""
        env = {name: Secret(value) for name, value in options.pop("env", {}).items()}
        container = options.pop("container", Container())
        release_id = new_id().replace("-", "x").replace("_", "x")
        settled: dict[str, Any] = {
            "release_id": release_id,
            "deployment_id": release_id,
            "application_id": "app-1",
            "project_id": "project-1",
            "app_name": "shop",
            "artifact": Image(reference=self.image, name=BASE_IMAGE),
            "uid": None,
            "gid": None,
            "health": HealthCheck(deadline_seconds=20),
        }
        inner = None if options.get("port") is None else container.port or INNER_PORT
        container = dataclasses.replace(container, entrypoint=command, port=inner)
        return ReleaseSpec(**{**settled, **options}, env=env, container=container)

    async def clean_up(self) -> None:
        """Removes what tests have left."""
        for release_id in await self.runtime.known():
            await self.runtime.remove(release_id)
        await self.runtime.forget("app-1", "shop")


def settle(seconds: float = 0.3) -> HealthCheck:
    """Healthy after having stayed up."""
    return HealthCheck(kind=HealthKind.SETTLE, settle_seconds=seconds, deadline_seconds=20)


@asynccontextmanager
async def native() -> AsyncIterator[Native]:
    """The native runtime, gone afterwards."""
    with open_folder() as folder:
        form = Native(folder)
        await form.runtime.ensure()
        try:
            yield form
        finally:
            await form.runtime.shut_down()


@asynccontextmanager
async def containers(engine: Engine, folder: Path) -> AsyncIterator[Containers]:
    """The runtime of containers, with nothing left of it afterwards."""
    form = Containers(folder, engine, ContainerRuntime)
    try:
        yield form
    finally:
        await form.clean_up()
        shutil.rmtree(folder / "containers", ignore_errors=True)


@asynccontextmanager
async def services(node: Node, folder: Path) -> AsyncIterator[Containers]:
    """The runtime of a swarm, on the machine of its manager, with nothing left of it afterwards."""
    with node.entered():
        form = Containers(folder, node, SwarmRuntime)
        try:
            yield form
        finally:
            await form.clean_up()
            shutil.rmtree(folder / "containers", ignore_errors=True)
