"""Stacks of a swarm: brought up by Docker's own command, looked at service by service, taken away by their labels."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from headway.drivers.runtimes.compose.bounds import MOST_STOP_SECONDS
from headway.drivers.runtimes.compose.commands import Docker
from headway.drivers.runtimes.compose.engine import Engine
from headway.drivers.runtimes.compose.observation import SERVICE, Container
from headway.drivers.runtimes.compose.stack_file import Held
from headway.drivers.runtimes.contract.machine import Asked
from headway.drivers.runtimes.swarm import forwarder
from headway.drivers.runtimes.swarm.cluster import Cluster
from headway.drivers.runtimes.swarm.forwarder import PORT, Forwarders, Leading
from headway.drivers.runtimes.swarm.tasks import Task, read, rolled_back
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.docker.labels import COMPOSE, DEPLOYMENT, PANEL, SWARM, WAY, labelled, leads_to_others
from headway.infra.hosts.command import Command, Stage
from headway.infra.http_request import NoAnswer
from headway.kernel.artifacts import Upstream
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Unavailable

_PAUSE = 0.1
_GONE_SECONDS = 90.0  # beyond the grace, for machines that are busy
_NANO = 1e9
_JOIN_SECONDS = 10.0
_LET_GO_SECONDS = 10.0
_WAYS = "ways"
_LOST_NETWORK = re.compile(r"network \S+ not found|[Cc]ould not find a network|attaching to network failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StackService:
    """A service of a stack as the swarm has it. ``replicas`` is None for one on every machine; ``rolled_back`` is what
    the swarm says where it has gone back to what was before; ``is_changing`` while it is at it.
    """

    name: str
    deployment_id: str
    replicas: int | None
    tasks: Sequence[Task]
    rolled_back: str | None
    is_changing: bool


def deploy(docker: Docker, project: str, file: Mapping[str, Any]) -> Command:
    """Brings a stack to what its file says. The file goes in by standard input: it holds secrets."""
    return Command(stages=(Stage(argv=_argv(project)),), env=docker.env, stdin=json.dumps(file).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacks:
    """The stacks of one panel. Every call may raise EngineAway, SwarmAway and EngineRefused."""

    engine: Engine
    api: DockerApi
    panel_id: str

    async def here(self) -> str:
        """This machine's id in its swarm. Raises NoSwarm."""
        return await self.cluster.here()

    async def services(self, compose_id: str) -> dict[str, StackService]:
        """The services of a stack, by the names that its file gives them."""
        mine = labelled(panel=self.panel_id, compose=compose_id)
        services = await self.cluster.listed("/services", mine)
        tasks = await self.cluster.listed("/tasks", mine)
        return {found.name: found for found in (_service(each, tasks) for each in services)}

    async def up(self, project: str, file: Mapping[str, Any]) -> None:
        """The same as ``deploy``, outside of any deployment. Raises ComposeFailed."""
        await self.engine.run(_argv(project), json.dumps(file).encode(), what=f"the stack {project}")

    async def hold(self, compose_id: str, files: Sequence[Held]) -> None:
        """Gives the swarm configs and secrets."""
        for each in files:
            there = await self.cluster.listed(f"/{each.kind}", {"name": [each.name]})
            if not any(found["Spec"]["Name"] == each.name for found in there):
                marks = {PANEL: self.panel_id, COMPOSE: compose_id}
                data = base64.b64encode(each.content).decode()
                await self.api.post(f"/{each.kind}/create", {"Name": each.name, "Labels": marks, "Data": data})

    async def release(self, compose_id: str, needed: Collection[str] = ()) -> None:
        """Lets go what the swarm keeps for a stack and no service of it uses, but for the names that are ``needed``."""
        mine = labelled(panel=self.panel_id, compose=compose_id)
        for kind in ("configs", "secrets"):
            for each in await self.cluster.listed(f"/{kind}", mine):
                if each["Spec"]["Name"] in needed:
                    continue
                with suppress(EngineRefused):  # in use
                    await self.api.delete(f"/{kind}/{each['ID']}")

    async def lead(self, compose_id: str, project: str, ways: Sequence[tuple[str, str, int]]) -> None:
        """Sees to a forwarder for each of these ways (network, service, port), and to no others. Raises Unavailable
        where one cannot join its network.
        """
        network = await self._ways_network()
        wanted = {f"{service}:{port}": (of, service, port) for of, service, port in ways}
        for there in await self._forwarders_of(compose_id):
            led = wanted.pop(there["Labels"][WAY], None)
            if led is None:
                await self.api.delete(f"/containers/{there['Id']}", force=True, v=True)
            else:
                await self._join(there["Id"], led[0])
        for way, (of, service, port) in wanted.items():
            marks = {PANEL: self.panel_id, COMPOSE: compose_id, SWARM: "", WAY: way}
            name = f"{project}_{service}-{port}-forwarder"
            leading = Leading(
                name=name, tasks=f"tasks.{project}_{service}", port=port, network=network, marks=marks, published=None
            )
            await Forwarders(self.api, self.panel_id).make(leading)
            await self._join(name, of)

    async def end(self, compose_id: str) -> None:
        """Ends every service of a stack, and its forwarders; returns when nothing of it runs. Volumes stay, and what
        the swarm keeps for it.
        """
        mine = labelled(panel=self.panel_id, compose=compose_id)
        for each in await self.cluster.listed("/services", mine):
            await self.api.delete(f"/services/{each['ID']}")
        loop = asyncio.get_running_loop()
        begun, grace = loop.time(), 0.0
        while loop.time() < begun + grace + _GONE_SECONDS:
            listed = await self.cluster.listed("/tasks", mine)
            tasks, grace = read(listed), max([grace, *map(_grace_of, listed)])
            nodes = await self.cluster.nodes()
            lives = [task for task in tasks if not task.is_over and _is_reached(nodes.get(task.node_id))]
            here = await self.api.get("/containers/json", filters=_of_tasks(mine))
            if not lives and not here:
                break
            await asyncio.sleep(_PAUSE)
        else:
            raise EngineAway("the swarm does not end what it was asked to end")
        for each in await self.api.get("/containers/json", all=True, filters=_of_tasks(mine)):
            await self.api.delete(f"/containers/{each['Id']}", force=True, v=True)
        for there in await self._forwarders_of(compose_id):
            await self.api.delete(f"/containers/{there['Id']}", force=True, v=True)
        await self._until_let_go(mine)

    async def remove(self, compose_id: str) -> None:
        """``end``, and lets go what the swarm keeps for it."""
        await self.end(compose_id)
        await self.release(compose_id)

    @property
    def cluster(self) -> Cluster:
        """The swarm that they are in."""
        return Cluster(self.api, self.panel_id)

    async def _until_let_go(self, mine: Mapping[str, list[str]]) -> None:
        """Until the swarm has let go the networks of a stack on this machine, which it does a moment after the last
        container in one. What joins one meanwhile finds none, and what the swarm holds for it is in use for ever.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LET_GO_SECONDS
        while loop.time() < deadline:
            listed = await self.api.get("/networks", filters=mine)
            there = [await self.api.find(f"/networks/{each['Id']}") for each in listed if each["Scope"] == "swarm"]
            if not any(_is_being_let_go(each) for each in there if each is not None):
                return
            await asyncio.sleep(_PAUSE)

    async def _join(self, container: str, network: str) -> None:
        """Starts a forwarder in the network that it leads into."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _JOIN_SECONDS
        while True:
            try:
                await self._connect(container, network)
                await self.api.post(f"/containers/{container}/start")
            except EngineRefused as refused:
                # A swarm lets a network of its go from a machine on which nothing is in it, perhaps only now.
                if not _LOST_NETWORK.search(refused.message):
                    raise
                if loop.time() >= deadline:
                    raise Unavailable(
                        f"What leads into the network {network} of the swarm cannot join it; try again in a moment. "
                        f"{refused.message}"
                    ) from refused
            else:
                return
            await asyncio.sleep(_PAUSE)

    async def _connect(self, container: str, network: str) -> None:
        try:
            await self.api.post(f"/networks/{network}/connect", {"Container": container})
        except EngineRefused as refused:
            if "already" not in refused.message:  # it is in it: an engine says so of one that runs in other words
                raise

    async def _forwarders_of(self, compose_id: str) -> list[dict[str, Any]]:
        mine = labelled(panel=self.panel_id, compose=compose_id)
        found: list[dict[str, Any]] = await self.api.get("/containers/json", all=True, filters=mine)
        return [each for each in found if leads_to_others(each["Labels"])]

    async def _ways_network(self) -> str:
        """The network on which this machine reaches forwarders; who is in it does not reach another."""
        name = f"headway-{self.panel_id}-{_WAYS}"
        if await self.api.find(f"/networks/{name}") is None:
            closed = {"com.docker.network.bridge.enable_icc": "false"}
            body = {"Name": name, "Driver": "bridge", "Labels": {PANEL: self.panel_id}, "Options": closed}
            with suppress(EngineRefused):  # somebody else has made it meanwhile
                await self.api.post("/networks/create", body)
        return name


