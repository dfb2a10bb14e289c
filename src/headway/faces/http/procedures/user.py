"""``user.*``: who the caller is."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.faces.http.inputs import Empty
from headway.faces.http.registry import Call, Procedure, query


class PersonRow(TypedDict):
    """A person by name."""

    id: str
    name: str


class UserRow(TypedDict):
    """The caller, as a member of the organisation that the key belongs to."""

    id: str
    userId: str
    organizationId: str
    role: str
    user: PersonRow


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (query("user.get", "Who the caller is", UserRow, Empty, _get),)


async def _get(call: Call[Empty]) -> UserRow:
    actor = call.actor
    return {
        "id": actor.user_id,
        "userId": actor.user_id,
        "organizationId": actor.organization_id,
        "role": actor.role.word,
        "user": {"id": actor.user_id, "name": actor.name},
    }
