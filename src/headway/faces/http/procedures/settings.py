"""``settings.*``: what clients ask the panel about itself."""

from __future__ import annotations

from typing_extensions import TypedDict

from headway.faces.http.inputs import Empty
from headway.faces.http.registry import Call, Procedure, query
from headway.kernel.errors import Unavailable

WIRE_VERSION = "v0.30.2"  # of the API whose clients are spoken to here; they compare it


class HealthRow(TypedDict):
    """The panel can do its work."""

    status: str


def procedures() -> tuple[Procedure, ...]:
    """The router."""
    return (
        query("settings.health", "Whether the panel can do its work", HealthRow, Empty, _health),
        query("settings.getDokployVersion", "The version of the API that is spoken here", str, Empty, _version),
    )


async def _health(call: Call[Empty]) -> HealthRow:
    reason = await call.platform.health()
    if reason is not None:
        raise Unavailable(reason)
    return {"status": "ok"}


async def _version(_call: Call[Empty]) -> str:
    return WIRE_VERSION
