"""One followed deployment: what its followers are told of it beside its log, read once for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from pydantic_core import to_json

from headway.api.rows import moment
from headway.core.deployments.model import Deployment, StepRecord
from headway.core.deployments.subjects import service_of
from headway.kernel.dataclass import dataclass


class EventKind(StrEnum):
    """What an event tells: ``log`` a piece of the log, or ``lines`` of it, behind ``anew`` where they are another log's
    than was followed; ``step``, ``status`` and ``end``.
    """

    LOG = "log"
    LINES = "lines"
    ANEW = "anew"
    STEP = "step"
    STATUS = "status"
    END = "end"


@dataclass(frozen=True, slots=True)
class StepNews:
    """A step as a ready event, and where it began in the log."""

    offset: int
    event: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What followers are told of a deployment beside its log: ready events, the steps' by their names, in the order in
    which they began; and who may see it, by where it lies: its organisation, project and service (None: it is gone).
    ``bare_status`` is for who has no account.
    """

    status: bytes = b""
    bare_status: bytes = b""
    steps: Mapping[str, StepNews] = field(default_factory=dict)
    ended: bool = False
    place: tuple[str, str | None, str | None] | None = None


def view_of(deployment: Deployment, steps: list[StepRecord]) -> View:
    """The events that tell a deployment's present state."""
    status = {
        "status": deployment.status,
        "reason": deployment.reason,
        "errorMessage": deployment.error_message,
        "startedAt": moment(deployment.started_at),
        "finishedAt": moment(deployment.finished_at),
        "killRequestedAt": moment(deployment.kill_requested_at),
    }
    bare = {name: status[name] for name in ("status", "reason", "startedAt", "finishedAt")}
    return View(
        status=event_of(EventKind.STATUS, status),
        bare_status=event_of(EventKind.STATUS, bare),
        steps={step.name: StepNews(step.log_offset, event_of(EventKind.STEP, _step(step))) for step in steps},
        ended=deployment.status.ended,
        place=(
            deployment.organization_id,
            deployment.project_id,
            service_of(deployment.subject_type, deployment.subject_id),
        ),
    )


def _step(step: StepRecord) -> dict[str, Any]:
    return {
        "name": step.name,
        "startedAt": moment(step.started_at),
        "finishedAt": moment(step.finished_at),
        "logOffset": step.log_offset,
    }


def event_of(kind: EventKind, data: Mapping[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), to_json(data))


class Channel:
    """One followed deployment: its view, read again after it moved, by whichever follower comes first."""

    def __init__(self, deployment_id: str, look: Callable[[], Awaitable[View]]) -> None:
        self.deployment_id = deployment_id
        self.followers: set[object] = set()
        self.view = View()
        self.closed = False
        self.moved = asyncio.Event()
        self.read = asyncio.Event()
        self._look = look
        self._reading = asyncio.Lock()
        self._version = 1
        self._read_version = 0

    def stale(self) -> None:
        """The deployment moved: the view is to be read again. Wakes all who wait for ``moved``."""
        self._version += 1
        self.moved, moved = asyncio.Event(), self.moved
        moved.set()

    def close(self) -> None:
        self.closed = True
        self.stale()

    async def current(self) -> View:
        """The newest view. Raises Unavailable when the database is away."""
        async with self._reading:
            if self._read_version != self._version:
                version = self._version
                self.view = await self._look()
                self._read_version = version
                self.read, read = asyncio.Event(), self.read
                read.set()
        return self.view
