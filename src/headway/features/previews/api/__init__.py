"""The operations of previews: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headway.api.router import Routed
    from headway.features.previews.api.operations import PreviewView
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {"previewDeployment": partial(_preview_deployment, panel)}


def _preview_deployment(panel: PanelParts) -> Routed:
    from headway.features.previews.api import operations
    from headway.features.services.api import relations_of

    needs = operations.PreviewDeploymentNeeds(
        previews=panel.features.previews.service, relations=relations_of(panel), view=preview_view(panel)
    )
    return operations.router.over(needs)


def preview_view(panel: PanelParts) -> PreviewView:
    """How a preview is shown with its deployments and domains."""
    from headway.features.previews.api.operations import PreviewView

    return PreviewView(deployment_reads=panel.features.deployments.reads, domains=panel.features.edge_services.domains)
