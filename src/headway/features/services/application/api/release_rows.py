"""Releases as the wire shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.drivers.runtimes.contract.runtime import ProcessStatus
from headway.features.services.application.releases import ReleaseView
from headway.features.services.application.variables import marks_of
from headway.features.services.model import ReleaseState

State = Literal["starting", "serving", "retiring", "kept"]

_STATES: Mapping[ReleaseState, State] = {
    ReleaseState.STARTING: "starting",
    ReleaseState.SERVING: "serving",
    ReleaseState.RETIRING: "retiring",
    ReleaseState.RETIRED: "kept",
}


class CommitOfRelease(TypedDict):
    """What it was made of; of an archive the hash is that of the file that was sent."""

    hash: str
    message: str
    author: str
    branch: str


class ProcessOfRelease(TypedDict):
    """A process type, and how often it is to run."""

    name: str
    scale: int


class RunningProcess(TypedDict):
    """One copy of a process type as it is now."""

    name: str
    state: str
    pid: int | None
    since: str | None
    exits: int
    lastExit: str | None


class ReleaseRow(TypedDict):
    """What a deployment left to serve. ``up`` says whether all of it runs now, and ``unknown`` why that is not known,
    where it is not; ``bytes`` what it holds on the disk.
    """

    releaseId: str
    applicationId: str
    deploymentId: str
    version: int
    state: State
    retireAt: str | None
    createdAt: str
    up: bool
    port: int | None
    ports: list[int]
    bytes: int | None
    commit: CommitOfRelease | None
    processes: list[ProcessOfRelease]
    running: list[RunningProcess]
    unknown: str | None
    image: None


class VariableOfRelease(TypedDict):
    """A variable that it runs with; of secret ones no value is shown."""

    name: str
    value: str | None
    secret: bool


class ReleaseDetails(ReleaseRow):
    """A release with the configuration that it was started with."""

    hosts: list[str]
    sourceType: str | None
    buildCommand: str | None
    startCommand: str | None
    memoryLimit: str | None
    variables: list[VariableOfRelease]


def release_row(view: ReleaseView) -> ReleaseRow:
    """The release in a list."""
    release, snapshot = view.release, view.snapshot
    return {
        "releaseId": release.release_id,
        "applicationId": release.service_id,
        "deploymentId": release.deployment_id,
        "version": release.seq,
        "state": _STATES[release.state],
        "retireAt": moment(release.retire_at),
        "createdAt": moment(release.created_at),
        "up": view.status.up,
        "port": release.port,
        "ports": list(release.ports),
        "bytes": release.bytes,
        "commit": _commit(view),
        "processes": [{"name": name, "scale": scale} for name, scale in (snapshot.processes if snapshot else ())],
        "running": [_running(process) for process in view.status.processes],
        "unknown": view.unknown,
        "image": None,
    }


def release_details(view: ReleaseView) -> ReleaseDetails:
    """The release alone."""
    snapshot = view.snapshot
    settings = snapshot.settings if snapshot else None
    memory = settings.limits.memory_bytes if settings else None
    return {
        **release_row(view),
        "hosts": list(snapshot.hosts) if snapshot else [],
        "sourceType": settings.source_type if settings else None,
        "buildCommand": settings.build.build if settings else None,
        "startCommand": settings.build.start if settings else None,
        "memoryLimit": None if memory is None else str(memory),
        "variables": _variables(view),
    }


def _variables(view: ReleaseView) -> list[VariableOfRelease]:
    if view.snapshot is None:
        return []
    marks, mask = marks_of(view.snapshot.settings), view.snapshot.mask
    rows: list[VariableOfRelease] = []
    for name, value in view.snapshot.variables.items():
        secret = marks.is_secret(name) or any(hidden in value for hidden in mask)
        rows.append({"name": name, "value": None if secret else value, "secret": secret})
    return rows


def _commit(view: ReleaseView) -> CommitOfRelease | None:
    if view.snapshot is not None:
        commit = view.snapshot.commit
        return {"hash": commit.hash, "message": commit.subject, "author": commit.author, "branch": commit.branch}
    known = view.release.commit_hash
    return None if known is None else {"hash": known, "message": "", "author": "", "branch": ""}


def _running(process: ProcessStatus) -> RunningProcess:
    return {
        "name": process.name,
        "state": process.state.value,
        "pid": process.pid,
        "since": moment(process.since),
        "exits": process.exits,
        "lastExit": process.last_exit,
    }
