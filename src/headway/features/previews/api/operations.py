"""``previewDeployment.*``: what runs of the pull requests of applications and compose services."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input, Told
from headway.api.operation import Call, Ready, naming
from headway.api.router import Router
from headway.core.access.model import Actor, Role, Scope
from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.deployments.api.lists import rows_of
from headway.features.edge.domains import DomainService
from headway.features.previews.api.listed_rows import ListedPreviewRow, listed_preview_row
from headway.features.previews.api.rows import PreviewDeploymentRow, preview_row
from headway.features.previews.service import PreviewOverview, PreviewService
from headway.features.services.api.relations import Relations
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

Id = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """How previews are shown."""

    deployment_reads: DeploymentReader
    domains: DomainService

    async def row(self, actor: Actor, seen: PreviewOverview) -> PreviewDeploymentRow:
        """A preview with its deployments, which whoever sees the preview sees too."""
        part = await self.deployment_reads.rows_of_service(SubjectType.PREVIEW, seen.preview.preview_id)
        rows = rows_of(part, pending_as_running=actor.terms.pending_as_running)
        return preview_row(seen, rows, self.domains.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewDeploymentNeeds:
    """What these operations need."""

    previews: PreviewService
    relations: Relations
    view: PreviewView


router = Router[PreviewDeploymentNeeds](
    "previewDeployment", "What runs of the pull requests of an application", resource=Noun.PREVIEW
)


class PreviewsOfService(Input):
    """One of the two."""

    application_id: Id | None = None
    compose_id: Id | None = None


class PreviewById(Input):
    preview_deployment_id: Id


class Redeploy(PreviewById):
    title: Told | None = None
    description: Told | None = None


class Approved(PreviewById):
    """``commit`` is the one that was looked at: only that may run."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


@router.query("all", least=Role.MEMBER, scope=Scope.READ, resource=Noun.APPLICATION)
async def all_(needs: PreviewDeploymentNeeds, call: Call[PreviewsOfService]) -> list[PreviewDeploymentRow]:
    """A service's previews."""
    given = call.input
    of_compose, service_id = given.compose_id is not None, given.compose_id or given.application_id
    if service_id is None or None not in {given.compose_id, given.application_id}:
        raise InvalidInput("Say whose previews: applicationId or composeId, one of them.")
    service_type = SubjectType.COMPOSE if of_compose else SubjectType.APPLICATION
    found = await needs.previews.all(call.actor, call.permission, service_type, service_id)
    return [await needs.view.row(call.actor, each) for each in found]


@router.query("overview", least=Role.MEMBER, scope=Scope.READ)
async def overview(needs: PreviewDeploymentNeeds, call: Call[Empty]) -> list[ListedPreviewRow]:
    """The previews of all services that the caller may see, the newest first."""
    found = await needs.previews.everywhere(call.actor)
    places = await needs.relations.services([seen.preview.service_id for seen, _ in found])
    return [
        listed_preview_row(seen, run, places.get(seen.preview.service_id), needs.view.domains.address)
        for seen, run in found
    ]


@router.query("one", least=Role.MEMBER, scope=Scope.READ)
async def one(needs: PreviewDeploymentNeeds, call: Call[PreviewById]) -> PreviewDeploymentRow:
    """One preview."""
    return await needs.view.row(
        call.actor, await needs.previews.one(call.actor, call.permission, call.input.preview_deployment_id)
    )


@router.starter("redeploy", least=Role.MEMBER, scope=Scope.DEPLOY)
async def redeploy(needs: PreviewDeploymentNeeds, call: Call[Redeploy]) -> Ready[bool]:
    """Deploy what it is now."""
    given = call.input
    queued = await needs.previews.redeploy(
        call.actor,
        call.permission,
        given.preview_deployment_id,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return Ready(b"true", headers=naming(queued))


@router.mutation("approve", least=Role.MEMBER, scope=Scope.DEPLOY)
async def approve(needs: PreviewDeploymentNeeds, call: Call[Approved]) -> Ready[bool]:
    """Let a fork's commit run."""
    given = call.input
    queued = await needs.previews.approve(call.actor, call.permission, given.preview_deployment_id, given.commit)
    return Ready(b"true", headers=naming(queued))


@router.mutation("delete", least=Role.MEMBER, scope=Scope.DEPLOY)
async def delete(needs: PreviewDeploymentNeeds, call: Call[PreviewById]) -> bool:
    """Remove it with all that it made."""
    await needs.previews.delete(call.actor, call.permission, call.input.preview_deployment_id)
    return True
