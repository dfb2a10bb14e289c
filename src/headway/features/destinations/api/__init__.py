"""The operations of destinations: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"destination": partial(_destination, panel)}


def _destination(panel: PanelParts) -> Routed:
    from headway.features.destinations.api import operations

    needs = operations.DestinationNeeds(
        destinations=panel.features.destinations.service, servers=panel.features.servers.service
    )
    return operations.router.over(needs)
