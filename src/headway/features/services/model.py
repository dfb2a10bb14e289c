"""What services of every kind have in common: the kinds, what is wanted of one, its status, the states of releases."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from headway.core.deployments.model import SubjectType

Kinds = frozenset[SubjectType]
APPLICATIONS: Kinds = frozenset({SubjectType.APPLICATION, SubjectType.DATABASE})  # what runs of a database is one
COMPOSES: Kinds = frozenset({SubjectType.COMPOSE})


class ServiceStatus(StrEnum):
    """A service's own status, by its name on the wire."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"


class DesiredState(StrEnum):
    """Whether a service is to run; what its processes or containers do follows from it, also after a reboot. What is
    held is down for as long as a volume backup needs it: whoever held it lets it go, and nobody else starts it.
    """

    UP = "up"
    DOWN = "down"
    HELD = "held"


class ReleaseState(StrEnum):
    """Where a release is in its life. Those of compose services do not retire for a while: they have retired."""

    STARTING = "starting"
    SERVING = "serving"
    RETIRING = "retiring"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """A service that nothing is being deployed to: what is wanted of it, the release that serves (None: there is none),
    and what that runs in.
    """

    service_id: str
    wanted: DesiredState
    release_id: str | None
    runtime: str
