"""Use cases of an application's Traefik configuration: read as the edge has it, changed in its user's own words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

from headway.core.access.machine import require_need
from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.access.survey import Line
from headway.core.deployments.hosts import LOCAL_HOST
from headway.features.edge import middlewares_store
from headway.features.edge.route_target import changed, permit_target
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.routing import ApplicationRouting
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import Route
from headway.kernel.vault import Vault


class CustomTraefikService:
    """What callers may ask of an application's own routing. Only who may use the machine says anything there: it is
    read by what all of its users share.
    """

    def __init__(self, db: Database, vault: Vault, routing: ApplicationRouting) -> None:
        self._db = db
        self._vault = vault
        self._routing = routing

    async def read(self, actor: Actor, permission: Permission, application_id: str) -> str | None:
        """The configuration as YAML, None while the edge leads to nothing of the application. Raises Missing."""
        from headway.drivers.edge.custom_traefik import write_own  # noqa: PLC0415 - few write any

        await self._db.read(lambda tx: self._permit(tx, actor, permission, application_id))
        route = await self._routing.standing(application_id)
        return None if route is None else write_own(route, self._routing.facts.https)

    async def update(self, actor: Actor, permission: Permission, application_id: str, text: str) -> None:
        """Changes the configuration; an empty text goes back to what Headway itself says. It is tried beforehand, and
        what Traefik does not take changes nothing. Raises InvalidInput, Missing.
        """
        from headway.drivers.edge.custom_traefik import read_own  # noqa: PLC0415 - as above

        def plan(tx: Tx) -> tuple[Route, str]:
            self._permit(tx, actor, permission, application_id)
            return self._routing.planned(tx, application_id), services_store.host_of(tx, application_id) or LOCAL_HOST

        standing, host_id = await self._db.read(plan)
        planned = replace(standing, own={})
        own = await asyncio.to_thread(read_own, text, planned, self._routing.facts.https)
        if own and own != standing.own:  # before what they wrote is tried
            require_need(actor, powers.of_routing(own, host_id))
        if own:
            await self._routing.try_out(replace(planned, own=own))

        def write(tx: Tx) -> None:
            self._permit(tx, actor, permission, application_id)
            middlewares_store.set_own_routing(tx, application_id, own, self._vault)
            powers.save(tx, actor, store.find(tx, application_id, self._vault), self._vault)

        await changed(self._db, self._routing, application_id, write)

    def _permit(self, tx: Tx, actor: Actor, permission: Permission, application_id: str) -> None:
        permit_target(tx, self._routing, actor, permission, application_id)


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    from headway.drivers.edge.custom_traefik import refused_now  # noqa: PLC0415 - as above

    for each in store.every(tx, vault):
        refused = refused_now(middlewares_store.own_routing(tx, each.service_id, vault))
        if refused is not None:
            yield Line(
                what=f"application {each.name} ({each.service_id})",
                setting="its own Traefik configuration",
                why=f"goes on as it is, as far as Traefik can read it, and would be refused today ({refused})",
                refused=True,
            )
