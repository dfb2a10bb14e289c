"""The operations of applications: each router over what it needs, loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from headway.api.router import Routed, joined
from headway.features.previews.api import preview_view
from headway.features.services.api import relations_of

if TYPE_CHECKING:
    from headway.features.services.application.api.details import ApplicationView
    from headway.operations import PanelParts


def routers(panel: PanelParts) -> Mapping[str, Callable[[], Routed]]:
    """What makes each router."""
    return {
        "application": partial(_application, panel),
        "mounts": partial(_mounts, panel),
        "port": partial(_port, panel),
        "release": partial(_release, panel),
    }


def _application(panel: PanelParts) -> Routed:
    from headway.features.dokploy import application_providers, monitoring
    from headway.features.services.application.api import custom_traefik, operations, output, runs
    from headway.features.webhooks.api.operations import application_router

    features = panel.features
    needs = operations.ApplicationNeeds(
        access=features.access.access,
        applications=features.applications.service,
        deployments=features.deployments.service,
        detects=features.applications.detects,
        drops=features.applications.drops,
        view=application_view(panel),
    )
    run_needs = runs.ApplicationRunsNeeds(
        consoles=features.applications.consoles,
        deployment_reads=features.deployments.reads,
        runs=features.applications.runs,
    )
    parts = (
        operations.router.over(needs),
        output.router.over(features.applications.service),
        application_providers.router.over(features.applications.service),
        custom_traefik.router.over(features.applications.custom_traefik),
        runs.router.over(run_needs),
        monitoring.application_router.over(None),
        application_router.over(features.webhooks.service),
    )
    return joined("application", parts)


def _mounts(panel: PanelParts) -> Routed:
    from headway.features.services.application.api import mounts

    return mounts.router.over(panel.features.applications.attachments)


def _port(panel: PanelParts) -> Routed:
    from headway.features.services.application.api import ports

    return ports.router.over(panel.features.applications.attachments)


def _release(panel: PanelParts) -> Routed:
    from headway.features.services.application.api import releases

    return releases.router.over(panel.features.applications.releases)


def application_view(panel: PanelParts) -> ApplicationView:
    """How an application is shown with all that belongs to it."""
    from headway.features.services.application.api.details import ApplicationView

    features = panel.features
    return ApplicationView(
        applications=features.applications.service,
        barriers=features.edge_services.middlewares,
        deployment_reads=features.deployments.reads,
        domains=features.edge_services.domains,
        preview=preview_view(panel),
        previews=features.previews.service,
        projects=features.projects,
        relations=relations_of(panel),
        webhooks=features.webhooks.service,
    )
