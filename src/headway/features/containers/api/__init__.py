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
    from headway.features.containers.api import observations, operations

    containers = panel.features.containers
    return joined("docker", (operations.router.over(containers), observations.router.over(containers)))
