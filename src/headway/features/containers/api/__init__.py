"""The operations of containers: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined

if TYPE_CHECKING:
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"docker": partial(_docker, panel)}


def _docker(panel: PanelParts) -> Routed:
    from headway.drivers.runtimes.contract.numbered_log import NumberedLogs
    from headway.features.containers.api import logs, observations, operations

    containers, streams = panel.features.containers, panel.streams
    log_needs = logs.ContainerLogNeeds(
        containers=containers, numbered=NumberedLogs(), seat=streams.seat, download=streams.text_download
    )
    parts = (
        operations.router.over(containers),
        observations.router.over(containers),
        logs.router.over(log_needs),
    )
    return joined("docker", parts)
