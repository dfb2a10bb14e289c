"""What the features beside services ask of applications, answered."""

from __future__ import annotations

from headway.features.services.application import store
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.deliveries import ApplicationDeliveries
from headway.features.services.application.disk import ApplicationDisk
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.previews import ApplicationPreviews
from headway.features.services.application.requests import deploy_request
from headway.features.services.application.scripts import ApplicationScripts
from headway.features.services.kinds import ServiceKind


def application_kind(
    creation: ApplicationCreation, planner: ApplicationPlanner, lifecycle: ApplicationLifecycle
) -> ServiceKind:
    """Applications; what runs of a database is one."""
    return ServiceKind(
        reader=store.APPLICATION_READER,
        routing=lifecycle.tools.routing,
        request=deploy_request,
        previews=ApplicationPreviews(creation=creation),
        deliveries=ApplicationDeliveries(planner=planner, tools=lifecycle.tools),
        scripts=ApplicationScripts(vault=lifecycle.vault, contexts=lifecycle.contexts),
        disk=ApplicationDisk(lifecycle=lifecycle),
    )
