"""``service.pending``: what is saved of a service and not in effect."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.rollbacks.api.rows import DifferenceRow, difference_row
from headway.features.rollbacks.saved_changes import SavedChanges, SavedChangesReader

router = Router[SavedChangesReader]("service", resource=Noun.SERVICE)


class PendingOfService(Input):
    service_id: Annotated[str, Field(min_length=1)]


class PendingChangeRow(DifferenceRow):
    """One thing that is saved otherwise (``after``) than what serves runs with (``before``): ``needs`` says what takes
    it up.
    """

    needs: Literal["restart", "deploy"]


class PendingRow(TypedDict):
    """What is saved of a service and not in effect. ``needs`` is what takes all of it up: a restart with what is set
    now (``rollback.rollback`` to the release with ``keepConfiguration``), or a deploy; null where nothing is pending.
    ``unknown`` is why it cannot be told. Of a service that does not serve yet there is no release.
    """

    releaseId: str | None
    version: int | None
    needs: Literal["restart", "deploy"] | None
    changes: list[PendingChangeRow]
    unknown: str | None


@router.query("pending", least=Role.MEMBER, scope=Scope.READ)
async def pending(saved: SavedChangesReader, call: Call[PendingOfService]) -> PendingRow:
    """What is saved of a service of any kind, and what serves does not run with."""
    return _row(await saved.of(call.actor, call.permission, call.input.service_id))


def _row(found: SavedChanges) -> PendingRow:
    changes: list[PendingChangeRow] = [
        {**difference_row(each.difference), "needs": "restart" if each.by_restart else "deploy"}
        for each in found.changes
    ]
    needed = {each["needs"] for each in changes}
    return {
        "releaseId": found.release_id,
        "version": found.version,
        "needs": "deploy" if "deploy" in needed else "restart" if needed else None,
        "changes": changes,
        "unknown": found.unknown,
    }
