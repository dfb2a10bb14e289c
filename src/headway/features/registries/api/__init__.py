"""The operations of registries: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"registry": partial(_registry, panel)}


def _registry(panel: PanelParts) -> Routed:
    from headway.api.router import joined
    from headway.features.registries.api import operations
    from headway.features.services.api import users_of, uses

    return joined(
        "registry", (operations.router.over(panel.features.registries), uses.registry_router.over(users_of(panel)))
    )
