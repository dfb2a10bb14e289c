"""What domains, redirects and passwords need to know of the services that they stand before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.run import Owner
from headway.drivers.edge.first_answer import Answered
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTargetFacts:
    """Whose a service is, since when, what it is called on its machine, and the name below the base domain at which it
    is always reached (None: it has none).
    """

    owner: Owner
    app_name: str | None
    host_name: str | None
    created_at: datetime


class RouteTarget(Protocol):
    """The services of one type, as far as their front goes."""

    @property
    def noun(self) -> Noun:
        """What one of them is called."""
        ...

    def front(self, tx: Tx, service_id: str) -> RouteTargetFacts | None:
        """What a service is to those who come, None when there is none."""
        ...

    def named(self, tx: Tx, host_name: str) -> str | None:
        """The service that is reached by this name below the base domain, of whomever."""
        ...

    def foresee(self, tx: Tx, service_id: str) -> None:
        """Whether the edge could lead to it as the rows now stand. Raises HeadwayError."""
        ...

    async def settle(self, service_id: str) -> None:
        """Makes the edge lead to it as the rows stand; returns when it does. Raises HeadwayError."""
        ...

    async def answered(self, service_id: str, host: str, path: str) -> Answered | None:
        """What a visitor of this address is answered now by the edge that leads there, whatever the DNS says of the
        host; None where nothing does. Raises HeadwayError.
        """
        ...


def permit_target(
    tx: Tx, fronted: RouteTarget, actor: Actor, permission: Permission, service_id: str
) -> RouteTargetFacts:
    """The service's front, if the caller may do this to it. Raises Missing, Forbidden."""
    front = fronted.front(tx, service_id)
    if front is None:
        raise Missing(fronted.noun)
    permit_to(actor, permission, front, service_id, fronted.noun)
    return front


def permit_to(actor: Actor, permission: Permission, front: RouteTargetFacts, service_id: str, noun: Noun) -> None:
    """Whether the caller may do this to a ``noun`` before the service. Raises Missing, Forbidden."""
    owner = front.owner
    permit(actor, permission, owner.organization_id, owner.project_id, service_id=service_id, noun=noun)


async def changed(db: Database, fronted: RouteTarget, service_id: str, write: Callable[[Tx], T]) -> T:
    """Performs a change of what stands before a service, makes the edge follow, and gives what ``write`` gave. What the
    edge could not be told is not kept; what it could not follow just now is, and tried again. Raises HeadwayError.
    """

    def foreseen(tx: Tx) -> T:
        given = write(tx)
        fronted.foresee(tx, service_id)
        return given

    given = await db.run(foreseen)
    await fronted.settle(service_id)
    return given
