"""What clients ask of the peer's monitoring, which there is none of here: they are told where the figures are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from headway.core.access.policy import permit
from headway.faces.http.inputs import Input
from headway.faces.http.registry import Call, Procedure, query
from headway.kernel.errors import InvalidInput

_WHERE = (
    "Headway keeps no figures of what {what} uses over time. The machine's own are at /metrics for Prometheus, and "
    "disk.usage tells what services hold on the disk."
)


def procedures() -> tuple[Procedure, ...]:
    """Of two routers."""
    answers = dict[str, Any]
    return (
        query("application.readAppMonitoring", "Refused: nothing is kept", answers, OfApp, _of_app),
        query("server.getServerMetrics", "Refused: nothing is kept", answers, OfServer, _of_server),
    )


class OfApp(Input):
    app_name: Annotated[str, Field(min_length=1, max_length=255)]


class OfServer(Input):
    url: str | None = None
    token: str | None = Field(default=None, repr=False)
    data_points: str | None = None


async def _of_app(call: Call[OfApp]) -> dict[str, Any]:
    permit(call.actor, call.permission, call.actor.organization_id)
    raise InvalidInput(_WHERE.format(what="an application"))


async def _of_server(call: Call[OfServer]) -> dict[str, Any]:
    permit(call.actor, call.permission, call.actor.organization_id)
    raise InvalidInput(_WHERE.format(what="a server"))
