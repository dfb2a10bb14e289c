"""Use cases of links: to make one to a deployment, list and revoke them, and to read the deployment by one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from headway.core.access import tokens
from headway.core.access.audit import came_from
from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Permission, reach
from headway.core.deployments import list_queries, store
from headway.core.deployments.model import Deployment, StepRecord
from headway.core.deployments.service import LogFiles, permitted
from headway.core.deployments.subjects import service_of
from headway.features.deployments import link_store
from headway.features.deployments.link_tries import LinkTries
from headway.features.deployments.model import (
    MOST_OF_DEPLOYMENT,
    MOST_OF_ORGANIZATION,
    DeploymentLink,
    LinkedDeployment,
    LinkReader,
    ListedLink,
    SharedDeployment,
    maker_of,
    reader_of,
)
from headway.features.projects.model import ListedService, ServicePlace
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.logs.lines import LinePlace, LinesAsked, LogLines
from headway.kernel.errors import Conflict, Forbidden, HeadwayError, NotFound
from headway.kernel.events import AccessChanged, Events
from headway.kernel.ids import new_id

T = TypeVar("T")
PlacesOf = Callable[[Tx, Collection[str]], Mapping[str, tuple[ListedService, ServicePlace]]]
_TOKEN_BYTES = 32


class LinkOver(Missing):
    """No link that opens anything: one sentence for what is unknown, revoked, and over."""

    def __init__(self) -> None:
        HeadwayError.__init__(
            self, "This link is not known, was revoked, or is over. Whoever sent it to you can make another."
        )


class LinkMissing(Missing):
    """There is no such link to this deployment."""

    def __init__(self) -> None:
        HeadwayError.__init__(self, "Link not found")


class LinksOff(Forbidden):
    """The panel makes no links."""

    def __init__(self) -> None:
        super().__init__("This panel makes no links to deployments (HEADWAY_DEPLOYMENT_LINKS=no).")


class TooManyLinks(Conflict):
    """There are as many links as there may be."""

    def __init__(self, most: int, what: str) -> None:
        super().__init__(f"There are {most} links to {what} already, and there may be no more. Revoke one first.")


class DeploymentLinks:
    """The links to deployments. Where they are not allowed, none is made, and those that there are open nothing; nor
    do those of who signs in by a provider after their ``absence`` there.
    """

    def __init__(
        self, *, db: Database, logs: LogFiles, events: Events, are_allowed: bool, absence: timedelta | None
    ) -> None:
        self.are_allowed = are_allowed
        self._absence = absence
        self._db = db
        self._logs = logs
        self._events = events
        self._tries = LinkTries()

    async def create(
        self, actor: Actor, permission: Permission, deployment_id: str, lasting: timedelta
    ) -> tuple[DeploymentLink, str]:
        """A link and its token, which nobody can be told again. It ends no later than the key that made it, where one
        did. Raises NotFound, LinksOff, TooManyLinks.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)

        def write(tx: Tx) -> tuple[DeploymentLink, str]:
            deployment = permitted(tx, actor, permission, deployment_id)
            if not self.are_allowed:
                raise LinksOff
            store.find(tx, deployment_id, lock=True)  # else it may be removed before the link refers to it
            link_store.lock(tx, deployment.organization_id)
            link_store.remove_over(tx)
            _require_room(tx, deployment)
            link = DeploymentLink(
                link_id=new_id(),
                deployment_id=deployment_id,
                maker_name=actor.name,
                maker=replace(actor, witness=None),
                created_at=tx.now,
                ends_at=_earlier(tx.now + lasting, actor.terms.expires_at),
            )
            link_store.add(tx, link, actor, tokens.digest(token))
            return link, token

        return await self._db.run(write)

    async def all(self, actor: Actor, permission: Permission, deployment_id: str) -> list[tuple[DeploymentLink, bool]]:
        """The links to a deployment that have not ended, the newest first, and whether each opens it now."""

        def read(tx: Tx) -> list[tuple[DeploymentLink, bool]]:
            deployment = permitted(tx, actor, permission, deployment_id)
            found = link_store.links_to(tx, deployment_id, self._absence)
            return [(each, self._maker_of(tx, each, deployment) is not None) for each in found]

        return await self._db.read(read)

    async def everywhere(self, actor: Actor, places_of: PlacesOf) -> list[ListedLink]:
        """The links that have not ended to all deployments that the caller may see, the newest first: so many as an
        organisation may have at most. ``places_of`` tells where services lie.
        """
        reached, mine = reach(actor), actor.organization_id

        def read(tx: Tx) -> list[ListedLink]:
            every = link_store.links_of(tx, mine, self._absence)
            found = [(link, linked) for link, linked in every if list_queries.within(reached, linked, mine)]
            services = places_of(tx, {linked.service_id for _, linked in found if linked.service_id is not None})
            return [
                ListedLink(
                    link=link,
                    deployment=linked,
                    is_open=self._maker_of(tx, link, linked) is not None,
                    service=services.get(linked.service_id or ""),
                )
                for link, linked in found
            ]

        return await self._db.read(read)

    async def remove(self, actor: Actor, permission: Permission, deployment_id: str, link_id: str) -> DeploymentLink:
        """The link opens nothing any more, and whoever follows by it is sent away. Raises NotFound, LinkMissing."""

        def write(tx: Tx) -> DeploymentLink:
            permitted(tx, actor, permission, deployment_id)
            removed = link_store.remove(tx, deployment_id, link_id)
            if removed is None:
                raise LinkMissing
            tx.after(lambda: self._events.announce(AccessChanged(user_id=reader_of(link_id))))
            return removed

        return await self._db.run(write)

    async def shared(self, token: str) -> SharedDeployment:
        """What whoever has this token reads. Raises LinkOver, TooManyTries."""

        def look(tx: Tx, link: DeploymentLink, deployment: Deployment, _maker: Actor) -> SharedDeployment:
            steps = list_queries.steps_of(tx, [deployment.deployment_id])
            return SharedDeployment(
                link=link,
                deployment=deployment,
                steps=tuple(steps.get(deployment.deployment_id, ())),
                service_name=link_store.service_name(tx, service_of(deployment.subject_type, deployment.subject_id)),
            )

        return await self._opened(token, look)

    async def lines(self, token: str, asked: LinesAsked) -> tuple[Deployment, list[StepRecord], LogLines]:
        """Lines of its log, as ``DeploymentService.lines`` gives them. Raises LinkOver, TooManyTries, BegunAnew,
        Unavailable.
        """

        def look(
            tx: Tx, _link: DeploymentLink, found: Deployment, _maker: Actor
        ) -> tuple[Deployment, list[StepRecord]]:
            return found, store.steps_of(tx, found.deployment_id)

        found, steps = await self._opened(token, look)
        asked = replace(asked, places=tuple(step.log_offset for step in steps))
        return found, steps, await self._logs.lines(found.deployment_id, asked, has_ended=found.status.ended)

    async def reader(self, token: str) -> LinkReader:
        """Whoever follows it by this token. Raises LinkOver, TooManyTries."""

        def look(_tx: Tx, link: DeploymentLink, deployment: Deployment, maker: Actor) -> LinkReader:
            return LinkReader(deployment_id=deployment.deployment_id, reader=link.reader, maker=maker)

        return await self._opened(token, look)

    async def line_place(self, token: str, number: int) -> LinePlace | None:
        """Where a line of its log begins, as ``DeploymentService.line_place`` says. Raises as ``lines`` does."""
        found = await self._opened(token, lambda _tx, _link, deployment, _maker: deployment)
        return await self._logs.place(found.deployment_id, number, has_ended=found.status.ended)

    async def _opened(self, token: str, look: Callable[[Tx, DeploymentLink, Deployment, Actor], T]) -> T:
        """What is seen by the link with this token. Raises LinkOver, TooManyTries."""
        address, digest = came_from.get(), tokens.digest(token)
        self._tries.admit(address)

        def read(tx: Tx) -> T:
            link = link_store.by_digest(tx, digest, self._absence)
            if link is None:
                raise LinkOver
            try:
                deployment = store.find(tx, link.deployment_id)
            except NotFound:  # it was removed between the two reads
                raise LinkOver from None
            maker = self._maker_of(tx, link, deployment)
            if maker is None:
                raise LinkOver
            return look(tx, link, deployment, maker)

        try:
            return await self._db.read(read)
        except LinkOver:
            self._tries.failed(address, digest)
            raise

    def _maker_of(self, tx: Tx, link: DeploymentLink, deployment: Deployment | LinkedDeployment) -> Actor | None:
        return maker_of(link, deployment, tx.now) if self.are_allowed else None


def _require_room(tx: Tx, deployment: Deployment) -> None:
    of_one, of_all = link_store.counts(tx, deployment.deployment_id, deployment.organization_id)
    if of_one >= MOST_OF_DEPLOYMENT:
        raise TooManyLinks(MOST_OF_DEPLOYMENT, "this deployment")
    if of_all >= MOST_OF_ORGANIZATION:
        raise TooManyLinks(MOST_OF_ORGANIZATION, "deployments of your organisation")


def _earlier(wanted: datetime, bound: datetime | None) -> datetime:
    return wanted if bound is None else min(wanted, bound)
