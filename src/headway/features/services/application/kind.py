"""What the features beside services ask of applications, answered."""

from __future__ import annotations

from functools import partial

from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.database_container import ApplicationDatabases
from headway.features.services.application.deliveries import ApplicationDeliveries
from headway.features.services.application.deploy import APPLICATION_DEPLOY
from headway.features.services.application.disk import ApplicationDisk
from headway.features.services.application.downtime import ApplicationDowntime
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.plan_compiler import ApplicationPlanner
from headway.features.services.application.previews import ApplicationPreviews
from headway.features.services.application.rollback import ApplicationRollback
from headway.features.services.application.rollbacks import ApplicationRollbacks
from headway.features.services.application.scripts import ApplicationScripts
from headway.features.services.application.volumes import ApplicationVolumes
from headway.features.services.application.written_logs import ApplicationLogs
from headway.features.services.kinds import ServiceKind
from headway.features.services.requests import deploy_request


def application_kind(
    creation: ApplicationCreation, planner: ApplicationPlanner, lifecycle: ApplicationLifecycle
) -> ServiceKind:
    """Applications; what runs of a database is one."""
    return ServiceKind(
        lifecycle=lifecycle,
        routing=lifecycle.tools.routing,
        request=partial(deploy_request, deploys=APPLICATION_DEPLOY),
        previews=ApplicationPreviews(creation=creation),
        deliveries=ApplicationDeliveries(planner=planner, tools=lifecycle.tools),
        scripts=ApplicationScripts(vault=lifecycle.vault, contexts=lifecycle.driver.contexts),
        disk=ApplicationDisk(lifecycle=lifecycle),
        volumes=ApplicationVolumes(lifecycle=lifecycle),
        databases=ApplicationDatabases(lifecycle=lifecycle),
        downtime=ApplicationDowntime(lifecycle=lifecycle),
        rollbacks=ApplicationRollbacks(
            kind=ApplicationRollback(planner=planner, contexts=lifecycle.driver.contexts), lifecycle=lifecycle
        ),
        written_logs=ApplicationLogs(lifecycle=lifecycle),
    )
