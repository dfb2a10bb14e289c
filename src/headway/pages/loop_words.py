"""What the loops of the panel are for, and what it keeps from the machine, in words, where one tells of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LOOPS: Mapping[str, str] = MappingProxyType(
    {
        "timer": "Starting schedules and backups when they are due",
        "janitor": "Clearing a machine of what is left over",
        "undo": "Taking back what a deployment had half made",
        "leftover": "Ending the processes of lost deployments",
        "retention": "Removing old deployments and their logs",
        "kept files": "Removing backups that are not kept any longer",
        "outbox": "Handing out what channels are told",
        "schedules": "Removing schedules that were deleted",
        "previews": "Ending previews whose time is over",
        "open pull requests": "Asking forges which pull requests are open",
        "missed pushes": "Catching up with pushes that nobody told of",
        "disk watch": "Watching the room on disks",
        "disk": "Clearing away what nobody needs on disks",
        "readiness": "Looking at the releases that one can go back to",
        "services": "Keeping services as they are wanted",
        "servers": "Connecting to servers",
        "certificates": "Showing certificates at the edge",
        "line index": "Noting where the lines of a log are",
    }
)

GATES: Mapping[str, str] = MappingProxyType(
    {
        "applications": "Applications that are processes",
        "containers": "Containers",
        "swarm": "Copies in a swarm",
    }
)


def work_of(loop: str) -> str:
    """What a loop does; its name where there are no words for that."""
    return LOOPS.get(loop, loop)


def kept_by(gate: str) -> str:
    """What a gate keeps from the machine; the gate's name where there are no words for that."""
    return GATES.get(gate, gate)
