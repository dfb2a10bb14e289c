"""Looking at a server: its system, its size, its engine, its clock."""

from __future__ import annotations

import re
import time
from typing import Any

from headway.features.servers.model import ServerFacts
from headway.infra.docker.api import DockerApi, EngineAway, EngineRefused
from headway.infra.hosts.ssh import SshHost

DOCKER_SOCKET = "/var/run/docker.sock"


async def examined(host: SshHost) -> ServerFacts:
    """What there is. Raises HostUnreachable."""
    system = await _text(host, "/etc/os-release")
    memory = re.search(r"^MemTotal:\s+(\d+) kB", await _text(host, "/proc/meminfo"), re.MULTILINE)
    engine = await _engine(docker_of(host))
    return ServerFacts(
        system=_named(system),
        machine=host.machine,
        cores=_cores(await _text(host, "/sys/devices/system/cpu/online")),
        memory_bytes=int(memory[1]) << 10 if memory else None,
        disk_free_bytes=await host.free_bytes(host.root),
        docker=engine.get("ServerVersion"),
        swarm=_swarm(engine),
        clock_drift_seconds=await _drift(host),
    )


def docker_of(host: SshHost) -> DockerApi:
    """The server's engine."""
    return DockerApi(lambda: host.dial(DOCKER_SOCKET), host.target.place)


async def _text(host: SshHost, path: str) -> str:
    return (await host.read_file(path) or b"").decode(errors="replace")


def _named(os_release: str) -> str | None:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)"?$', os_release, re.MULTILINE)
    return found[1] if found else None


def _cores(online: str) -> int | None:
    """The kernel's list of processors: 0-3,8."""
    count = 0
    for part in online.strip().split(","):
        first, _, last = part.partition("-")
        if not first.isdigit() or (last and not last.isdigit()):
            return None
        count += int(last or first) - int(first) + 1
    return count


async def _engine(api: DockerApi) -> dict[str, Any]:
    try:
        found: dict[str, Any] = await api.get("/info")
    except (EngineAway, EngineRefused):
        return {}
    return found


def _swarm(info: dict[str, Any]) -> str | None:
    if not info:
        return None
    swarm = info.get("Swarm", {})
    if swarm.get("LocalNodeState") != "active":
        return "none"
    return "manager" if swarm.get("ControlAvailable") else "worker"


async def _drift(host: SshHost) -> float:
    """How far its clock is ahead, measured against the middle of the question."""
    before = time.time()
    there = await host.clock()
    return round(there - (before + time.time()) / 2, 1)
