"""``docker.*`` for who looks: containers with what they are of and since when they are so, and their output."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.features.containers.api.operations import ContainerById, ContainersOnServer, engine_moment
from headway.features.containers.service import ContainerService, OwnedContainer

router = Router[ContainerService]("docker", resource=Noun.CONTAINER)


class ContainerOutput(ContainerById):
    """``tail`` is how many of its last lines."""

    tail: Annotated[int, Field(ge=1, le=1_000)] = 100


class OwnedContainerRow(TypedDict):
    """A container, and the service whose it is. ``state`` is the engine's word, ``health`` what its check says (null:
    it has none); ``exitCode`` is null while it runs, and ``finishedAt`` where it has never ended. ``service`` is what a
    compose file calls it, and ``project`` what the engine knows them together by.
    """

    containerId: str
    name: str
    image: str
    ports: list[str]
    state: str
    health: Literal["starting", "healthy", "unhealthy"] | None
    exitCode: int | None
    outOfMemory: bool
    restarts: int
    startedAt: str | None
    finishedAt: str | None
    serverId: str | None
    serviceId: str
    serviceType: Literal["application", "compose"]
    service: str | None
    project: str | None


class ContainerOutputRow(TypedDict):
    """The last lines that a container wrote, without secrets; ``cut``: the first of them are left out, for they are too
    long.
    """

    text: str
    cut: bool


@router.query("all", least=Role.MEMBER, scope=Scope.READ)
async def all_(containers: ContainerService, call: Call[ContainersOnServer]) -> list[OwnedContainerRow]:
    """The caller's containers, with the services whose they are."""
    server_id = call.input.server_id or None
    found = await containers.owned(call.actor, call.permission, server_id)
    return [_row(each, server_id) for each in found]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(containers: ContainerService, call: Call[ContainerById]) -> OwnedContainerRow:
    """One container, with the service whose it is."""
    server_id = call.input.server_id or None
    return _row(await containers.one(call.actor, call.permission, call.input.container_id, server_id), server_id)


@router.query("readOutput", least=Role.MEMBER, scope=Scope.READ)
async def read_output(containers: ContainerService, call: Call[ContainerOutput]) -> ContainerOutputRow:
    """The last lines that a container wrote."""
    given = call.input
    of_it = (given.container_id, given.server_id or None)
    found = await containers.last_output(call.actor, call.permission, *of_it, tail=given.tail)
    return {"text": found.text, "cut": found.is_cut}


def _row(owned: OwnedContainer, server_id: str | None) -> OwnedContainerRow:
    found = owned.container
    finished = engine_moment(found.finished_at)
    return {
        "containerId": found.container_id[:12],
        "name": found.name,
        "image": found.image,
        "ports": list(found.ports),
        "state": found.status,
        "health": _health(found.health),
        "exitCode": None if found.runs or finished is None else found.exit_code,
        "outOfMemory": found.out_of_memory,
        "restarts": found.restarts,
        "startedAt": engine_moment(found.started_at),
        "finishedAt": finished,
        "serverId": server_id,
        "serviceId": owned.subject_id,
        "serviceType": "application" if owned.subject_type is SubjectType.APPLICATION else "compose",
        "service": found.service or None,
        "project": found.project or None,
    }


def _health(word: str | None) -> Literal["starting", "healthy", "unhealthy"] | None:
    match word:
        case "starting" | "healthy" | "unhealthy":
            return word
    return None
