"""Keeps the edge's route of each compose service as the rows and the engine have it: its domains, each of which leads
to the containers of one service. They are reached by their addresses, so nothing need be published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import field, replace

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.edge.route_file import check_route, render_route
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.compose.stacks import address_of
from headway.features.edge import domains_store
from headway.features.edge.domains_model import Domain
from headway.features.edge.route_target import RouteTargetFacts
from headway.features.services import store as services_store
from headway.features.services.compose import store
from headway.features.services.compose.handover_store import before
from headway.features.services.compose.model import ComposeRelease, Record
from headway.features.services.compose.presence import of_release, outdated
from headway.features.services.model import COMPOSES, DesiredState
from headway.features.services.routing import NO_SERVER, ServiceRouting, unless_same
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route, Upstream
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeRouting(ServiceRouting):
    """Fits ``edge.route_target.RouteTarget``. ``containers`` looks for those of a compose service on its host."""

    containers: Callable[[str], Awaitable[Sequence[Container]]]
    noun: Noun = Noun.COMPOSE
    subject_type: SubjectType = SubjectType.COMPOSE
    _ending: set[str] = field(default_factory=set)

    async def lead(self, compose_id: str, release: ComposeRelease | None, *, alone: bool = False) -> Route | None:
        """Leads requests to the containers of a release, or nowhere; gives the route. Those that served before are
        asked where they do not answer, as long as they run, unless it is to serve ``alone``. Raises HeadwayError.
        """

        async def lead() -> Route | None:
            containers = await self.containers(compose_id) if release else []  # of before may have ended by now
            led = _of(release, containers) if release and alone else containers
            return await self._set_or_remove(compose_id, lambda tx: self._composed(tx, compose_id, release, led))

        return await self._in_turn(compose_id, lead)

    async def let_go(self, compose_id: str, release: ComposeRelease, ending: Sequence[Container]) -> None:
        """Has the edge know nothing more of containers that served before and are ``ending``, however long they take:
        their addresses may be another's soon. Raises HeadwayError.
        """
        self._ending.update(each.container_id for each in ending)
        standing = await self.edge.route(compose_id)
        if standing is not None and any(way.before for way in standing.ways):
            route = await self.lead(compose_id, release, alone=True)
            if route is not None:
                await self.edge.taken_up(route)

    def ended(self, containers: Sequence[Container]) -> None:
        """Forgets containers that are gone."""
        self._ending.difference_update(each.container_id for each in containers)

    async def answering(self, route: Route, answers: Collection[str]) -> Route | None:
        """The route as far as it leads to ports that answer, None where it leads to none."""
        domains = await self.db.read(lambda tx: self._domains(tx, route.application_id))
        led = {(each.wish.host, each.wish.path): f"{each.wish.service_name}:{each.wish.port}" for each in domains}
        ways = tuple(way for way in route.ways if led.get((way.host, way.path)) in answers)
        return replace(route, ways=ways) if ways else None

    async def follow(self, compose_id: str, release: ComposeRelease | None, containers: Sequence[Container]) -> None:
        """Leads requests to where the containers are by now: one that was started again has another address."""
        wanted = await self.db.read(lambda tx: self._composed(tx, compose_id, release, containers))
        if wanted != await self.edge.route(compose_id):
            await self.lead(compose_id, release)

    async def settle(self, service_id: str) -> None:
        """Makes the route what the rows say, at the release that it leads to, also while a deploy is under way, which
        moves it to another; returns when the edge works by it. Raises NotFollowed.
        """
        await self._settled(self._rewritten(service_id))

    def front(self, tx: Tx, service_id: str) -> RouteTargetFacts | None:
        """What a compose service is to those who come, None when there is none. It has no name of its own there, for
        nobody knows which of its services that would lead to.
        """
        found = services_store.front(tx, service_id, COMPOSES)
        return None if found is None else replace(found, app_name=None, host_name=None)

    def named(self, tx: Tx, host_name: str) -> str | None:
        """None: see ``front``."""
        return None

    def foresee(self, tx: Tx, service_id: str) -> None:
        """Whether the edge could lead to its services. Raises InvalidInput."""
        domains = domains_store.of_subject(tx, SubjectType.COMPOSE, service_id)
        for each in domains:
            if each.wish.service_name is None or each.wish.port is None:
                raise InvalidInput(
                    "Say which service of the compose file the domain leads to (serviceName), and on which port (port) "
                    "its containers listen."
                )
        route = _route(service_id, "none", [(each, (NO_SERVER,)) for each in domains if each.wish.enabled])
        if route is not None:
            check_route(route)
            render_route(route, secret="", https=self.facts.https)

    def wanted_ports(self, tx: Tx, compose_id: str) -> list[tuple[str, int]]:
        """The services that domains lead to, and on which ports."""
        found = ((each.wish.service_name, each.wish.port) for each in self._domains(tx, compose_id))
        return list(dict.fromkeys((name, port) for name, port in found if name and port))

    def missing(self, tx: Tx, compose_id: str, record: Record) -> str | None:
        """What a domain leads to that a release has not, None where all is there."""
        for each in self._domains(tx, compose_id):
            if each.wish.service_name not in record.services:
                wanted = each.wish.service_name
                return f"The domain {each.wish.host} leads to the service {wanted}, which the file does not have."
        return None

    def _composed(
        self, tx: Tx, compose_id: str, release: ComposeRelease | None, containers: Sequence[Container]
    ) -> Route | None:
        if release is None:
            return None
        # Of the release itself, where a deploy has gone back to what was ending, they lead on.
        made = {each.container_id for each in _of(release, containers)}
        containers = [each for each in containers if each.container_id in made or each.container_id not in self._ending]
        before = self._before(tx, compose_id, release, containers)
        servers = [
            (
                each,
                _upstreams(each, release.record, containers),
                _upstreams(each, before.record, containers) if before else [],
            )
            for each in self._domains(tx, compose_id)
        ]
        # Where what serves has ended by itself and has not given its requests back yet, those of before have them.
        route = _route(compose_id, release.release_id, [(each, now or then) for each, now, then in servers])
        if route is None:
            return None
        spare = {(each.wish.host, each.wish.path): then for each, _, then in servers}
        ways = ((way, spare.get((way.host, way.path), ())) for way in route.ways)
        return replace(route, ways=tuple(replace(way, before=unless_same(each, way.upstreams)) for way, each in ways))

    def _before(
        self, tx: Tx, compose_id: str, release: ComposeRelease, containers: Sequence[Container]
    ) -> ComposeRelease | None:
        """The release that served before, where containers of another run yet."""
        if release.record.stack or not any(each.runs for each in outdated(release.record, containers)):
            return None
        found = before(tx, compose_id, release, self.vault)
        return None if found is None or found.record.stack else found

    def _domains(self, tx: Tx, compose_id: str) -> list[Domain]:
        every = domains_store.of_subject(tx, SubjectType.COMPOSE, compose_id)
        return [each for each in every if each.wish.enabled and each.wish.service_name and each.wish.port]

    async def _rewritten(self, compose_id: str) -> Route | None:
        """Sets the route anew, in one turn with the look at what it leads to: a deploy may be about to move it."""

        async def rewrite() -> Route | None:
            standing = await self.edge.route(compose_id)
            release = await self.db.read(lambda tx: self._to_lead_to(tx, compose_id, standing))
            if release is None:
                return None
            containers = await self.containers(compose_id)
            return await self._set_or_remove(compose_id, lambda tx: self._composed(tx, compose_id, release, containers))

        return await self._in_turn(compose_id, rewrite)

    def _to_lead_to(self, tx: Tx, compose_id: str, standing: Route | None) -> ComposeRelease | None:
        """What is led to now, as far as it is there; what serves where nothing is, and it may."""
        led = None if standing is None else store.release(tx, standing.release_id, self.vault)
        if led is not None and led.service_id == compose_id and not services_store.is_at_rest(tx, compose_id):
            return led
        is_wanted = store.find(tx, compose_id, self.vault).wanted is DesiredState.UP
        return store.serving(tx, compose_id, self.vault) if is_wanted else None


def _route(compose_id: str, release_id: str, found: Sequence[tuple[Domain, Sequence[Upstream]]]) -> Route | None:
    """The route; what it is called is nobody else's, for the edge throws the names of all its files together."""
    ways = tuple(replace(domain.way(), upstreams=tuple(upstreams)) for domain, upstreams in found if upstreams)
    if not ways:
        return None
    return Route(
        application_id=compose_id, app_name=compose_id, release_id=release_id, ways=ways, upstreams=ways[0].upstreams
    )


