"""On which host a compose service is, for good once it was deployed, and what that host can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.access.policy import Noun
from headway.core.deployments import store as deployments
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import SubjectType
from headway.features.servers.host_assignment import DeployedElsewhere, host_for
from headway.features.services.compose import store
from headway.features.services.compose.model import STACK, Compose, ComposeSettings
from headway.infra.db.transaction import Tx
from headway.kernel.errors import InvalidInput


def moved(tx: Tx, compose: Compose, settings: ComposeSettings, server_id: str | None) -> Mapping[str, Any]:
    """The columns that change where a compose service with these settings goes to another host (None: it stays). Raises
    Conflict for one of which something is where it was, and Missing and InvalidInput for a host that it cannot be on.
    """
    host_id = compose.host_id if server_id is None else host_for(tx, compose.organization_id, server_id)
    check_host(settings, host_id)
    if host_id == compose.host_id:
        return {}
    unfinished = deployments.unfinished_of_subject(tx, SubjectType.COMPOSE, compose.service_id)
    if unfinished or store.commits_of_releases(tx, compose.service_id):
        raise DeployedElsewhere(Noun.COMPOSE.word)
    return {"host_id": host_id}


def check_host(settings: ComposeSettings, host_id: str) -> None:
    """Whether what is set can be on that host. Raises InvalidInput."""
    if settings.compose_type == STACK and host_id != LOCAL_HOST:
        raise InvalidInput(
            "A stack runs in the swarm that the panel's machine manages, so it is on no server. Let composeType be "
            "docker-compose, or leave serverId out; the swarm itself runs a stack on all of its machines."
        )