def address_of(containers: Sequence[Container], service: str, port: int) -> tuple[str, int] | None:
    """Where this machine reaches the forwarder to a service of a stack."""
    for each in containers:
        if each.labels.get(WAY) == f"{service}:{port}" and each.runs:
            address = next((found for name, found in each.addresses.items() if name.endswith(f"-{_WAYS}")), None)
            if address is not None:
                return address, PORT
    return None


async def ask(way: Upstream, number: int, within_seconds: float) -> Asked:
    """Asks for an answer in HTTP at the port ``number`` of a service, by its forwarder, again and again for so long at
    most.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        try:
            await forwarder.ask_any(way.address, way.port, number)
        except NoAnswer as silence:
            if loop.time() >= deadline:
                return Asked(answers=False, lacking=f"GET / on port {number} got no answer: {silence}.")
        else:
            return Asked(answers=True)
        await asyncio.sleep(_PAUSE)


def is_forwarder(container: Container) -> bool:
    """Whether it leads to others."""
    return leads_to_others(container.labels)


def _is_being_let_go(network: Mapping[str, Any]) -> bool:
    """Whether a swarm's network is on this machine, which alone tells of containers, and only the swarm is in it."""
    containers = network.get("Containers")
    return containers is not None and all(each.startswith("lb-") for each in containers)


