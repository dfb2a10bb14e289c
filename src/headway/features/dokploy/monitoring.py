"""What clients ask of the peer's monitoring, which is another one here: they are told where the figures are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from headway.api.inputs import Input
from headway.api.operation import Call
from headway.api.router import Router
from headway.core.access.model import Role, Scope
from headway.core.access.policy import Noun, permit
from headway.kernel.errors import InvalidInput

_WHERE = (
    "Headway keeps no figures in this form: what {what} uses over time is told by {operation}, what services hold on "
    "the disk by disk.usage, and the panel's own figures are at /metrics for Prometheus."
)


application_router = Router[None]("application", resource=Noun.APPLICATION, in_project=False)
server_router = Router[None]("server", resource=Noun.SERVER, in_project=False)


class MonitoringOfApp(Input):
    app_name: Annotated[str, Field(min_length=1, max_length=255)]


class MonitoringOfServer(Input):
    url: str | None = None
    token: str | None = Field(default=None, repr=False)
    data_points: str | None = None


@application_router.query("readAppMonitoring", least=Role.MEMBER, scope=Scope.READ)
async def of_app(_needs: None, call: Call[MonitoringOfApp]) -> dict[str, Any]:
    """Refused: it is told in another form."""
    permit(call.actor, call.permission, call.actor.organization_id)
    raise InvalidInput(_WHERE.format(what="an application", operation="service.usage"))


@server_router.query("getServerMetrics", least=Role.ADMIN, scope=Scope.READ)
async def of_server(_needs: None, call: Call[MonitoringOfServer]) -> dict[str, Any]:
    """Refused: it is told in another form."""
    permit(call.actor, call.permission, call.actor.organization_id)
    raise InvalidInput(_WHERE.format(what="a server", operation="server.usage"))
