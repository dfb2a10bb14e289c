"""What the features beside services ask of compose services, answered."""

from __future__ import annotations

from functools import partial

from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.database_container import ComposeDatabases
from headway.features.services.compose.deliveries import ComposeDeliveries
from headway.features.services.compose.deploy import COMPOSE_DEPLOY
from headway.features.services.compose.disk import ComposeDisk
from headway.features.services.compose.downtime import ComposeDowntime
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.plan import ComposePlanner
from headway.features.services.compose.previews import ComposePreviews
from headway.features.services.compose.rollback import ComposeRollback
from headway.features.services.compose.rollbacks import ComposeRollbacks
from headway.features.services.compose.scripts import ComposeScripts
from headway.features.services.compose.volumes import ComposeVolumes
from headway.features.services.compose.written_logs import ComposeLogs
from headway.features.services.kinds import ServiceKind
from headway.features.services.requests import deploy_request


def compose_kind(creation: ComposeCreation, planner: ComposePlanner, lifecycle: ComposeLifecycle) -> ServiceKind:
    """Compose services."""
    return ServiceKind(
        lifecycle=lifecycle,
        routing=lifecycle.tools.routing,
        request=partial(deploy_request, deploys=COMPOSE_DEPLOY),
        previews=ComposePreviews(creation=creation),
        deliveries=ComposeDeliveries(planner=planner, tools=lifecycle.tools),
        scripts=ComposeScripts(vault=planner.vault, contexts=lifecycle.driver.contexts),
        disk=ComposeDisk(lifecycle=lifecycle),
        volumes=ComposeVolumes(),
        databases=ComposeDatabases(contexts=lifecycle.driver.contexts),
        downtime=ComposeDowntime(lifecycle=lifecycle),
        rollbacks=ComposeRollbacks(
            kind=ComposeRollback(planner=planner, contexts=lifecycle.driver.contexts), lifecycle=lifecycle
        ),
        written_logs=ComposeLogs(lifecycle=lifecycle),
    )
