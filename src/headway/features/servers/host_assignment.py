"""On which host a service is: the panel's own machine, or a server of its organisation's that is there for it."""

from __future__ import annotations

from headway.core.access.model import Actor, Role
from headway.core.access.policy import Missing, Noun, sees
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.servers import store
from headway.features.servers.model import ServerType
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput


def host_for(tx: Tx, organization_id: str, server_id: str | None) -> str:
    """The host that clients mean. Raises Missing for a server that is not the organisation's, InvalidInput for one that
    only builds.
    """
    if not server_id:
        return LOCAL_HOST
    server = store.find(tx, server_id)
    if server.organization_id != organization_id:
        raise Missing(Noun.SERVER)
    if server.type is ServerType.BUILD:
        raise InvalidInput(f"{server.name} is a server for builds; choose one of the type deploy.")
    return server.server_id


def build_host_for(tx: Tx, organization_id: str, server_id: str | None) -> str | None:
    """The host on which clients want a service built, of either type; None where it is. Raises Missing as above."""
    if not server_id:
        return None
    server = store.find(tx, server_id)
    if server.organization_id != organization_id:
        raise Missing(Noun.SERVER)
    return server.server_id


def require_seen_on(tx: Tx, actor: Actor, server_id: str | None) -> None:
    """Members, and keys for some projects, know a server by what they see on it, and no other. Raises Missing."""
    if not server_id or (actor.role >= Role.ADMIN and actor.terms.projects is None):
        return
    there = store.services_on(tx, server_id)
    if not any(sees(actor, owner, project, service_id=service) for owner, project, service in there):
        raise Missing(Noun.SERVER)


class DeployedElsewhere(Conflict):
    """What was deployed of a service is on the machine that it is on, for good."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"What was deployed of this {what} is on another machine. Make a new {what} on the server, deploy it "
            "there, and delete this one."
        )
