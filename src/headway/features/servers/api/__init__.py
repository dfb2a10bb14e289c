"""The operations of servers: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined
from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"server": partial(_server, panel)}


def _server(panel: PanelParts) -> Routed:
    from headway.features.dokploy import monitoring
    from headway.features.servers.api import operations
    from headway.features.usage.api import operations as usage

    features = panel.features
    needs = operations.ServerNeeds(
        deployment_reads=features.deployments.reads, relations=relations_of(panel), servers=features.servers.service
    )
    used = usage.server_router.over(features.usage.reader)
    return joined("server", (operations.router.over(needs), monitoring.server_router.over(None), used))
