"""What clients of Dokploy ask ``settings`` before anything else, to learn whom they talk to."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.api.inputs import Empty
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role
from headway.core.access.policy import Noun

WIRE_VERSION = "v0.30.2"  # of the API whose clients are spoken to here; they compare it

router = Router[None]("settings", resource=Noun.ORGANIZATION, in_project=False)


class UpdateRow(TypedDict):
    """Whether a newer version is known of. Headway asks nobody for that, so there is never one."""

    latestVersion: str | None
    updateAvailable: bool


@router.query("getDokployVersion", least=Role.MEMBER, scope=None)
async def version(_needs: None, _call: Call[Empty]) -> str:
    """The version of the API that is spoken here."""
    return WIRE_VERSION


@router.query("isCloud", least=Role.MEMBER, scope=None)
async def is_cloud(_needs: None, _call: Call[Empty]) -> bool:
    """Whether somebody else runs this panel for you."""
    return False


@router.mutation("getUpdateData", least=Role.MEMBER, scope=None)
async def update_data(_needs: None, _call: Call[Empty]) -> UpdateRow:
    """Whether there is a newer version."""
    return {"latestVersion": None, "updateAvailable": False}