def _upstreams(domain: Domain, record: Record, containers: Sequence[Container]) -> list[Upstream]:
    """The servers that a domain leads to: the containers of its service, of this release, that run."""
    name, port = domain.wish.service_name, domain.wish.port
    if name is None or port is None:
        return []
    return [upstream for upstream, _ in servers_of(record, name, port, containers)]


def servers_of(
    record: Record, name: str, port: int, containers: Sequence[Container]
) -> list[tuple[Upstream, Container | None]]:
    """Where a port of a service is reached, each with the container that it is in: of a stack, whose containers may be
    on other machines, none.
    """
    if name not in record.services:
        return []
    if record.stack:
        led = address_of(containers, name, port)
        return [] if led is None else [(Upstream(address=led[0], port=led[1]), None)]
    running = [each for each in of_release(record, name, containers) if each.runs]
    found = ((_address(each.addresses), each) for each in running)
    return [(Upstream(address=address, port=port), each) for address, each in found if address]


def _of(release: ComposeRelease, containers: Sequence[Container]) -> list[Container]:
    """The containers that are of a release; of one in a swarm, what leads there is all that there is."""
    if release.record.stack:
        return list(containers)
    others = {each.container_id for each in outdated(release.record, containers)}
    return [each for each in containers if each.container_id not in others]


def _address(addresses: Mapping[str, str]) -> str | None:
    """Where the machine reaches a container: in any of its networks."""
    return next((addresses[name] for name in sorted(addresses)), None)
