"""The deployment: the record of everything that Headway does on a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from headway.core.access.model import Actor
from headway.core.deployments.status import Intent, Reason, Status
from headway.kernel.dataclass import dataclass


class SubjectType(StrEnum):
    """What a deployment can belong to, by its name on the wire. What is run once inside an application is not among its
    deployments, though its id is the application's.
    """

    APPLICATION = "application"
    COMPOSE = "compose"
    SERVER = "server"
    SCHEDULE = "schedule"
    RUN = "run"
    PREVIEW = "previewDeployment"
    BACKUP = "backup"
    VOLUME_BACKUP = "volumeBackup"
    DATABASE = "database"


class Lane(IntEnum):
    """The order of kinds in the queue: a lower lane goes first, within a lane the oldest."""

    ROLLBACK = 0
    DEPLOY = 1
    PREVIEW = 2
    BACKUP = 3
    SCHEDULE = 4


class Trigger(StrEnum):
    """What asked for a deployment: a person (``manual``) or a program with a key (``api``), or something that acts by
    itself.
    """

    MANUAL = "manual"
    API = "api"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is needed to enqueue a deployment. ``input`` is the kind's own JSON, beside ``total_seconds``, the bound of
    the whole run where it is not the panel's; ``exclusive_key`` names what runs one at a time (None: no bound),
    ``project_id`` is what access is decided by. ``release_host_id`` is where what is made on ``host_id`` is released,
    or what is worked on from there lies, where that is another host.
    """

    kind: str
    kind_version: int
    subject_type: SubjectType
    subject_id: str
    host_id: str
    release_host_id: str | None = None
    organization_id: str
    project_id: str | None
    exclusive_key: str | None
    lane: Lane
    title: str | None = None
    description: str | None = None
    default_title: str = "Manual deployment"
    input: Mapping[str, Any]
    trigger: Trigger = Trigger.API
    triggered_by: str = ""
    triggered_by_name: str | None = None
    triggered_by_key: str | None = None
    triggered_by_key_name: str | None = None


def asked_by(actor: Actor, request: Request) -> Request:
    """The request as this caller's."""
    return replace(
        request,
        trigger=Trigger.MANUAL if actor.by_hand else Trigger.API,
        triggered_by=actor.user_id,
        triggered_by_name=actor.name,
        triggered_by_key=actor.api_key_id,
        triggered_by_key_name=actor.api_key_name,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A named part of a run: when it ran, where its output begins in the log, and its result (None while it runs)."""

    name: str
    epoch: int
    started_at: datetime
    finished_at: datetime | None
    log_offset: int
    result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment as it stands in the database. ``seq`` orders the queue and the lists; ``epoch`` counts claims;
    ``host_id`` is where it runs, and ``release_host_id`` the other host that it has effects on, where what it makes
    is released or what it backs up is;
    ``handle`` is the anchor's, None until it is saved.
    """

    deployment_id: str
    seq: int
    kind: str
    kind_version: int
    subject_type: SubjectType
    subject_id: str
    organization_id: str
    project_id: str | None
    host_id: str
    release_host_id: str | None
    server_id: str | None
    exclusive_key: str | None
    lane: Lane
    title: str
    title_given: bool
    description: str | None
    status: Status
    reason: Reason | None
    error_message: str | None
    log_path: str
    pid: str | None
    epoch: int
    handle: str | None
    input: Mapping[str, Any]
    trigger: Trigger
    triggered_by: str
    triggered_by_name: str | None
    triggered_by_key: str | None
    triggered_by_key_name: str | None
    commit_hash: str | None
    commit_message: str | None
    commit_author: str | None
    commit_branch: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    intent: Intent | None
    kill_requested_at: datetime | None
    out_of_reach_since: datetime | None
    last_seen_at: datetime | None
    unstable: bool
    answers: str | None

    @property
    def host_ids(self) -> tuple[str, ...]:
        """Every host on which it has effects, first the one where it runs."""
        return (self.host_id,) if self.release_host_id is None else (self.host_id, self.release_host_id)

    @property
    def total_seconds(self) -> float | None:
        """How long its run may take in all; None where the panel's own bound counts."""
        given: float | None = self.input.get("total_seconds")
        return given
