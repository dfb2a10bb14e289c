"""A release in a swarm as its health check sees it: through its manager, its forwarder, and this machine's engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any

from headway.drivers.runtimes.container.log_pieces import EngineLog
from headway.drivers.runtimes.container.state import WEB, ContainerState, read, unwrapped
from headway.drivers.runtimes.contract.runtime import Behind, Piece
from headway.drivers.runtimes.swarm import forwarder
from headway.drivers.runtimes.swarm.cluster import Cluster
from headway.drivers.runtimes.swarm.forwarder import Forwarder, Forwarders
from headway.drivers.runtimes.swarm.health import Seen
from headway.drivers.runtimes.swarm.tasks import Task, rolled_back
from headway.infra import http_request
from headway.infra.docker import labels
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.memory import KILLED, ran_out_of_memory
from headway.kernel.artifacts import ReleaseSpec
from headway.kernel.dataclass import dataclass

_CONTEXT = 400  # lines before the wanted ones, since a secret of several lines may have begun there
_LOG_SECONDS = 5.0
_TRIES_READ = 4


@dataclass(slots=True, kw_only=True)
class WatchedService:
    """Fits ``health.Watched``. ``node_id`` is this machine."""

    api: DockerApi
    cluster: Cluster
    forwarders: Forwarders
    spec: ReleaseSpec
    network_id: str
    node_id: str
    masked: Callable[[str], str]
    _forwarder: Forwarder | None = field(default=None)
    _nodes: Mapping[str, Any] = field(default_factory=dict)

    async def seen(self) -> Seen | None:
        """Its service and the tasks of it."""
        service = await self.cluster.service(self.spec.release_id)
        if service is None:
            return None
        tasks = await self.cluster.tasks(self.spec.release_id, self.network_id)
        return Seen(tasks=tasks, rolled_back=rolled_back(service))

    async def ask(self, task: Task, path: str) -> http_request.Answer:
        """An answer of one task, wherever it runs. Raises NoAnswer."""
        if self._forwarder is None:
            self._forwarder = await self.forwarders.find(self.spec.release_id)
        if self._forwarder is None or not task.addresses or self.spec.port is None:
            raise http_request.NoAnswer("there is no way into its network yet")
        inner = self.spec.container.port or 0
        return await forwarder.ask(self.spec.port, self._forwarder, task.addresses[0], path, inner)

    async def last_lines(self, task: Task, count: int) -> list[str]:
        """The last lines that it wrote, masked."""
        return await last_lines(self.api, task, count, self.masked)

    async def ran_out_of_memory(self, task: Task) -> bool:
        """This machine's engine knows; of another one only the signal is known, by which a kernel ends what has reached
        its bound, and which nobody else sends to a task that is to run.
        """
        if task.node_id == self.node_id:
            return bool(task.container_id) and await ran_out_of_memory(self.api, task.container_id, task.exit_code)
        return task.exit_code == KILLED and self.spec.memory_bytes is not None

    async def was_unhealthy(self, task: Task) -> bool:
        """Whether its check failed at its end, where it ran on this machine."""
        found = await self._here(task)
        return found is not None and found.health == "unhealthy"

    async def told(self, task: Task) -> str:
        """What its check said last, where it ran on this machine."""
        found = await self._here(task)
        return "" if found is None else found.told

    async def node(self, task: Task) -> str:
        """The machine by its name and address."""
        if task.node_id not in self._nodes:
            self._nodes = await self.cluster.nodes()
        node = self._nodes.get(task.node_id)
        if node is None:
            return "machine that is not in the swarm any more"
        address = node["Status"].get("Addr") or "no address"
        return f"machine {node['Description']['Hostname']} ({address})"

    async def local_pid(self, task: Task) -> int | None:
        """Its process, where it is one of this machine."""
        return task.pid if task.node_id == self.node_id else None

    async def _here(self, task: Task) -> ContainerState | None:
        if task.node_id != self.node_id or not task.container_id:
            return None
        inspected = await self.api.find(f"/containers/{task.container_id}/json")
        return None if inspected is None else read(inspected, labels.RELEASE)


async def last_lines(api: DockerApi, task: Task, count: int, masked: Callable[[str], str]) -> list[str]:
    """The last lines of a task, as ``masked`` leaves them; none where its machine cannot be asked."""
    if not task.container_id:
        return []
    path = f"/tasks/{task.task_id}/logs"
    try:
        data = await api.read(path, seconds=_LOG_SECONDS, stdout=True, stderr=True, tail=str(count + _CONTEXT))
    except (EngineAway, EngineRefused):
        return []
    text = unwrapped(data, has_terminal=False).removesuffix("\n")
    return masked(text).split("\n")[-count:] if text else []


async def last_lines_of_copy(
    api: DockerApi, tries: Sequence[Task], count: int, masked: Callable[[str], str]
) -> list[str]:
    """The last lines of a copy, whose ``tries`` come with the newest first. A swarm puts another in the place of what
    has ended at once, and that one has said nothing yet of why: what those before it wrote goes before its own.
    """
    found = await asyncio.gather(*(last_lines(api, task, count, masked) for task in tries[:_TRIES_READ]))
    return [line for lines in reversed(found) for line in lines][-count:]


async def pieces_of(api: DockerApi, task: Task, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
    """What a task wrote behind the place of its copy; none where its machine cannot be asked."""
    if not task.container_id:
        return []
    copy = WEB if task.slot <= 1 else f"{WEB}.{task.slot}"
    if behind.process not in {None, copy}:
        return []
    written = EngineLog(api=api, path=f"/tasks/{task.task_id}/logs", id=task.task_id)
    try:
        return [await written.piece(copy, behind, masked)]
    except (EngineAway, EngineRefused):
        return []
