"""``auditLog.*``: who has changed what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic_core import to_json

from headway.api.inputs import Input
from headway.api.operation import Call, Ready
from headway.api.problems import invalid
from headway.api.router import Router
from headway.core.access.audit import Audit, Search
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun
from headway.features.access.api.rows import AuditPage, audit_row
from headway.features.deployments.api.lists import NEXT_CURSOR, Cursor

MOST_ROWS = 500
Text = Annotated[str, Field(min_length=1, max_length=255)]


router = Router[Audit]("auditLog", "Who has changed what", resource=Noun.AUDIT_LOG, in_project=False)


class AuditQuery(Input):
    """Rows that fit all that is sent; ``from`` and ``to`` are times in ISO 8601. ``nextCursor`` (and the header
    ``x-next-cursor``) is the ``cursor`` of the next page.
    """

    user_id: Text | None = None
    user_email: Text | None = None
    resource_name: Text | None = None
    resource_type: Text | None = None
    action: Literal["create", "update", "delete", "deploy", "cancel", "redeploy", "login", "logout"] | None = None
    procedure: Text | None = None
    resource_id: Text | None = None
    project_id: Text | None = None
    since: Annotated[Text | None, Field(alias="from")] = None
    until: Annotated[Text | None, Field(alias="to")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    cursor: Cursor | None = None

    def search(self) -> Search:
        """What is asked for. Raises Problem for a time that is none."""
        return Search(
            user_id=self.user_id,
            user_email=self.user_email,
            procedure=self.procedure,
            action=self.action,
            resource=self.resource_type,
            subject_id=self.resource_id,
            subject_name=self.resource_name,
            project_id=self.project_id,
            since=_moment("from", self.since),
            until=_moment("to", self.until),
            before=None if self.cursor is None else int(self.cursor),
            offset=self.offset,
            limit=self.limit,
        )


@router.query("all", least=Role.ADMIN, scope=Scope.READ)
async def all_(audit: Audit, call: Call[AuditQuery]) -> Ready[AuditPage]:
    """Who has changed what, newest first."""
    rows, total, following = await audit.page(call.actor, call.permission, call.input.search())
    cursor = None if following is None else str(following)
    page: AuditPage = {"logs": [audit_row(row) for row in rows], "total": total, "nextCursor": cursor}
    return Ready(to_json(page), headers={} if cursor is None else {NEXT_CURSOR: cursor})


def _moment(name: str, text: str | None) -> datetime | None:
    """A time as it was sent; one without a zone is in UTC."""
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        message = "Invalid ISO datetime"
        raise invalid([{"code": "invalid_format", "format": "datetime", "path": [name], "message": message}]) from None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given
