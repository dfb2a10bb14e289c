"""Containers as the engine describes them, and what to think of each: it comes, is up, has finished, or fails."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from headway.drivers.runtimes.compose import conversion
from headway.drivers.runtimes.container.state import ENDED_FROM_OUTSIDE, lacking
from headway.infra.docker.labels import COMPOSE, DEPLOYMENT
from headway.kernel.dataclass import dataclass

MOST_RESTARTS = 3
SERVICE = "com.docker.compose.service"
PROJECT = "com.docker.compose.project"
_GRACE_SECONDS = 10  # an engine's own, of a container that does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container. ``health`` is None where nobody asks after it, and ``ports`` are as the engine prints them.
    ``told`` is its sentence about the status (``Up 3 seconds (healthy)``), of which it has none for other machines.
    ``grace_seconds`` is how long it may take to end once it was asked to; below zero it is for ever.
    """

    container_id: str
    name: str
    image: str
    labels: Mapping[str, str]
    status: str
    exit_code: int
    out_of_memory: bool
    restarts: int
    restart_policy: str
    started_at: str
    health: str | None
    health_said: str
    addresses: Mapping[str, str]
    ports: tuple[str, ...]
    published: frozenset[int]
    mounts: tuple[Mapping[str, Any], ...]
    has_terminal: bool
    told: str = ""
    pid: int | None = None
    finished_at: str = ""
    grace_seconds: int = _GRACE_SECONDS

    @property
    def service(self) -> str:
        """The service of the compose file that it belongs to."""
        return self.labels.get(SERVICE, "")

    @property
    def project(self) -> str:
        """What Compose calls the whole that it belongs to."""
        return self.labels.get(PROJECT, "")

    def is_called(self, text: str) -> bool:
        """Whether a client may mean this one: by its id, as far as lists show it, or its name."""
        return text in {self.container_id, self.container_id[:12], self.name}

    @property
    def compose_id(self) -> str:
        """The compose service whose it is."""
        return self.labels.get(COMPOSE, "")

    @property
    def deployment_id(self) -> str:
        """The deployment that made it."""
        return self.labels.get(DEPLOYMENT, "")

    @property
    def runs(self) -> bool:
        """Whether its program is there now."""
        return self.status in {"running", "paused"}

    @property
    def lacks(self) -> str | None:
        """What keeps it from serving although its program is there; to be masked like its output."""
        return (
            lacking(is_paused=self.status == "paused", health=self.health, told=self.health_said) if self.runs else None
        )


class ContainerVerdict(StrEnum):
    """What is to be thought of a container."""

    COMING = "coming"
    UP = "up"
    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``why`` completes the sentence "The service NAME …" of a failure."""

    standing: ContainerVerdict
    why: str = ""
    out_of_memory: bool = False


def judged(container: Container, *, settled: bool) -> Judgement:
    """What is to be thought of a container; ``settled`` says whether it has stayed up for the settle time."""
    if container.restarts >= MOST_RESTARTS or (container.restarts and container.status == "exited"):
        return _failed(container, f"ends again and again ({container.restarts} restarts): {_end_of(container)}")
    if container.lacks is not None:
        return Judgement(standing=ContainerVerdict.FAILED, why=container.lacks)
    match container.status:
        case "running":
            up = settled if container.health is None else container.health == "healthy"
            return Judgement(standing=ContainerVerdict.UP if up else ContainerVerdict.COMING)
        case "exited" | "dead" if container.exit_code == 0 and not container.out_of_memory:
            if container.restart_policy in {"", "no", "on-failure"}:
                return Judgement(standing=ContainerVerdict.FINISHED)
            return Judgement(standing=ContainerVerdict.COMING)
        case "exited" | "dead" if container.restart_policy in {"", "no"} or container.out_of_memory:
            return _failed(container, _end_of(container))
        case _:
            return Judgement(standing=ContainerVerdict.COMING)


def ended_by_itself(container: Container) -> bool:
    """Whether its program is not there, and neither the engine nor anybody else has ended it."""
    crashed = container.exit_code not in {0, *ENDED_FROM_OUTSIDE} or container.out_of_memory
    return not container.runs and container.status != "created" and crashed


def has_crashed(container: Container) -> bool:
    """Whether it has ended by itself since it was made, or fails its check; an engine calls unhealthy what it has
    stopped.
    """
    fails = container.runs and container.health == "unhealthy"
    return container.restarts > 0 or container.status == "restarting" or fails or ended_by_itself(container)


def container_of(found: Mapping[str, Any], told: str = "") -> Container:
    """A container from what ``docker inspect`` says; ``told`` is what a list of containers says of its status."""
    state, config, host = found["State"], found["Config"], found["HostConfig"]
    networks = (found.get("NetworkSettings") or {}).get("Networks") or {}
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    labels = config.get("Labels") or {}
    health = state.get("Health") or {}
    log = health.get("Log") or []
    return Container(
        container_id=found["Id"],
        name=found["Name"].lstrip("/"),
        image=labels.get(conversion.IMAGE) or config.get("Image") or "",
        labels=labels,
        status=state["Status"],
        exit_code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        restarts=int(found.get("RestartCount") or 0),
        restart_policy=(host.get("RestartPolicy") or {}).get("Name") or "",
        started_at=state.get("StartedAt") or "",
        health=health.get("Status") or None,
        health_said=str(log[-1].get("Output") or "").strip() if log else "",
        addresses={name: each["IPAddress"] for name, each in networks.items() if each.get("IPAddress")},
        ports=tuple(_port(inner, outer) for inner, given in ports.items() for outer in given or [None]),
        published=frozenset(int(outer["HostPort"]) for given in ports.values() for outer in given or ()),
        mounts=tuple(found.get("Mounts") or ()),
        has_terminal=bool(config.get("Tty")),
        told=told,
        pid=state.get("Pid") or None,
        finished_at=state.get("FinishedAt") or "",
        grace_seconds=_GRACE_SECONDS if config.get("StopTimeout") is None else int(config["StopTimeout"]),
    )


def _failed(container: Container, why: str) -> Judgement:
    return Judgement(standing=ContainerVerdict.FAILED, why=why, out_of_memory=container.out_of_memory)


def _end_of(container: Container) -> str:
    if container.out_of_memory:
        return f"was ended for using more memory than it may (exit status {container.exit_code})"
    return f"ended with exit status {container.exit_code}"


def _port(inner: str, outer: Mapping[str, Any] | None) -> str:
    return inner if outer is None else f"{outer.get('HostIp') or '0.0.0.0'}:{outer['HostPort']}->{inner}"  # noqa: S104
