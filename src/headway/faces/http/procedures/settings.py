"""``settings.*``: what clients ask the panel about itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from typing_extensions import TypedDict

from headway.faces.http.inputs import Empty
from headway.faces.http.registry import Call, Procedure, Ready, query
from headway.kernel.errors import Unavailable

WIRE_VERSION = "v0.30.2"  # of the API whose clients are spoken to here; they compare it


class HealthRow(TypedDict):
    """The panel can do its work."""

    status: str


def procedures(describe: Callable[[], bytes]) -> tuple[Procedure, ...]:
    """The router; ``describe`` gives the OpenAPI document of all procedures, as JSON."""

    async def get_open_api_document(_call: Call[Empty]) -> Ready:
        return Ready(await asyncio.to_thread(describe))

    return (
        query("settings.health", "Whether the panel can do its work", HealthRow, Empty, _health),
        query("settings.getDokployVersion", "The version of the API that is spoken here", str, Empty, _version),
        query("settings.isCloud", "Whether somebody else runs this panel for you", bool, Empty, _is_cloud),
        query("settings.getOpenApiDocument", "This API as OpenAPI 3.1", dict[str, Any], Empty, get_open_api_document),
    )


async def _health(call: Call[Empty]) -> HealthRow:
    reason = await call.platform.health()
    if reason is not None:
        raise Unavailable(reason)
    return {"status": "ok"}


async def _version(_call: Call[Empty]) -> str:
    return WIRE_VERSION


async def _is_cloud(_call: Call[Empty]) -> bool:
    return False
