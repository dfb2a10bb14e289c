"""Where the seams meet: what a source leaves, a builder makes and a runtime releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from headway.kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit of a git source."""

    hash: str
    subject: str
    author: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A folder on the host with the source in it, owned by the build account. ``root`` is what was fetched, ``folder``
    the build path within it, already checked to lie inside.
    """

    root: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process type of a release: its start command is one argument to a shell under the run account."""

    name: str
    command: str
    scale: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The artifact of the native builder: a folder to be released as it is, and what to run in it.

    ``processes`` holds ``web`` where the application takes requests; ``release_command`` runs once before the route
    moves; ``path`` are folders, relative to the bundle, that come first on PATH (a virtual environment's bin);
    ``static_root`` is set, instead of a ``web`` process, where a file server serves a folder of the bundle.
    """

    folder: str
    processes: tuple[Process, ...] = ()
    release_command: str | None = None
    path: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    static_root: str | None = None


class HealthKind(StrEnum):
    """How a release is asked whether it serves."""

    HTTP = "http"
    TCP = "tcp"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """When a release counts as healthy: answers 2xx or 3xx at ``path`` (HTTP), accepts a connection on its port (TCP),
    or its processes have stayed up for ``settle_seconds`` (without a port).
    """

    kind: HealthKind = HealthKind.TCP
    path: str = "/"
    deadline_seconds: float = 120.0
    settle_seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseSpec:
    """All that a runtime needs to start a release of an application beside the one that serves."""

    release_id: str
    deployment_id: str
    application_id: str
    app_name: str
    bundle: Bundle
    uid: int | None
    gid: int | None
    port: int | None
    env: Mapping[str, Secret]
    health: HealthCheck
    memory_bytes: int | None = None
    process_limit: int | None = None
    data_folder: str | None = None
    drain_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where the edge sends an application's requests: ``hosts`` to the release on ``port`` of the loopback."""

    application_id: str
    app_name: str
    release_id: str
    hosts: tuple[str, ...]
    port: int
