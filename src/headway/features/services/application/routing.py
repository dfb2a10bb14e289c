"""Keeps the edge's route of each application as the rows have it: the release that serves, its domains, and what stands
before it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import field, replace

from headway.core.access.policy import Noun
from headway.core.deployments.model import SubjectType
from headway.drivers.edge.route_file import check_route, render_route
from headway.features.edge import domains_store, middlewares_store
from headway.features.edge.route_target import RouteTargetFacts
from headway.features.services import store as services_store
from headway.features.services.application import health_store, store
from headway.features.services.application.health_store import ApplicationHandover
from headway.features.services.edges import ServiceEdge
from headway.features.services.model import APPLICATIONS, Release
from headway.features.services.routing import NO_SERVER, NotFollowed, ServiceRouting, unless_same
from headway.infra.db.engine import DatabaseAway
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Redirect, Route, Upstream, Way
from headway.kernel.dataclass import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationNames:
    """By what people reach an application: the ``address`` at the oldest of its own domains, else at its generated name
    (None: at none), and the ``hosts`` of all of them.
    """

    address: str | None
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationRouting(ServiceRouting):
    """Fits ``edge.route_target.RouteTarget``: all of an application's domains lead to the ports of one release."""

    noun: Noun = Noun.APPLICATION
    subject_type: SubjectType = SubjectType.APPLICATION
    _behind: set[str] = field(default_factory=set)
    _told: dict[str, str] = field(default_factory=dict)

    async def lead(self, application_id: str, release_id: str | None) -> Route | None:
        """Leads the application's requests to a release, or nowhere where it takes none; gives the route."""

        def read(tx: Tx) -> Route | None:
            release = None if release_id is None else store.release(tx, release_id)
            return None if release is None else self._to(tx, release)

        return await self._lead(application_id, read)

    async def lead_at_rest(self, release: Release) -> bool:
        """Leads requests to the release that serves; False where something is being deployed or another serves by
        now.
        """
        application_id = release.service_id

        def read(tx: Tx) -> Route | None:
            still = services_store.is_at_rest(tx, application_id) and store.serving(tx, application_id) == release
            return self._to(tx, release) if still else None

        return await self._lead_if(application_id, read) is not None

    async def lead_away(self, release: Release) -> bool:
        """Leads nobody to a release any more; False where requests are led to another by now: they stay there, and what
        that cannot be reached for is asked of this one no more.
        """
        async with self.turns[release.service_id]:
            standing = await self.edge.route(release.service_id)
            if standing is not None and standing.release_id != release.release_id:
                if any(each.port in release.ports for each in standing.before):
                    await self.edge.set_route(replace(standing, before=()))
                return False
            if standing is not None:
                await self.edge.remove_route(release.service_id)
            return True

    async def lead_there_again(self, release: Release) -> bool:
        """Takes ``lead_away`` back, also while something is being deployed; False where requests are led elsewhere
        already, or another serves by now.
        """

        def read(tx: Tx) -> Route | None:
            return self._to(tx, release) if store.serving(tx, release.service_id) == release else None

        async def lead() -> bool:
            standing = await self.edge.route(release.service_id)
            if standing is not None:
                return standing.release_id == release.release_id
            return await self._set(read) is not None

        return await self._in_turn(release.service_id, lead)

    async def lead_lost(self, application_id: str) -> None:
        """Leads requests to the release that serves, which has no route, unless it takes none."""
        release = await self.db.read(lambda tx: store.serving(tx, application_id))
        is_led = release is not None and release.ports and await self.hosts(application_id)
        if release is not None and is_led and await self.lead_at_rest(release):
            log.warning("application %s had no route any more, and is led to again", application_id)

    async def lead_back(self, moved: ApplicationHandover) -> bool:
        """Leads requests to the release before the one that serves; False where that is not so any more."""

        def read(tx: Tx) -> Route | None:
            route = self._to(tx, moved.old) if health_store.is_standing(tx, moved) else None
            return None if route is None else replace(route, before=())

        return await self._lead_if(moved.new.service_id, read) is not None

    async def lead_again(self, moved: ApplicationHandover) -> None:
        """Takes ``lead_back`` back: leads requests to the release that serves, unless somebody has moved the route
        since.
        """
        service_id = moved.new.service_id

        def read(tx: Tx) -> Route | None:
            serving = store.serving(tx, service_id)
            is_it = serving is not None and serving.release_id == moved.new.release_id
            return self._to(tx, serving) if serving is not None and is_it else None

        async def lead() -> None:
            standing = await self.edge.route(service_id)
            if standing is not None and standing.release_id == moved.old.release_id:
                await self._set(read)

        await self._in_turn(service_id, lead)

    async def let_go(self, application_id: str) -> None:
        """Has the edge know nothing more of a release that served before and is to end: its port may be another's soon.
        Raises NotFollowed.
        """
        standing = await self.edge.route(application_id)
        if standing is not None and standing.before:
            await self.settle(application_id)

    async def hosts(self, application_id: str) -> tuple[str, ...]:
        """The names that lead to the application now, or will once something serves. Raises ApplicationNotFound."""
        return (await self.names(application_id)).hosts

    async def names(self, application_id: str) -> ApplicationNames:
        """By what the application is reached now, or will be once something serves. Raises ApplicationNotFound."""

        def read(tx: Tx) -> ApplicationNames:
            front = services_store.front(tx, application_id, APPLICATIONS)
            if front is None:
                raise store.ApplicationNotFound
            standing = domains_store.standing(tx, SubjectType.APPLICATION, application_id, front, self.facts)
            on = [each for each in standing if each.wish.enabled]
            own_first = sorted(on, key=lambda each: each.generated)
            return ApplicationNames(
                address=self.facts.address(own_first[0]) if on else None,
                hosts=tuple(dict.fromkeys(each.wish.host for each in on)),
            )

        return await self.db.read(read)

    async def settle(self, service_id: str) -> None:
        """Makes the route that stands, if one does, what the rows say, at the release that it leads to; returns when
        the edge works by it. Raises NotFollowed; it is then tried again in each round of ``catch_up``.
        """
        self._behind.add(service_id)
        await self._settled(self._rewritten(service_id))
        self._behind.discard(service_id)

    @property
    def behind(self) -> Collection[str]:
        """The applications whose routes the edge could not follow."""
        return self._behind

    async def look_at_all(self, edge: ServiceEdge) -> None:
        """After a start of the panel: what was changed and never told this edge, and what other settings change, is
        ``behind``. A route of what there is no row of is taken away.
        """
        for application_id, standing in (await edge.routes()).items():
            try:
                now = await self.db.read(lambda tx, old=standing: self._as_now(tx, old))  # type: ignore[misc]
            except DatabaseAway:
                raise
            except Exception:  # noqa: BLE001 - it is met again, and told of, where the route is settled by itself
                self._behind.add(application_id)
            else:
                if now is not None and now != standing:
                    self._behind.add(application_id)
                elif now is None:
                    await self._remove_orphan(edge, application_id)

    async def _remove_orphan(self, edge: ServiceEdge, service_id: str) -> None:
        """Takes a route away unless there is a service, of whatever kind: it leads to a port that may be another's."""
        async with self.turns[service_id]:
            if await self.db.read(lambda tx: services_store.host_of(tx, service_id)) is None:
                log.warning("a route of no service was taken away: %s", service_id)
                await edge.remove_route(service_id)

    async def catch_up(self, application_id: str) -> None:
        """Tries again what the edge could not follow of one."""
        try:
            await self.settle(application_id)
        except NotFollowed as behind:
            if self._told.get(application_id) != behind.message:  # each round meets it again: once is enough
                self._told[application_id] = behind.message
                log.warning("application %s: %s", application_id, behind.message)
        else:
            self._told.pop(application_id, None)

    def front(self, tx: Tx, service_id: str) -> RouteTargetFacts | None:
        """What an application is to those who come, None when there is none; nobody is led to a database."""
        return services_store.front(tx, service_id, frozenset({SubjectType.APPLICATION}))

    def named(self, tx: Tx, host_name: str) -> str | None:
        """The application that is reached by this name, of whomever."""
        return services_store.named(tx, host_name)

    def foresee(self, tx: Tx, service_id: str) -> None:
        """Whether the edge could lead to the application as the rows now stand. Raises HeadwayError."""
        from headway.drivers.edge.custom_traefik import check_references  # noqa: PLC0415 - few write any

        route = self.planned(tx, service_id)
        check_route(route)
        check_references(route, self.facts.https)
        render_route(route, secret="", https=self.facts.https)

    def planned(self, tx: Tx, application_id: str) -> Route:
        """The route as it will be once something serves, at a server that is none. Raises ApplicationNotFound."""
        route = self._composed(tx, application_id, "none", (NO_SERVER,))
        if route is None:
            raise store.ApplicationNotFound
        return route

    async def try_out(self, route: Route) -> None:
        """Returns if Traefik takes the route, which is not set. Raises InvalidInput."""
        await self.edge.try_out(route)

    async def try_redirect(self, redirect: Redirect) -> None:
        """Returns if Traefik understands the redirect. Raises InvalidInput."""
        way = Way(host="redirect.invalid")
        await self.edge.try_out(
            Route(
                application_id="redirect",
                app_name="redirect",
                release_id="none",
                ways=(way,),
                upstreams=(NO_SERVER,),
                redirects=(redirect,),
            )
        )

    async def _rewritten(self, application_id: str) -> Route | None:
        async def write() -> Route | None:
            standing = await self.edge.route(application_id)
            return None if standing is None else await self._set(lambda tx: self._as_now(tx, standing))

        return await self._in_turn(application_id, write)

    def _to(self, tx: Tx, release: Release) -> Route | None:
        upstreams = tuple(Upstream(port=port) for port in release.ports)
        return self._composed(tx, release.service_id, release.release_id, upstreams) if upstreams else None

    def _as_now(self, tx: Tx, standing: Route) -> Route | None:
        return self._composed(tx, standing.application_id, standing.release_id, standing.upstreams)

    def _composed(self, tx: Tx, application_id: str, release_id: str, upstreams: tuple[Upstream, ...]) -> Route | None:
        front = services_store.front(tx, application_id, APPLICATIONS)
        if front is None or front.app_name is None:
            return None
        domains = domains_store.standing(tx, SubjectType.APPLICATION, application_id, front, self.facts)
        return Route(
            application_id=application_id,
            app_name=front.app_name,
            release_id=release_id,
            ways=tuple(each.way() for each in domains if each.wish.enabled),
            upstreams=upstreams,
            redirects=tuple(each.redirect for each in middlewares_store.redirects_of(tx, application_id)),
            logins=tuple(each.login for each in middlewares_store.logins_of(tx, application_id, self.vault)),
            own=middlewares_store.own_routing(tx, application_id, self.vault),
            before=_before(health_store.beside(tx, application_id, release_id), upstreams),
        )


def _before(release: Release | None, upstreams: tuple[Upstream, ...]) -> tuple[Upstream, ...]:
    return () if release is None else unless_same([Upstream(port=port) for port in release.ports], upstreams)
