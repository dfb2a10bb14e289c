"""Facts announced after they are true; whoever listens can neither delay nor undo them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)

E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentMoved:
    """A deployment's status, step or intent has changed and the change is committed."""

    deployment_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentStarted:
    """A worker has taken a deployment, ``waited_seconds`` after it was asked for."""

    deployment_id: str
    kind: str
    host_id: str
    epoch: int
    waited_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentEnded:
    """A deployment has ended. ``ran_seconds`` is None where it never ran, ``reason`` where it is done."""

    deployment_id: str
    kind: str
    host_id: str
    release_host_id: str | None
    status: str
    reason: str | None
    ran_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded:
    """A step of a run has its result."""

    deployment_id: str
    kind: str
    step: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimersChanged:
    """When something is due has changed, and the change is committed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTimeDecided:
    """What became of a due time of a subject of this type: "started", "skipped", "missed". ``late_seconds`` is how long
    after the time that was meant for it a run was asked for.
    """

    subject_type: str
    fate: str
    late_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGrew:
    """The log of a deployment has that many bytes more."""

    deployment_id: str
    added_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskMeasured:
    """So much is free where builds are made, and so much is held, by what it is for."""

    free_bytes: int
    held_bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasesLooked:
    """It was looked at all releases that do not serve: to so many one could go back now, and to so many not."""

    usable: int
    unusable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SwarmLooked:
    """The swarm has so many machines by what it says of them, and of the copies of services that are wanted in it so
    many run.
    """

    machines: Mapping[str, int]
    wanted: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeEnded:
    """The edge of a server has ended by itself, so (a status, a signal), and is there again."""

    host_id: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewsCounted:
    """There are so many previews, by whether they are awake, asleep, or await somebody's approval."""

    states: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """A procedure was called over a wire; ``procedure`` is one that there is, or "unknown"."""

    wire: str
    procedure: str
    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswered:
    """A request has been answered: one call, or several of them. ``ids`` are those of the request, and of who made it
    where that is known.
    """

    method: str
    path: str
    status: int
    seconds: float
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTaken:
    """A delivery of a webhook is kept, and what it asks for is done. ``outcome`` is "repeated" where it had come
    before.
    """

    delivery_id: str
    sender: str
    event: str
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSettled:
    """A notification was sent, has failed for good, or is ``delayed``: its channel did not take it this time."""

    channel_id: str
    medium: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanged:
    """What a user may do, or what a key of theirs is good for, has changed, and the change is committed."""

    user_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMoved:
    """A service or a preview lies in that project now, where not the same people may see it, and the change is
    committed.
    """

    service_id: str
    organization_id: str
    project_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Where something lies, by which it is decided who may know of it: in an organisation, there in a project, there in
    a service. ``everyone`` of the organisation may know of what lies in none, else its admins may.
    """

    organization_id: str
    project_id: str | None = None
    service_id: str | None = None
    everyone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What pages show of a topic ("deployments", "service:<id>") may be another than it was, and the change is
    committed. ``revision`` counts within this process; it means nothing but that one has to look again.
    """

    topic: str
    whose: Whose
    revision: int


class ChangeSource(Protocol):
    """Whoever tells of changes. The bus of a panel does; of several panels over one database that would have to."""

    def listen(self, kind: type[Changed], listener: Callable[[Changed], None]) -> Callable[[], None]:
        """Calls ``listener`` for every change; the result ends the subscription."""
        ...


class Events:
    """Hands each announced record to the listeners of its type, in the order in which they subscribed."""

    def __init__(self) -> None:
        self._listeners: dict[type[object], list[Callable[[object], None]]] = {}
        self._revision = 0

    def listen(self, kind: type[E], listener: Callable[[E], None]) -> Callable[[], None]:
        """Calls ``listener`` for every record of type ``kind``; the result ends the subscription."""
        listeners = self._listeners.setdefault(kind, [])
        listeners.append(listener)  # type: ignore[arg-type]  # keyed by type
        return lambda: listeners.remove(listener)  # type: ignore[arg-type]

    def announce(self, record: object) -> None:
        """Tells every listener; one that breaks is logged and does not reach the announcer."""
        for listener in tuple(self._listeners.get(type(record), ())):
            try:
                listener(record)
            except Exception:
                log.exception("a listener failed", extra={"record": type(record).__name__})

    def changed(self, whose: Whose, *topics: str) -> None:
        """Announces that what is shown of these topics may be another."""
        for topic in topics:
            self._revision += 1
            self.announce(Changed(topic=topic, whose=whose, revision=self._revision))
