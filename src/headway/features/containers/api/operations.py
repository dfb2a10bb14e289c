"""``docker.*``: the caller's own containers, and no others of the machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import CONTAINER_ID, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.api.rows import moment
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.drivers.runtimes.compose.observation import Container
from headway.features.containers.service import ContainerService

router = Router[ContainerService]("docker", "Look at one's own containers, and restart them", resource=Noun.CONTAINER)


class ContainersOnServer(Input):
    server_id: str | None = None


class OfStack(ContainersOnServer):
    app_name: Annotated[str, Field(pattern=CONTAINER_ID)]


class ContainersOfApp(OfStack):
    app_type: Literal["stack", "docker-compose"] | None = None


class ContainerById(ContainersOnServer):
    container_id: Annotated[str, Field(pattern=CONTAINER_ID)]


class ContainerRow(TypedDict):
    """A container; ``image`` is what its author wrote, ``state`` a word, and ``status`` the sentence that the engine
    has for it, such as ``Up 3 seconds (healthy)`` or ``Exited (0) 2 minutes ago``. ``restarts`` is how often the engine
    started it again since it was made (null on another machine of a swarm), and ``startedAt`` when last.
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
    restarts: int | None
    startedAt: str | None


class StackRow(ContainerRow):
    """A container as lists of stacks show it."""

    node: str
    currentState: str
    desiredState: str
    error: str


@router.query("getContainers", least=Role.MEMBER, scope=Scope.READ)
async def all_(containers: ContainerService, call: Call[ContainersOnServer]) -> list[ContainerRow]:
    """The caller's containers."""
    server_id = call.input.server_id or None
    found = await containers.all(call.actor, call.permission, server_id)
    return [_row(each, server_id) for each in found]


@router.query("getContainersByAppNameMatch", least=Role.MEMBER, scope=Scope.READ)
async def of_app(containers: ContainerService, call: Call[ContainersOfApp]) -> list[ContainerRow]:
    """Those of one service."""
    server_id = call.input.server_id or None
    found = await containers.of_app(call.actor, call.permission, call.input.app_name, server_id)
    return [_row(each, server_id) for each in found]


@router.query("getStackContainersByAppName", least=Role.MEMBER, scope=Scope.READ)
async def of_stack(containers: ContainerService, call: Call[OfStack]) -> list[StackRow]:
    """Those of one stack."""
    server_id = call.input.server_id or None
    found = await containers.of_stack(call.actor, call.permission, call.input.app_name, server_id)
    return [
        {
            **_row(each.container, server_id),
            "restarts": None if each.node else each.container.restarts,
            "node": each.node,
            "currentState": each.container.status,
            "desiredState": each.wanted,
            "error": each.error,
        }
        for each in found
    ]


@router.mutation("restartContainer", least=Role.MEMBER, scope=Scope.DEPLOY)
async def restart(containers: ContainerService, call: Call[ContainerById]) -> None:
    """Stop and start one of them."""
    await containers.restart(call.actor, call.permission, call.input.container_id, call.input.server_id or None)


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
        "restarts": container.restarts,
        "startedAt": engine_moment(container.started_at),
    }


def engine_moment(told: str) -> str | None:
    """A time of the engine's, which writes the year 1 for never."""
    if not told or told.startswith("0001-"):
        return None
    return moment(datetime.fromisoformat(told).astimezone(UTC))
