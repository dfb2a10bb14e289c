"""What the features beside services ask of compose services, answered."""

from __future__ import annotations

from headway.features.services.compose import store
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.deliveries import ComposeDeliveries
from headway.features.services.compose.disk import ComposeDisk
from headway.features.services.compose.lifecycle import ComposeLifecycle
from headway.features.services.compose.plan import ComposePlanner
from headway.features.services.compose.previews import ComposePreviews
from headway.features.services.compose.requests import deploy_request
from headway.features.services.compose.scripts import ComposeScripts
from headway.features.services.kinds import ServiceKind


def compose_kind(creation: ComposeCreation, planner: ComposePlanner, lifecycle: ComposeLifecycle) -> ServiceKind:
    """Compose services."""
    return ServiceKind(
        reader=store.COMPOSE_READER,
        routing=lifecycle.tools.routing,
        request=deploy_request,
        previews=ComposePreviews(creation=creation),
        deliveries=ComposeDeliveries(planner=planner, tools=lifecycle.tools),
        scripts=ComposeScripts(vault=planner.vault, contexts=lifecycle.contexts),
        disk=ComposeDisk(lifecycle=lifecycle),
    )
