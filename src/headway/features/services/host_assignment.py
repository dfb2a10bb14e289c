"""On which host a service is, for good once it was deployed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.deployments import store
from headway.features.servers.host_assignment import DeployedElsewhere
from headway.features.services import releases_store
from headway.features.services.model import Service
from headway.infra.db.transaction import Tx


def moved(tx: Tx, service: Service[Any], host_id: str) -> Mapping[str, Any]:
    """The columns that change where a service goes to this host. Raises Conflict for one of which something is where it
    was.
    """
    if host_id == service.host_id:
        return {}
    unfinished = store.unfinished_of_subject(tx, service.kind, service.service_id)
    if unfinished or releases_store.commits_of(tx, service.service_id):
        raise DeployedElsewhere(service.noun.word)
    return {"host_id": host_id}
