"""``docker.*``: the caller's own containers, and no others of the machine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.faces.http.inputs import CONTAINER_ID, Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.seams.runtimes.compose.observed import Container


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("docker.getContainers", "The caller's containers", list[ContainerRow], OnServer, _all),
        query("docker.getContainersByAppNameMatch", "Those of one service", list[ContainerRow], OfApp, _of_app),
        query("docker.getStackContainersByAppName", "Those of one stack", list[StackRow], OfStack, _of_stack),
        mutation("docker.restartContainer", "Stop and start one of them", None, ById, _restart),
    )


class OnServer(Input):
    server_id: str | None = None


class OfStack(OnServer):
    app_name: Annotated[str, Field(pattern=CONTAINER_ID)]


class OfApp(OfStack):
    app_type: Literal["stack", "docker-compose"] | None = None


class ById(OnServer):
    container_id: Annotated[str, Field(pattern=CONTAINER_ID)]


class ContainerRow(TypedDict):
    """A container; ``image`` is what its author wrote, ``state`` a word, and ``status`` the sentence that the engine
    has for it, such as ``Up 3 seconds (healthy)`` or ``Exited (0) 2 minutes ago``.
    """

    containerId: str
    name: str
    image: str
    ports: str
    state: str
    status: str
    serverId: str | None
    composeId: str | None
    serviceName: str | None


class StackRow(ContainerRow):
    """A container as lists of stacks show it."""

    node: str
    currentState: str
    desiredState: str
    error: str


async def _all(call: Call[OnServer]) -> list[ContainerRow]:
    server_id = call.input.server_id or None
    found = await call.platform.containers.all(call.actor, call.permission, server_id)
    return [_row(each, server_id) for each in found]


async def _of_app(call: Call[OfApp]) -> list[ContainerRow]:
    server_id = call.input.server_id or None
    found = await call.platform.containers.of_app(call.actor, call.permission, call.input.app_name, server_id)
    return [_row(each, server_id) for each in found]


async def _of_stack(call: Call[OfStack]) -> list[StackRow]:
    server_id = call.input.server_id or None
    found = await call.platform.containers.of_stack(call.actor, call.permission, call.input.app_name, server_id)
    return [
        {
            **_row(each.container, server_id),
            "node": each.node,
            "currentState": each.container.status,
            "desiredState": each.wanted,
            "error": each.error,
        }
        for each in found
    ]


async def _restart(call: Call[ById]) -> None:
    await call.platform.containers.restart(
        call.actor, call.permission, call.input.container_id, call.input.server_id or None
    )


def _row(container: Container, server_id: str | None) -> ContainerRow:
    return {
        "containerId": container.container_id[:12],
        "name": container.name,
        "image": container.image,
        "ports": ", ".join(container.ports),
        "state": container.status,
        "status": container.told or container.status,
        "serverId": server_id,
        "composeId": container.compose_id or None,
        "serviceName": container.service or None,
    }
