"""What a cluster says of the pods of a release, read in the words of every runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headway.drivers.runtimes.base import ProcessState, ProcessStatus
from headway.drivers.runtimes.container_state import WEB, how_it_ended, instant
from headway.drivers.runtimes.kubernetes.manifests import MAIN

_NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One copy. ``exits`` counts its ends by itself; ``waits_for`` says what keeps it, "" where nothing does."""

    name: str
    node: str
    runs: bool
    is_ready: bool
    since: str
    exits: int
    exit_code: int | None
    out_of_memory: bool
    waits_for: str
    lacks_image: bool

    def status(self, number: int) -> ProcessStatus:
        """The same in the words of every runtime. A cluster tells no pids."""
        ended = None if self.exit_code is None else how_it_ended(self.exit_code, out_of_memory=self.out_of_memory)
        crashed = ProcessState.CRASHED if self.exits else ProcessState.STARTING
        return ProcessStatus(
            name=WEB if number == 1 else f"{WEB}.{number}",
            state=ProcessState.RUNNING if self.runs else crashed,
            pid=None,
            since=instant(self.since) if self.runs and self.since else None,
            exits=self.exits,
            last_exit=ended,
        )


def read(answer: Mapping[str, Any]) -> list[Pod]:
    """The pods of ``kubectl get pods --output=json``, by name."""
    return sorted((_pod(each) for each in answer["items"]), key=lambda pod: pod.name)


def why_unhealthy(pods: Sequence[Pod], wanted: int) -> str:
    """What keeps a release from being healthy, as the end of a sentence."""
    lacking = next((pod for pod in pods if pod.lacks_image), None)
    if lacking is not None:
        return f"the node {lacking.node} could not fetch its image: {lacking.waits_for}"
    ended = max(pods, key=lambda pod: pod.exits, default=None)
    if ended is not None and ended.exits and ended.exit_code is not None:
        how = how_it_ended(ended.exit_code, out_of_memory=ended.out_of_memory)
        times = "once" if ended.exits == 1 else f"{ended.exits} times"
        return f"{ended.name} ended {times}, last with {how}, on the node {ended.node}"
    waiting = next((pod for pod in pods if pod.waits_for), None)
    if waiting is not None:
        return f"{waiting.name} waits: {waiting.waits_for}"
    return f"{sum(pod.is_ready for pod in pods)} of {wanted} copies pass their check"


def _pod(values: Mapping[str, Any]) -> Pod:
    status = values.get("status") or {}
    container: Mapping[str, Any] = next(
        (each for each in status.get("containerStatuses") or () if each["name"] == MAIN), {}
    )
    now = container.get("state") or {}
    ended = now.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    waiting = now.get("waiting") or {}
    return Pod(
        name=values["metadata"]["name"],
        node=(values.get("spec") or {}).get("nodeName") or "",
        runs="running" in now,
        is_ready=bool(container.get("ready")),
        since=(now.get("running") or {}).get("startedAt") or "",
        exits=container.get("restartCount", 0) + ("terminated" in now),
        exit_code=ended.get("exitCode"),
        out_of_memory=ended.get("reason") == "OOMKilled",
        waits_for=_said(waiting) or _unscheduled(status),
        lacks_image=waiting.get("reason") in _NO_IMAGE,
    )


def _said(waiting: Mapping[str, Any]) -> str:
    return ": ".join(str(waiting[key]) for key in ("reason", "message") if waiting.get(key))


def _unscheduled(status: Mapping[str, Any]) -> str:
    """Why no node takes it."""
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message") or condition.get("reason") or "no node takes it")
    return ""
