"""A service of any kind: what it is, what is wanted of it, and the releases that its deployments leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.runtimes.contract.runtime import Health
from headway.features.services.settings import ServiceSettings
from headway.kernel.dataclass import dataclass

Kinds = frozenset[SubjectType]
APPLICATIONS: Kinds = frozenset({SubjectType.APPLICATION, SubjectType.DATABASE})  # what runs of a database is one
COMPOSES: Kinds = frozenset({SubjectType.COMPOSE})


def type_of(kind: str) -> SubjectType:
    """What domains, webhooks and clients call a service of a kind: a database is an application."""
    return SubjectType.COMPOSE if kind in COMPOSES else SubjectType.APPLICATION


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


S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Generic[S]):
    """One service: ``app_name`` is what it is called on its machine, ``host_name`` by what it is reached below the base
    domain ("" of a compose service, which is not). ``env`` is its variables as the user wrote them; uids are None where
    the panel is not root. What runs of a pull request is one too: ``preview_of`` names the service that it is a preview
    of; and so is a database, of the kind ``database``. ``build_host_id`` is the server that builds it, where that is
    not to be done where it is; with ``delete_volumes`` those of a compose service go with it.
    """

    service_id: str
    kind: SubjectType
    organization_id: str
    project_id: str
    environment_id: str
    host_id: str
    name: str
    app_name: str
    description: str | None
    status: ServiceStatus
    wanted: DesiredState
    serving_release_id: str | None
    settings: S
    env: str = field(repr=False)
    build_uid: int | None
    run_uid: int | None = None
    created_at: datetime
    preview_of: str | None = None
    build_host_id: str | None = None
    database: str | None = None
    host_name: str = ""
    delete_volumes: bool = False

    @property
    def subject_type(self) -> SubjectType:
        """What its deployments belong to."""
        return self.kind if self.preview_of is None else SubjectType.PREVIEW

    @property
    def noun(self) -> Noun:
        """What it is called."""
        return noun_of(self.kind)

    def words(self) -> Mapping[str, str | None]:
        """What it is found by."""
        own = {"name": self.name, "appName": self.app_name, "description": self.description}
        return {**own, **self.settings.words()}


def noun_of(kind: SubjectType) -> Noun:
    """What services of a kind are called."""
    return Noun[kind.name]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a deployment left to serve on its host: its folder, what it runs in, its port (None: it takes no requests),
    those of further copies, and what it was made of. ``bytes`` is what it holds on the disk (None: not measured),
    ``origin`` the release whose artifact it has (None: its own), ``image`` what people know that by, ``missing`` what
    keeps anybody from going back to it, ``domains`` those that led to it when it last served, ``health`` what its check
    saw (None: nobody wrote it down).
    """

    release_id: str
    seq: int
    service_id: str
    host_id: str
    deployment_id: str
    state: ReleaseState
    folder: str
    runtime: str = "native"
    port: int | None
    more_ports: Sequence[int] = ()
    bytes: int | None = None
    commit_hash: str | None
    retire_at: datetime | None
    created_at: datetime
    origin: str | None = None
    image: str | None = None
    missing: str | None = None
    domains: Sequence[Mapping[str, Any]] | None = None
    health: Health | None = None

    @property
    def ports(self) -> tuple[int, ...]:
        """All ports that its requests come in on."""
        return () if self.port is None else (self.port, *self.more_ports)


def read_health(told: Mapping[str, Any] | None) -> Health | None:
    """What was written down of a health check."""
    return None if told is None else Health(answers=told["answers"], copies=tuple(told["copies"]))
