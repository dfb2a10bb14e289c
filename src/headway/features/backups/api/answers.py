"""What the answers about any backup share: what it belongs to, and its deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.core.access.model import Actor
from headway.core.deployments.model import SubjectType
from headway.core.deployments.queries import DeploymentReader
from headway.features.backups.api.rows import DestinationRow
from headway.features.backups.model import B
from headway.features.deployments.api.lists import Rows, rows_of
from headway.features.projects.model import ListedService, ServicePlace
from headway.features.services.api.relations import Relations

I = TypeVar("I", bound=Input)  # noqa: E741 - an input
R = TypeVar("R")
RowOf = Callable[[B, tuple[ListedService, ServicePlace] | None, DestinationRow | None], R]


async def rows_with_relations(relations: Relations, actor: Actor, found: Sequence[B], row_of: RowOf[B, R]) -> list[R]:
    """The backups with what they belong to, for whoever was let through to them already."""
    places = await relations.services([each.service_id for each in found])
    destinations = {
        each: await relations.destination(actor, each) for each in {backup.destination_id for backup in found}
    }
    return [row_of(each, places.get(each.service_id or ""), destinations[each.destination_id]) for each in found]


async def runs_of(reads: DeploymentReader, call: Call[I], subject_type: SubjectType, backup_id: str) -> Rows:
    """The deployments of a backup."""
    part = await reads.rows_of(call.actor, call.permission, subject_type, backup_id)
    return rows_of(part, pending_as_running=call.actor.terms.pending_as_running)
