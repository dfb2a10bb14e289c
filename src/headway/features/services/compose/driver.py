"""How compose services are brought up, ended and removed, and what their containers write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

from headway.drivers.runtimes.compose import conversion
from headway.drivers.runtimes.compose.footing import mounts_of
from headway.drivers.runtimes.compose.observation import Container, ContainerVerdict, judged
from headway.drivers.runtimes.remote.client import NotPrepared
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose, ComposeRelease, ComposeSettings, Record
from headway.features.services.compose.plan import known_secrets
from headway.features.services.compose.presence import of_release, outdated
from headway.features.services.compose.tools import ComposeContext, ComposeContexts
from headway.features.services.driver import ReleaseOutcome
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Release, ServiceStatus
from headway.features.services.store import ServiceReader
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.hosts.base import Host
from headway.infra.hosts.clocks import as_there
from headway.infra.logs.mask import masker_of
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

_PROOF_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDriver:
    """Fits ``ServiceDriver``."""

    db: Database
    vault: Vault
    hosts: Mapping[str, Host]
    contexts: ComposeContexts
    reader: ServiceReader[ComposeSettings] = store.COMPOSE_READER

    @property
    def tools(self) -> ComposeContext:
        """Those of the panel's own machine."""
        return self.contexts.here

    async def tools_of(self, compose_id: str) -> ComposeContext:
        """Those of the host that a compose service is on. Raises HostUnreachable."""
        host_id = await self.db.read(lambda tx: services_store.host_of(tx, compose_id))
        return self.contexts.at(host_id or self.tools.host_id)

    def startable(self, tx: Tx, service: Compose) -> ComposeRelease | None:
        powers.require_serving(tx, service, self.vault)
        return store.serving(tx, service.service_id, self.vault)

    async def bring_up(self, service: Compose, release: ComposeRelease) -> None:
        tools = self.contexts.at(service.host_id)
        await tools.bring_up(service.service_id, service.app_name, release.record)
        await tools.lead_to_stack(service.service_id, service.app_name, release)
        await tools.routing.lead(service.service_id, release)

    async def lead_nowhere(self, service_id: str) -> None:
        await self.tools.routing.lead(service_id, None)

    async def end(self, service: Compose, releases: Sequence[Release]) -> None:
        """See ``ServiceDriver``: every container of it, since releases share those that did not change."""
        del releases
        await self.contexts.at(service.host_id).take_down(service.service_id)

    async def remove(self, context: ComposeContext, service: Compose, releases: Sequence[Release]) -> None:
        labels = {"panel": context.panel_id, "compose": service.service_id}
        with suppress(NotPrepared):  # nobody is led anywhere there
            await self.lead_nowhere(service.service_id)
        with suppress(*(() if releases else (EngineAway,))):
            await context.stacks.remove(service.service_id)
            await context.engine.remove(**labels)
            await context.engine.remove_networks(**labels)
            if service.delete_volumes:
                await context.engine.remove_volumes(**labels)
            await context.engine.untag(f"{conversion.IMAGES}{service.app_name}/*")

    async def let_go_replaced(self, compose_id: str) -> list[Container] | None:
        """The containers that newer ones have replaced, to which nobody is led any more. None where a deploy is under
        way, to which they are left.
        """
        # Before the look whether all is at rest: none is of a later deploy.
        containers = await self.containers(compose_id)
        release = await self.db.read(lambda tx: self._at_rest(tx, compose_id))
        if release is None:
            return None
        tools = await self.tools_of(compose_id)
        stale = [] if release.record.stack else outdated(release.record, containers)
        if release.record.stack:
            needed = await self.db.read(lambda tx: store.held_of_releases(tx, compose_id, self.vault))
            await tools.stacks.release(compose_id, needed)
        if stale:
            await tools.routing.let_go(compose_id, release, stale)
        return stale

    async def end_replaced(self, compose_id: str, replaced: Sequence[Container]) -> None:
        """Ends containers as gently as each wishes, which may take as long as a compose file may say, and removes
        them.
        """
        tools = await self.tools_of(compose_id)
        await tools.engine.stop(replaced)
        await tools.engine.remove_these([each.container_id for each in replaced])
        tools.routing.ended(replaced)

    def _at_rest(self, tx: Tx, compose_id: str) -> ComposeRelease | None:
        """What serves, None while something is being deployed."""
        return store.serving(tx, compose_id, self.vault) if services_store.is_at_rest(tx, compose_id) else None

    async def discard(self, release: Release) -> None:
        """See ``ServiceDriver``: its images may be another's as well."""

    async def clear_images(self, service_id: str) -> None:
        tools = await self.tools_of(service_id)
        for name in await self.needless_images(service_id):
            await tools.engine.take_back(name)

    async def needless_images(self, compose_id: str) -> list[str]:
        """The names of its images that no release of it has; none while a deploy is under way, which may need any."""
        compose = await self.db.read(lambda tx: store.find(tx, compose_id, self.vault))
        found = await self.contexts.at(compose.host_id).needless_images(compose_id, compose.app_name)
        # Asked after the look, and then none of these names is of a later deploy.
        return found if await self.db.read(lambda tx: services_store.is_at_rest(tx, compose_id)) else []

    async def start_status(self, service: Compose, settled: ReleaseOutcome) -> ServiceStatus | None:
        """See ``ServiceDriver``. What has no check has only to stay up."""
        tools = self.contexts.at(service.host_id)
        release = await tools.release(service.serving_release_id)
        if release is None:
            return None
        record = release.record
        if record.stack:
            services = await tools.stacks.services(service.service_id)
            running = {name: sum(task.runs for task in each.tasks) for name, each in services.items()}
            is_up = all(running.get(name, 0) >= each.replicas for name, each in record.services.items() if each.stays)
        else:
            standings = _standings(record, await self.containers(service.service_id))
            if ContainerVerdict.FAILED in standings:
                return ServiceStatus.ERROR
            is_up = all(each in {ContainerVerdict.UP, ContainerVerdict.FINISHED} for each in standings)
        if not settled(service.service_id, is_up=is_up):
            return None
        await self._require_led(service, release)
        return ServiceStatus.DONE

    async def _require_led(self, compose: Compose, release: ComposeRelease) -> None:
        """Whether requests arrive at what answered when it came to serve. Raises RouteNotProven."""
        routing = self.contexts.at(compose.host_id).routing
        route = await routing.standing(compose.service_id)
        if route is not None and release.record.answers is not None:
            route = await routing.answering(route, release.record.answers)
        if route is not None:
            await routing.proven(route, timeout_seconds=_PROOF_SECONDS)

    async def containers(self, compose_id: str) -> list[Container]:
        """All containers of a compose service."""
        tools = await self.tools_of(compose_id)
        return await tools.engine.containers(panel=tools.panel_id, compose=compose_id)

    async def require_firm(self, container: Container) -> None:
        """Returns where no other container could have its mounts lead elsewhere. Raises Exchangeable."""
        tools = await self.tools_of(container.compose_id)
        await tools.require_firm(container.compose_id, mounts_of([container]), serving=None)

    async def logs(self, compose: Compose, container: Container, *, tail: int, since: datetime | None) -> str:
        """The last lines that a container wrote, masked."""
        tools = self.contexts.at(compose.host_id)
        begin = await as_there(self.hosts[tools.host_id], since)
        output = await tools.engine.logs(container, tail=tail, since=begin)
        masker = await masker_of(await self.secrets(compose.service_id))
        return masker.mask(output).decode()

    async def secrets(self, compose_id: str) -> set[str]:
        """What must not show of its containers' output: the secrets of now, and those that they were started with."""

        def look(tx: Tx) -> set[str]:
            compose, release = store.find(tx, compose_id, self.vault), store.serving(tx, compose_id, self.vault)
            return {*known_secrets(tx, compose, self.vault), *(release.record.secrets if release else ())}

        return await self.db.read(look)


ComposeLifecycle: TypeAlias = ServiceLifecycle[ComposeContext, ComposeDriver]


def _standings(record: Record, containers: Sequence[Container]) -> list[ContainerVerdict]:
    """Of every container that is to run; one that is not there is still to come."""
    found = []
    for name, service in record.services.items():
        mine = of_release(record, name, containers) if service.stays else []
        found += [judged(each, settled=True).standing for each in mine]
        found += [ContainerVerdict.COMING] * (service.replicas - len(mine) if service.stays else 0)
    return found
