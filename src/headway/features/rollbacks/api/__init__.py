"""The operations of rollbacks: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"rollback": partial(_rollback, panel)}


def _rollback(panel: PanelParts) -> Routed:
    from headway.features.rollbacks.api import operations

    return operations.router.over(panel.features.rollbacks.service)
