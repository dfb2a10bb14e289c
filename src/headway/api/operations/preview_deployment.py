"""``previewDeployment.*``: what runs of the pull requests of applications and compose services."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from headway.core.deployments.model import SubjectType
from headway.domains.previews.service import Seen
from headway.faces.http.inputs import Input, Told
from headway.faces.http.procedures.deployment_lists import rows_of
from headway.faces.http.registry import Call, Procedure, Ready, mutation, naming, query, starter
from headway.faces.http.wire.previews import PreviewDeploymentRow, preview_row
from headway.kernel.errors import InvalidInput

Id = Annotated[str, Field(min_length=1, max_length=64)]


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("previewDeployment.all", "A service's previews", list[PreviewDeploymentRow], OfService, _all),
        query("previewDeployment.one", "One preview", PreviewDeploymentRow, ById, _one),
        starter("previewDeployment.redeploy", "Deploy what it is now", bool, Redeploy, _redeploy),
        mutation("previewDeployment.approve", "Let a fork's commit run", bool, Approved, _approve),
        mutation("previewDeployment.delete", "Remove it with all that it made", bool, ById, _delete),
    )


class OfService(Input):
    """One of the two."""

    application_id: Id | None = None
    compose_id: Id | None = None


class ById(Input):
    preview_deployment_id: Id


class Redeploy(ById):
    title: Told | None = None
    description: Told | None = None


class Approved(ById):
    """``commit`` is the one that was looked at: only that may run."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]


async def _all(call: Call[OfService]) -> list[PreviewDeploymentRow]:
    given = call.input
    of_compose, service_id = given.compose_id is not None, given.compose_id or given.application_id
    if service_id is None or None not in {given.compose_id, given.application_id}:
        raise InvalidInput("Say whose previews: applicationId or composeId, one of them.")
    service_type = SubjectType.COMPOSE if of_compose else SubjectType.APPLICATION
    found = await call.platform.previews.all(call.actor, call.permission, service_type, service_id)
    return [await preview_of(call, each) for each in found]


async def _one(call: Call[ById]) -> PreviewDeploymentRow:
    return await preview_of(
        call, await call.platform.previews.one(call.actor, call.permission, call.input.preview_deployment_id)
    )


async def _redeploy(call: Call[Redeploy]) -> Ready:
    given = call.input
    queued = await call.platform.previews.redeploy(
        call.actor,
        call.permission,
        given.preview_deployment_id,
        title=given.title or None,
        description=given.description or None,
        once=call.once,
    )
    return Ready(b"true", headers=naming(queued))


async def _approve(call: Call[Approved]) -> Ready:
    given = call.input
    queued = await call.platform.previews.approve(
        call.actor, call.permission, given.preview_deployment_id, given.commit
    )
    return Ready(b"true", headers=naming(queued))


async def _delete(call: Call[ById]) -> bool:
    await call.platform.previews.delete(call.actor, call.permission, call.input.preview_deployment_id)
    return True


async def preview_of(call: Call[Any], seen: Seen) -> PreviewDeploymentRow:
    """A preview with its deployments, which whoever sees the preview sees too."""
    part = await call.platform.deployment_reads.rows_of_service(SubjectType.PREVIEW, seen.preview.preview_id)
    rows = rows_of(part, pending_as_running=call.actor.terms.pending_as_running)
    return preview_row(seen, rows, call.platform.domains.address)