def _service(values: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> StackService:
    spec = values["Spec"]
    labels = spec["Labels"]
    replicated = spec["Mode"].get("Replicated")
    update = (values.get("UpdateStatus") or {}).get("State") or ""
    return StackService(
        name=labels.get(SERVICE, spec["Name"]),
        deployment_id=labels.get(DEPLOYMENT, ""),
        replicas=None if replicated is None else int(replicated.get("Replicas") or 0),
        tasks=read(each for each in tasks if each["ServiceID"] == values["ID"]),
        rolled_back=rolled_back(values) or _paused(values),
        is_changing=update in {"updating", "rollback_started"},
    )


def _paused(values: Mapping[str, Any]) -> str | None:
    update = values.get("UpdateStatus") or {}
    return str(update.get("Message") or "paused") if update.get("State") == "paused" else None


def _grace_of(task: Mapping[str, Any]) -> float:
    """How many seconds a copy may take to end: one of before there was a bound may wish for more."""
    container = (task.get("Spec") or {}).get("ContainerSpec") or {}
    return min((container.get("StopGracePeriod") or 0) / _NANO, MOST_STOP_SECONDS)


def _of_tasks(mine: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {"label": [*mine["label"], "com.docker.swarm.task.id"]}


def _is_reached(node: Mapping[str, Any] | None) -> bool:
    return node is not None and node["Status"]["State"] not in {"down", "disconnected"}


def _argv(project: str) -> tuple[str, ...]:
    options = ("--compose-file=-", "--detach=true", "--prune", "--resolve-image=never", "--with-registry-auth")
    return ("docker", "stack", "deploy", *options, "--", project)
