"""Previews as the wire shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.model import SubjectType
from headway.features.deployments.api.rows import DeploymentRow
from headway.features.edge.api.rows import DomainRow, domain_rows
from headway.features.edge.domains_model import Domain
from headway.features.previews.service import PreviewOverview


class PreviewDeploymentRow(TypedDict):
    """A preview of a pull request. ``awaitsApproval``: it comes from a fork, and its commit may not run yet. Since
    ``asleepSince`` nothing of it runs, until it is deployed again.
    """

    previewDeploymentId: str
    applicationId: str | None
    composeId: str | None
    branch: str
    pullRequestId: str
    pullRequestNumber: str
    pullRequestURL: str
    pullRequestTitle: str
    pullRequestCommentId: str
    pullRequestAuthor: str
    previewStatus: Literal["idle", "running", "done", "error"]
    appName: str
    domainId: str | None
    domain: DomainRow | None
    address: str | None
    head: str
    isFork: bool
    awaitsApproval: bool
    approvedHead: str | None
    approvedBy: str | None
    labels: list[str]
    reportError: str | None
    createdAt: str
    expiresAt: str | None
    sleepsAt: str | None
    asleepSince: str | None
    deployments: list[DeploymentRow]


def preview_row(
    seen: PreviewOverview, deployments: Sequence[DeploymentRow], address: Callable[[Domain], str]
) -> PreviewDeploymentRow:
    """A preview."""
    preview = seen.preview
    of_compose = preview.service_type is SubjectType.COMPOSE
    domains = domain_rows(() if seen.running is None else seen.running.domains, address)
    nobody = {"applicationId": None, "composeId": None}
    first = None if not domains else {**domains[0], **nobody, "previewDeploymentId": preview.preview_id}
    return {
        "previewDeploymentId": preview.preview_id,
        "applicationId": None if of_compose else preview.service_id,
        "composeId": preview.service_id if of_compose else None,
        "branch": preview.branch,
        "pullRequestId": str(preview.number),
        "pullRequestNumber": str(preview.number),
        "pullRequestURL": preview.url,
        "pullRequestTitle": preview.title,
        "pullRequestCommentId": preview.comment_id or "",
        "pullRequestAuthor": preview.author,
        "previewStatus": seen.status.value,
        "appName": "" if seen.running is None else seen.running.app_name,
        "domainId": None if first is None else domains[0]["domainId"],
        "domain": first,  # type: ignore[typeddict-item]  # the same keys
        "address": None if not domains else domains[0]["address"],
        "head": preview.head,
        "isFork": preview.fork,
        "awaitsApproval": preview.awaits_approval,
        "approvedHead": preview.approved_head,
        "approvedBy": preview.approved_by,
        "labels": list(preview.labels),
        "reportError": preview.report_error,
        "createdAt": moment(preview.created_at),
        "expiresAt": moment(preview.expires_at),
        "sleepsAt": moment(preview.sleeps_at),
        "asleepSince": moment(preview.asleep_since),
        "deployments": list(deployments),
    }
