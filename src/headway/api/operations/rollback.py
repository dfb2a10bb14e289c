"""``rollback.*``: back to what served before, and no longer being able to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input, Told
from headway.faces.http.registry import Call, Nothing, Procedure, mutation, query, queued, starter
from headway.faces.http.wire.rollbacks import PreviewRow, RemovedRow, preview_row, removed_row


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("rollback.preview", "What a rollback would change", PreviewRow, To, _preview),
        starter("rollback.rollback", "Go back to a release, by a new deployment", None, Back, _rollback),
        mutation("rollback.delete", "Remove a release; its deployment stays", RemovedRow, ById, _delete),
    )


class ById(Input):
    rollback_id: Annotated[str, Field(min_length=1)]


class To(ById):
    """With ``keepConfiguration`` only what was built goes back; variables, mounts, ports, limits and domains stay."""

    keep_configuration: bool = False


class Back(To):
    title: Told | None = None
    description: Told | None = None


async def _preview(call: Call[To]) -> PreviewRow:
    given = call.input
    return preview_row(
        await call.platform.rollbacks.preview(
            call.actor, call.permission, given.rollback_id, keep_configuration=given.keep_configuration
        )
    )


async def _rollback(call: Call[Back]) -> Nothing:
    given = call.input
    return queued(
        await call.platform.rollbacks.rollback(
            call.actor,
            call.permission,
            given.rollback_id,
            keep_configuration=given.keep_configuration,
            title=given.title,
            description=given.description,
            once=call.once,
        )
    )


async def _delete(call: Call[ById]) -> RemovedRow:
    left, deployment = await call.platform.rollbacks.delete(call.actor, call.permission, call.input.rollback_id)
    return removed_row(left, deployment, pending_as_running=call.actor.terms.pending_as_running)
