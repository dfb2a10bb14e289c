"""Going back as the wire shows it: what it would change, and what was removed."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.core.deployments.rollback_targets import Left
from headway.core.deployments.summary import Listed
from headway.features.deployments.api.rollback_rows import LeftRow, left_row
from headway.features.deployments.api.rows import DeploymentRow, deployment_row
from headway.features.rollbacks.service import Previewed
from headway.features.services.rollback_differences import Difference, NamedRelease


class MadeRow(TypedDict):
    """A release: its version, and what it was made of."""

    rollbackId: str
    version: int
    image: str | None
    commit: str | None
    message: str | None


class DifferenceRow(TypedDict):
    """One thing that would be another: a variable, mount, port, limit, setting, domain or service. Of a secret both
    values are null.
    """

    what: str
    name: str
    before: str | None
    after: str | None
    secret: bool


class PreviewRow(TypedDict):
    """What would serve in place of what does (``now`` is null where nothing does), what would differ, and what would
    stay as it is.
    """

    usable: bool
    whyNot: str | None
    now: MadeRow | None
    to: MadeRow
    changes: list[DifferenceRow]
    stays: list[str]


class RemovedRow(LeftRow):
    """A release that was removed, with the deployment that left it (null: removed before)."""

    deployment: DeploymentRow | None


def preview_row(previewed: Previewed) -> PreviewRow:
    """A preview."""
    preview = previewed.preview
    return {
        "usable": previewed.obstacle is None,
        "whyNot": previewed.obstacle,
        "now": None if preview.now is None else made_row(preview.now),
        "to": made_row(preview.to),
        "changes": [difference_row(each) for each in preview.differences],
        "stays": list(preview.stays),
    }


def removed_row(left: Left, deployment: Listed | None, *, pending_as_running: bool) -> RemovedRow:
    """What was removed. Its deployment is shown without it."""
    row = None if deployment is None else deployment_row(deployment, pending_as_running=pending_as_running)
    return {**left_row(left), "deployment": row}


def made_row(made: NamedRelease) -> MadeRow:
    """A release by what it was made of."""
    return {
        "rollbackId": made.release_id,
        "version": made.version,
        "image": made.image,
        "commit": made.commit_hash,
        "message": made.commit_subject,
    }


def difference_row(each: Difference) -> DifferenceRow:
    """One thing that is another."""
    return {
        "what": each.what,
        "name": each.name,
        "before": each.before,
        "after": each.after,
        "secret": each.secret,
    }
