"""The operations of compose services: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined
from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.features.services.compose.api.details import ComposeView
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"compose": partial(_compose, panel)}


def _compose(panel: PanelParts) -> Routed:
    from headway.features.services.compose.api import consoles, operations
    from headway.features.webhooks.api.operations import compose_router

    features = panel.features
    needs = operations.ComposeNeeds(
        access=features.access.access,
        composes=features.composes.service,
        deployments=features.deployments.service,
        drops=features.composes.drops,
        view=compose_view(panel),
    )
    console_needs = consoles.ComposeConsoleNeeds(
        consoles=features.applications.consoles, composes=features.composes.service, kind=features.composes.kind
    )
    parts = (
        operations.router.over(needs),
        consoles.router.over(console_needs),
        compose_router.over(features.webhooks.service),
    )
    return joined("compose", parts)


def compose_view(panel: PanelParts) -> ComposeView:
    """How a compose service is shown with all that belongs to it."""
    from headway.features.services.compose.api.details import ComposeView

    features = panel.features
    return ComposeView(
        backups=features.backups.databases,
        deployment_reads=features.deployments.reads,
        domains=features.edge_services.domains,
        projects=features.projects,
        relations=relations_of(panel),
        webhooks=features.webhooks.service,
    )
