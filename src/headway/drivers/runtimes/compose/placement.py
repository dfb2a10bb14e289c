"""The containers of a panel's services on all machines of its swarm, as its manager tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.swarm.cluster import Cluster
from headway.infra.docker.api import DockerApi
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A container on some machine of a swarm: what it is to do there, and what keeps it from that."""

    container: Container
    node: str
    wanted: str
    error: str


async def placed(api: DockerApi, panel_id: str) -> list[Placed]:
    """Those that run or are to, and the last of those that failed; none where there is no swarm. Raises EngineAway,
    SwarmAway.
    """
    cluster = Cluster(api, panel_id)
    services = {each["ID"]: each["Spec"]["Name"] for each in await cluster.listed("/services", _mine(panel_id))}
    if not services:
        return []
    nodes = await cluster.nodes()
    tasks = await cluster.listed("/tasks", _mine(panel_id))
    return [_placed(each, services[each["ServiceID"]], nodes) for each in tasks if each["ServiceID"] in services]


def _mine(panel_id: str) -> dict[str, list[str]]:
    return {"label": [f"headway.panel={panel_id}"]}


def _placed(task: Mapping[str, Any], service: str, nodes: Mapping[str, Any]) -> Placed:
    status = task["Status"]
    inside = status.get("ContainerStatus") or {}
    specification = task["Spec"]["ContainerSpec"]
    node = nodes.get(task.get("NodeID", "")) or {}
    container = Container(
        container_id=inside.get("ContainerID") or task["ID"],
        name=f"{service}.{task.get('Slot') or task.get('NodeID', '')}.{task['ID']}",
        image=specification["Image"],
        labels=specification.get("Labels") or {},
        status=status["State"],
        exit_code=inside.get("ExitCode") or 0,
        out_of_memory=False,
        restarts=0,
        restart_policy="",
        started_at=status["Timestamp"],
        health=None,
        health_said="",
        addresses={},
        ports=(),
        published=frozenset(),
        mounts=(),
        has_terminal=False,
    )
    hostname = (node.get("Description") or {}).get("Hostname") or ""
    return Placed(container=container, node=hostname, wanted=task["DesiredState"], error=status.get("Err") or "")
