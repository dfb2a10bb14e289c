"""``deployment.compare``: what a deployment has changed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.rollbacks.api.rows import DifferenceRow, difference_row, made_row
from headway.features.rollbacks.comparison import ComparedDeployment, ComparedRelease, DeploymentComparison
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentComparisonNeeds:
    """What this operation needs."""

    comparison: DeploymentComparison


router = Router[DeploymentComparisonNeeds]("deployment", resource=Noun.DEPLOYMENT)


class ComparedReleaseRow(TypedDict):
    """A release: its version, what it was made of, and the deployment that left it (null where that is gone)."""

    rollbackId: str
    version: int
    image: str | None
    commit: str | None
    message: str | None
    deploymentId: str | None


class ComparedRow(TypedDict):
    """What a deployment has changed. ``before`` is the release that served when it began, ``after`` the one that it
    left; null where there is none. ``commitBefore`` and ``commitAfter`` are what was deployed, where that is known, and
    ``link`` leads to what lies between them, on the forge's own page. ``changes``
    are in its configuration (of a secret only that it differs), null where that is not known: it has left nothing yet,
    or what the two ran with was not kept.
    """

    deploymentId: str
    before: ComparedReleaseRow | None
    after: ComparedReleaseRow | None
    commitBefore: str | None
    commitAfter: str | None
    link: str | None
    changes: list[DifferenceRow] | None


class DeploymentToCompare(Input):
    deployment_id: Annotated[str, Field(min_length=1)]


@router.query("compare", least=Role.MEMBER, scope=Scope.READ)
async def compare(needs: DeploymentComparisonNeeds, call: Call[DeploymentToCompare]) -> ComparedRow:
    """What a deployment has changed: its commit and its configuration, against what served before it."""
    return _row(await needs.comparison.compare(call.actor, call.permission, call.input.deployment_id))


def _row(compared: ComparedDeployment) -> ComparedRow:
    before, after = compared.commits
    changes = compared.differences
    return {
        "deploymentId": compared.deployment_id,
        "before": _release(compared.before),
        "after": _release(compared.after),
        "commitBefore": before,
        "commitAfter": after,
        "link": compared.link,
        "changes": None if changes is None else [difference_row(each) for each in changes],
    }


def _release(found: ComparedRelease | None) -> ComparedReleaseRow | None:
    return None if found is None else {**made_row(found.release), "deploymentId": found.deployment_id}
