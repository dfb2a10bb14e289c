"""Previews as the list of those of all services shows each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.latest_runs import LatestRun
from headway.core.deployments.model import SubjectType
from headway.features.deployments.api.latest_run_rows import LatestRunRow, latest_run_row
from headway.features.deployments.api.rows import EnvironmentNameRow, environment_name
from headway.features.edge.domains_model import Domain
from headway.features.previews.service import PreviewOverview
from headway.features.projects.model import ListedService, ServicePlace


class ListedPreviewRow(TypedDict):
    """A preview in a list, with the service that it is of. ``awaitsApproval``: it comes from a fork, and its commit may
    not run yet. Since ``asleepSince`` nothing of it runs, until it is deployed again.
    """

    previewDeploymentId: str
    serviceId: str
    serviceKind: Literal["application", "compose"]
    serviceName: str
    environment: EnvironmentNameRow | None
    branch: str
    pullRequestNumber: str
    pullRequestURL: str
    pullRequestTitle: str
    pullRequestAuthor: str
    previewStatus: Literal["idle", "running", "done", "error"]
    address: str | None
    head: str
    isFork: bool
    awaitsApproval: bool
    createdAt: str
    expiresAt: str | None
    sleepsAt: str | None
    asleepSince: str | None
    lastRun: LatestRunRow | None


def listed_preview_row(
    seen: PreviewOverview,
    run: LatestRun | None,
    service: tuple[ListedService, ServicePlace] | None,
    address: Callable[[Domain], str],
) -> ListedPreviewRow:
    """A preview in a list."""
    preview = seen.preview
    domains = () if seen.running is None else seen.running.domains
    return {
        "previewDeploymentId": preview.preview_id,
        "serviceId": preview.service_id,
        "serviceKind": "compose" if preview.service_type is SubjectType.COMPOSE else "application",
        "serviceName": "" if service is None else service[0].name,
        "environment": None if service is None else environment_name(service[1]),
        "branch": preview.branch,
        "pullRequestNumber": str(preview.number),
        "pullRequestURL": preview.url,
        "pullRequestTitle": preview.title,
        "pullRequestAuthor": preview.author,
        "previewStatus": seen.status.value,
        "address": address(domains[0]) if domains else None,
        "head": preview.head,
        "isFork": preview.fork,
        "awaitsApproval": preview.awaits_approval,
        "createdAt": moment(preview.created_at),
        "expiresAt": moment(preview.expires_at),
        "sleepsAt": moment(preview.sleeps_at),
        "asleepSince": moment(preview.asleep_since),
        "lastRun": latest_run_row(run),
    }
