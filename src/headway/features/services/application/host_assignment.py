"""On which host an application is, for good once it was deployed, and on which it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headway.core.access.policy import Missing, Noun
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.features.servers import store as servers
from headway.features.servers.host_assignment import DeployedElsewhere, host_for
from headway.features.services.application import store
from headway.features.services.application.model import Application
from headway.infra.db.transaction import Tx


def build_host_for(tx: Tx, organization_id: str, server_id: str | None) -> str | None:
    """The host on which clients want it built, of either type; None where it is. Raises Missing as above."""
    if not server_id:
        return None
    server = servers.find(tx, server_id)
    if server.organization_id != organization_id:
        raise Missing(Noun.SERVER)
    return server.server_id


def moved(tx: Tx, application: Application, server_id: str | None, build_server_id: str | None) -> Mapping[str, Any]:
    """The columns that change where an application goes to another host, or is to be built on another (None: that
    stays). Raises Conflict for one of which something is where it was.
    """
    fields: dict[str, Any] = {}
    if build_server_id is not None:
        fields["build_host_id"] = build_host_for(tx, application.organization_id, build_server_id)
    return fields if server_id is None else {**fields, **_to_another(tx, application, server_id)}


def _to_another(tx: Tx, application: Application, server_id: str) -> Mapping[str, Any]:
    host_id = host_for(tx, application.organization_id, server_id)
    if host_id == application.host_id:
        return {}
    unfinished = deployments.unfinished_of_subject(tx, SubjectType.APPLICATION, application.service_id)
    if unfinished or store.releases_of(tx, application.service_id):
        raise DeployedElsewhere(Noun.APPLICATION.word)
    return {"host_id": host_id}
