"""``disk.*``: what services hold on the disk, and what of it may go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, mutation, query
from headway.faces.http.wire.disk import Cleaned, UsageRow, cleaned, usage_row


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("disk.usage", "What each service holds on the disk", UsageRow, Measure, _usage),
        mutation("disk.clean", "Remove what nobody needs, or say what that is", Cleaned, Clean, _clean),
    )


class Measure(Input):
    """What was measured within the last half minute is told again, unless ``fresh``."""

    fresh: bool = False


class Clean(Input):
    """With ``dryRun`` nothing is removed. Without ``serviceId`` it is done for every service that the caller sees."""

    dry_run: bool = False
    service_id: Annotated[str, Field(min_length=1)] | None = None


async def _usage(call: Call[Measure]) -> UsageRow:
    return usage_row(await call.platform.disk.usage(call.actor, call.permission, fresh=call.input.fresh))


async def _clean(call: Call[Clean]) -> Cleaned:
    given = call.input
    found = await call.platform.disk.clean(call.actor, call.permission, dry=given.dry_run, service_id=given.service_id)
    return cleaned(found, dry=given.dry_run)
