"""Services of every kind at a glance, as the wire shows them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from pydantic_core import from_json
from typing_extensions import TypedDict

from headway.api.rows import moment, server_id_of
from headway.core.deployments.rollback_targets import Left
from headway.features.deployments.api.rollback_rows import LeftRow, left_row
from headway.features.deployments.api.rows import AnswersRow, CommitRow, EnvironmentNameRow, environment_name
from headway.features.services.overview_store import ServiceOverview, ServingRelease


class ServingRow(TypedDict):
    """The release that serves, or would if its service were up: since when (null where that was not written down), what
    it was made of, and what its deployment saw of it when it was ``doneAt``: what its address answered, and whether it
    was found to be unstable since. Of a deployment that was removed neither is known any more. Since ``downSince`` it,
    or something of it, has not run although it is to, as its machine told again and again: ``service.down`` tells what.
    """

    releaseId: str
    version: int
    deploymentId: str
    since: str | None
    image: str | None
    commit: CommitRow | None
    unstable: bool
    answers: AnswersRow | None
    doneAt: str | None
    downSince: str | None


class GlanceRow(TypedDict):
    """A service at a glance. ``database`` is the kind of server where its kind is ``database``, which the routers of
    databases are called by; ``wanted`` says whether it is to run. Where ``status`` is ``error``, ``reason`` is that of
    the deployment of it that ended last (null: that one was done, or is gone). Since ``statusSince`` it is held or
    stopped, or else has its status; null where it serves, and where nobody wrote it down. Its server does not answer
    since ``outOfReachSince``: what it does now is not known. ``hosts`` are the names of its domains.
    """

    serviceId: str
    kind: Literal["application", "compose", "database"]
    database: str | None
    name: str
    appName: str
    description: str | None
    status: Literal["idle", "running", "done", "error"]
    reason: str | None
    statusSince: str | None
    wanted: Literal["up", "down", "held"]
    serverId: str | None
    serverName: str | None
    outOfReachSince: str | None
    createdAt: str
    environment: EnvironmentNameRow
    hosts: list[str]
    serving: ServingRow | None


class ReleaseLeftRow(LeftRow):
    """A release of a service; ``removed``: the deployment that left it is there no more."""

    removed: bool


class ServiceOverviewRow(GlanceRow):
    """A service with its newest releases that have served, the newest first."""

    releases: list[ReleaseLeftRow]


def glance_row(found: ServiceOverview) -> GlanceRow:
    """A service in a list."""
    return {
        "serviceId": found.service_id,
        "kind": found.kind.value,  # type: ignore[typeddict-item]
        "database": found.database,
        "name": found.name,
        "appName": found.app_name,
        "description": found.description,
        "status": found.status.value,
        "reason": found.reason,
        "statusSince": moment(found.status_since),
        "wanted": found.wanted.value,
        "serverId": server_id_of(found.host_id),
        "serverName": found.server_name,
        "outOfReachSince": moment(found.away_since),
        "createdAt": moment(found.created_at),
        "environment": environment_name(found.place),
        "hosts": list(found.hosts),
        "serving": None if found.serving is None else _serving(found.serving),
    }


def service_overview_row(
    found: ServiceOverview, releases: Sequence[Left], removed: Collection[str]
) -> ServiceOverviewRow:
    """A service alone; ``removed`` are the deployments that are gone."""
    rows: list[ReleaseLeftRow] = [{**left_row(each), "removed": each.deployment_id in removed} for each in releases]
    return {**glance_row(found), "releases": rows}


def _serving(release: ServingRelease) -> ServingRow:
    return {
        "releaseId": release.release_id,
        "version": release.version,
        "deploymentId": release.deployment_id,
        "since": moment(release.since),
        "image": release.image,
        "commit": _commit(release),
        "unstable": release.unstable,
        "answers": None if release.answers is None else _answers(release.answers),
        "doneAt": moment(release.done_at),
        "downSince": moment(release.down_since),
    }


def _answers(text: str) -> AnswersRow:
    found: AnswersRow = from_json(text)
    found.setdefault("trouble", None)  # which rows of before have not
    return found


def _commit(release: ServingRelease) -> CommitRow | None:
    if release.commit_hash is None:
        return None
    return {
        "hash": release.commit_hash,
        "message": release.commit_message,
        "author": release.commit_author,
        "branch": release.commit_branch,
    }
