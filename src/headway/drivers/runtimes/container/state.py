"""What an engine says of a container, read as the state of a release."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.kernel.dataclass import dataclass

WEB = "web"
ENDED_FROM_OUTSIDE = frozenset({137, 143, 255})  # as the engine ends what runs when it goes down itself

_STATES: Mapping[str, ProcessState] = {
    "created": ProcessState.STOPPED,
    "running": ProcessState.RUNNING,
    "paused": ProcessState.RUNNING,
    "restarting": ProcessState.CRASHED,
    "removing": ProcessState.STOPPING,
    "exited": ProcessState.STOPPED,
    "dead": ProcessState.STOPPED,
}
_SIGNALS: Mapping[int, str] = {134: "SIGABRT", 135: "SIGBUS", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
_KEPT_UP = frozenset({"always", "unless-stopped"})
_FRACTION = re.compile(r"\.(\d{6})\d*")
_YEAR_ONE = "0001-"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """A container as it is now. ``exits`` counts its ends since somebody last started it, ``is_kept_up`` says that the
    engine starts it again whenever it ends by itself; ``health`` is the word of the image's own check, "" where it has
    none, and ``told`` what that last said. One that ``is_paused`` runs, and does nothing.
    """

    container_id: str
    release_id: str
    state: ProcessState
    pid: int | None
    since: datetime | None
    exits: int
    exit_code: int
    out_of_memory: bool
    has_exited: bool
    is_kept_up: bool
    error: str
    health: str
    told: str
    address: str
    has_terminal: bool
    env: Mapping[str, str]
    is_paused: bool

    @property
    def runs(self) -> bool:
        """Whether its process lives now."""
        return self.state is ProcessState.RUNNING

    @property
    def was_stopped(self) -> bool:
        """Whether it is down since the engine has ended it, which went down itself or was asked to by somebody."""
        # What it keeps up it starts again where that ends by itself, whatever the status: of others that has to tell.
        from_outside = self.is_kept_up or self.exit_code in ENDED_FROM_OUTSIDE
        return self.has_exited and self.state is ProcessState.STOPPED and from_outside and not self.out_of_memory

    @property
    def own_exits(self) -> int:
        """How often it has ended by itself."""
        return self.exits - self.was_stopped

    def status(self) -> ProcessStatus:
        """The same in the words of every runtime."""
        return ProcessStatus(
            name=WEB,
            state=ProcessState.STARTING if self.runs and self.health == "starting" else self.state,
            pid=self.pid,
            since=self.since if self.runs else None,
            exits=self.own_exits,
            last_exit=how_it_ended(self.exit_code, out_of_memory=self.out_of_memory) if self.exits else None,
            lacks=lacking(is_paused=self.is_paused, health=self.health, told=self.told) if self.runs else None,
        )


def read(inspected: Mapping[str, Any], release_label: str) -> ContainerState:
    """The container of an answer to ``GET /containers/ID/json``."""
    state = inspected["State"]
    runs = state["Status"] in {"running", "paused"}
    ended = state["Status"] in {"exited", "dead"}
    health = state.get("Health") or {}
    networks = inspected["NetworkSettings"]["Networks"] or {}
    configuration = inspected["Config"]
    policy = (inspected.get("HostConfig") or {}).get("RestartPolicy") or {}
    return ContainerState(
        container_id=inspected["Id"],
        release_id=(configuration["Labels"] or {}).get(release_label, ""),
        state=_STATES.get(state["Status"], ProcessState.STOPPED),
        pid=state["Pid"] or None,
        since=instant(state["StartedAt"]),
        exits=inspected["RestartCount"] + ended,
        exit_code=state["ExitCode"],
        out_of_memory=bool(state["OOMKilled"]) and not runs,
        has_exited=ended or state["Status"] == "restarting",
        is_kept_up=policy.get("Name") in _KEPT_UP,
        error=state["Error"],
        health=health.get("Status", "").replace("none", ""),
        told=_last_output(health.get("Log") or ()),
        address=next((network["IPAddress"] for network in networks.values() if network["IPAddress"]), ""),
        has_terminal=configuration["Tty"],
        env=dict(_pair(text) for text in configuration["Env"] or ()),
        is_paused=state["Status"] == "paused",
    )


def lacking(*, is_paused: bool, health: str | None, told: str) -> str | None:
    """What keeps a container that runs from serving, as its engine knows it; ``told`` is what its check said."""
    if is_paused:
        return "is paused"
    if health == "unhealthy":
        return f"runs, but its health check fails{f': {told}' if told else ''}"
    return None


def how_it_ended(exit_code: int, *, out_of_memory: bool) -> str:
    """An end in words."""
    how = f"exit status {exit_code}"
    if exit_code in _SIGNALS:
        how = f"exit status {exit_code} ({_SIGNALS[exit_code]})"
    if out_of_memory:
        return (
            f"{how}, since its memory bound was reached (let it use less, or raise its memoryLimit: headway apps set "
            "APP --memory SIZE)"
        )
    return how


def unwrapped(data: bytes, *, has_terminal: bool) -> str:
    """The text of a container's log: without a terminal each piece comes with a head of eight bytes."""
    if has_terminal:
        return data.decode(errors="replace").replace("\r\n", "\n")
    pieces = []
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position + 4 : position + 8])
        pieces.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    return b"".join(pieces).decode(errors="replace")


def instant(text: str) -> datetime | None:
    """A time of the engine's, which counts nanoseconds, and the year 1 for what has not happened."""
    if text.startswith(_YEAR_ONE):
        return None
    return datetime.fromisoformat(_FRACTION.sub(r".\1", text.replace("Z", "+00:00"))).astimezone(UTC)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _last_output(log: Sequence[Mapping[str, Any]]) -> str:
    lines = [line.strip() for entry in log for line in (entry.get("Output") or "").splitlines() if line.strip()]
    return lines[-1] if lines else ""
