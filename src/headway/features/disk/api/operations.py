"""``disk.*``: what services hold on the disk, and what of it may go."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headway.api.inputs import Empty, Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.disk.api.rows import Cleaned, FreeRow, UsageRow, cleaned, free_row, usage_row
from headway.features.disk.service import DiskService

router = Router[DiskService]("disk", "What services hold on the disk, and what of it may go", resource=Noun.SERVICE)


class Measure(Input):
    """What was measured within the last half minute is told again, unless ``fresh``."""

    fresh: bool = False


class Clean(Input):
    """With ``dryRun`` nothing is removed. Without ``serviceId`` it is done for every service that the caller sees."""

    dry_run: bool = False
    service_id: Annotated[str, Field(min_length=1)] | None = None


class Wasted(Input):
    """Without ``serviceId`` it is looked for among every service that the caller sees."""

    service_id: Annotated[str, Field(min_length=1)] | None = None


@router.query("usage", least=Role.MEMBER, scope=Scope.READ)
async def usage(disk: DiskService, call: Call[Measure]) -> UsageRow:
    """What each service holds on the disk."""
    return usage_row(await disk.usage(call.actor, call.permission, fresh=call.input.fresh))


@router.query("free", least=Role.ADMIN, scope=Scope.READ, in_project=False)
async def free(disk: DiskService, call: Call[Empty]) -> FreeRow:
    """How much of the panel's own disk and of those of servers is free, without measuring what holds the rest."""
    return free_row(await disk.free(call.actor, call.permission))


@router.query("waste", least=Role.ADMIN, scope=Scope.READ, in_project=False)
async def waste(disk: DiskService, call: Call[Wasted]) -> Cleaned:
    """What nobody needs, and what goes with it.

    It is what ``disk.clean`` says with ``dryRun``: nothing is removed.
    """
    return cleaned(await disk.clean(call.actor, call.permission, dry=True, service_id=call.input.service_id), dry=True)


@router.mutation("clean", least=Role.ADMIN, scope=Scope.ADMIN, in_project=False)
async def clean(disk: DiskService, call: Call[Clean]) -> Cleaned:
    """Remove what nobody needs, or say what that is."""
    given = call.input
    found = await disk.clean(call.actor, call.permission, dry=given.dry_run, service_id=given.service_id)
    return cleaned(found, dry=given.dry_run)
