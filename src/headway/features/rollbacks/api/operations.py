"""``rollback.*``: back to what served before, and no longer being able to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Input, Told
from headway.api.operation import Call, Nothing, queued
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.rollbacks.api.rows import PreviewRow, RemovedRow, preview_row, removed_row
from headway.features.rollbacks.service import RollbackService

router = Router[RollbackService]("rollback", "Back to what served before", resource=Noun.ROLLBACK)


class RollbackById(Input):
    rollback_id: Annotated[str, Field(min_length=1)]


class To(RollbackById):
    """With ``keepConfiguration`` only what was built goes back; variables, mounts, ports, limits and domains stay."""

    keep_configuration: bool = False


class Back(To):
    title: Told | None = None
    description: Told | None = None


@router.query("preview", least=Role.MEMBER, scope=Scope.READ)
async def preview(rollbacks: RollbackService, call: Call[To]) -> PreviewRow:
    """What a rollback would change."""
    given = call.input
    return preview_row(
        await rollbacks.preview(
            call.actor, call.permission, given.rollback_id, keep_configuration=given.keep_configuration
        )
    )


@router.starter("rollback", least=Role.MEMBER, scope=Scope.DEPLOY)
async def rollback(rollbacks: RollbackService, call: Call[Back]) -> Nothing:
    """Go back to a release, by a new deployment."""
    given = call.input
    return queued(
        await rollbacks.rollback(
            call.actor,
            call.permission,
            given.rollback_id,
            keep_configuration=given.keep_configuration,
            title=given.title,
            description=given.description,
            once=call.once,
        )
    )


@router.mutation("delete", least=Role.ADMIN, scope=Scope.REMOVE)
async def delete(rollbacks: RollbackService, call: Call[RollbackById]) -> RemovedRow:
    """Remove a release; its deployment stays."""
    left, deployment = await rollbacks.delete(call.actor, call.permission, call.input.rollback_id)
    return removed_row(left, deployment, pending_as_running=call.actor.terms.pending_as_running)
