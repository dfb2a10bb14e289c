"""The operations of the edge: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {
        "certificates": partial(_certificates, panel),
        "domain": partial(_domain, panel),
        "redirects": partial(_redirects, panel),
        "security": partial(_security, panel),
    }


def _certificates(panel: PanelParts) -> Routed:
    from headway.features.edge.api import certificates

    return certificates.router.over(panel.features.edge_services.certificates)


def _domain(panel: PanelParts) -> Routed:
    from headway.features.edge.api import domains

    return domains.router.over(panel.features.edge_services.domains)


def _redirects(panel: PanelParts) -> Routed:
    from headway.features.edge.api import middlewares

    return middlewares.redirects_router.over(panel.features.edge_services.middlewares)


def _security(panel: PanelParts) -> Routed:
    from headway.features.edge.api import middlewares

    return middlewares.security_router.over(panel.features.edge_services.middlewares)
