"""Brings compose services up and down, and clears away what is left of them, outside of any deployment."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from headway.core.deployments import pending_undos
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import LogFiles
from headway.drivers.runtimes.compose import conversion
from headway.drivers.runtimes.compose.footing import mounts_of
from headway.drivers.runtimes.compose.observation import Container
from headway.drivers.runtimes.remote.client import NotPrepared
from headway.features.servers.fleet import ServerUnknown
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.model import Compose, ComposeRelease
from headway.features.services.compose.plan import known_secrets
from headway.features.services.compose.presence import outdated
from headway.features.services.compose.tools import ComposeContext, ComposeContexts
from headway.features.services.last_output import LastTry
from headway.features.services.model import Release
from headway.features.services.release_retention import KeptReleases, beyond, is_shared, kept_by
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.hosts.base import Host
from headway.infra.hosts.clocks import as_there
from headway.infra.logs.mask import Masker

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeLifecycle:
    """Acts on the containers of compose services, each on its host; everything stands being repeated. ``turn`` keeps
    two from acting on one at the same time: whoever has it reads again what is wanted before acting.
    """

    db: Database
    hosts: Mapping[str, Host]
    contexts: ComposeContexts
    logs_of_deployments: LogFiles
    turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def tools(self) -> ComposeContext:
        """Those of the panel's own machine."""
        return self.contexts.here

    async def tools_of(self, compose_id: str) -> ComposeContext:
        """Those of the host that a compose service is on. Raises HostUnreachable."""
        host_id = await self.db.read(lambda tx: services_store.host_of(tx, compose_id))
        return self.contexts.at(host_id or self.tools.host_id)

    @asynccontextmanager
    async def turn(self, compose_id: str) -> AsyncIterator[None]:
        """Waits until nobody else acts on the compose service."""
        async with self.turns[compose_id]:
            yield

    async def up(self, compose: Compose) -> None:
        """Starts what serves, where it is not up; leaves that to a deploy that is under way. Raises NotAllowed where
        what it needs of its machine was taken back: it stays as it is.
        """
        release = await self._at_rest(compose.service_id)
        if release is not None:
            await self.db.read(lambda tx: powers.require_serving(tx, compose, self.tools.vault))
            tools = self.contexts.at(compose.host_id)
            await tools.bring_up(compose.service_id, compose.app_name, release.record)
            await tools.lead_to_stack(compose.service_id, compose.app_name, release)
            await tools.routing.lead(compose.service_id, release)

    async def down(self, compose: Compose) -> None:
        """Leads requests nowhere, then stops every container; returns when none runs."""
        await self.tools.routing.lead(compose.service_id, None)
        await self.contexts.at(compose.host_id).take_down(compose.service_id)

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
        return Masker(await self.secrets(compose.service_id)).mask(output).decode()

    async def last_try(self, compose: Compose, tail: int) -> str:
        """What the last deployment of it said."""
        tries = LastTry(db=self.db, logs=self.logs_of_deployments)
        return await tries.told(compose.subject_type, compose.service_id, tail)

    async def secrets(self, compose_id: str) -> set[str]:
        """What must not show of its containers' output: the secrets of now, and those that they were started with."""

        def look(tx: Tx) -> set[str]:
            compose = store.find(tx, compose_id, self.tools.vault)
            release = store.serving(tx, compose_id, self.tools.vault)
            return {*known_secrets(tx, compose, self.tools.vault), *(release.record.secrets if release else ())}

        return await self.db.read(look)

    async def remove(self, compose: Compose) -> None:
        """Removes everything of a compose service, its row last; its volumes only where that was asked for. What lies
        on a server that was removed from Headway stays there. Raises Unavailable where its host has something of it and
        cannot be asked.
        """
        was_made = await self._was_made(compose)
        try:
            await self._remove_from_host(compose, was_made=was_made)
        except ServerUnknown:
            if was_made:
                log.warning("what compose service %s has on the server that was removed stays there", compose.name)
        host_here = self.hosts[self.tools.host_id]
        for folder in self.tools.folders.all_of(compose.service_id):
            await host_here.remove_tree(folder)
        found = await self.db.read(lambda tx: deployments.of_subject(tx, compose.subject_type, compose.service_id))
        for deployment in found:
            await self.db.run(lambda tx, id_=deployment.deployment_id: deployments.remove_all(tx, [id_]))  # type: ignore[misc]
            await self.logs_of_deployments.remove(deployment.deployment_id)
        await self.db.run(lambda tx: self._forget(tx, compose))

    def _forget(self, tx: Tx, compose: Compose) -> None:
        pending_undos.forget(tx, compose.subject_type, compose.service_id)
        services_store.remove(tx, compose.service_id)

    async def _remove_from_host(self, compose: Compose, *, was_made: bool) -> None:
        tools = self.contexts.at(compose.host_id)
        if was_made or tools is self.tools:  # here it costs nothing to look, also where its deployments were cleared
            await self._take_down(tools, compose)
        if tools is not self.tools and (was_made or self.hosts[tools.host_id].link is not None):
            for folder in tools.folders.all_of(compose.service_id):
                await self.hosts[tools.host_id].remove_tree(folder)

    async def _take_down(self, tools: ComposeContext, compose: Compose) -> None:
        """Removes what the engine has of it; of one that has never run, as far as there is an engine."""
        has_run = await self.db.read(lambda tx: bool(store.commits_of_releases(tx, compose.service_id)))
        labels = {"panel": tools.panel_id, "compose": compose.service_id}
        with suppress(NotPrepared):  # nobody is led anywhere there
            await tools.routing.lead(compose.service_id, None)
        with suppress(*(() if has_run else (EngineAway,))):
            await tools.stacks.remove(compose.service_id)
            await tools.engine.remove(**labels)
            await tools.engine.remove_networks(**labels)
            if compose.delete_volumes:
                await tools.engine.remove_volumes(**labels)
            await tools.engine.untag(f"{conversion.IMAGES}{compose.app_name}/*")

    async def retire(self, compose_id: str) -> None:
        """Ends the containers that newer ones have replaced, as gently as each wishes, and removes the files of old
        releases. Leaves it to the next time where a deploy is under way.
        """
        containers = await self.containers(
            compose_id
        )  # before the look whether all is at rest: none is of a later deploy
        release = await self._at_rest(compose_id)
        if release is None:
            return
        tools = await self.tools_of(compose_id)
        stale = [] if release.record.stack else outdated(release.record, containers)
        old = [each.container_id for each in stale]
        if release.record.stack:
            needed = await self.db.read(lambda tx: store.held_of_releases(tx, compose_id, self.tools.vault))
            await tools.stacks.release(compose_id, needed)
        if old:
            await tools.routing.let_go(compose_id, release)
        await tools.engine.stop(old)
        await tools.engine.remove_these(old)
        await self.clear(compose_id)

    async def clear(self, compose_id: str) -> None:
        """Removes the releases that are not kept, and the names of images that none of those that are has. Leaves it to
        the next time where a deploy is under way.
        """
        for release in (await self.beyond(compose_id))[1]:
            await self.let_go(release)
        tools = await self.tools_of(compose_id)
        for name in await self.needless_images(compose_id):
            await tools.engine.take_back(name)

    async def beyond(self, compose_id: str) -> tuple[KeptReleases, list[Release]]:
        """What a compose service keeps of its releases, and those that it does not."""
        return await self.db.read(lambda tx: self.not_kept(tx, compose_id))

    def not_kept(self, tx: Tx, compose_id: str) -> tuple[KeptReleases, list[Release]]:
        """See ``beyond``."""
        own = store.settings_of(tx, compose_id, self.tools.vault)
        keep = kept_by(own, self.tools.defaults.kept_releases)
        return keep, beyond(tx, SubjectType.COMPOSE, compose_id, keep)

    async def let_go(self, release: Release) -> None:
        """Removes a release that does not serve: its row, and its files unless another release has those too."""
        if not await self.db.read(lambda tx: is_shared(tx, release)):
            tools = await self.tools_of(release.service_id)
            await self.hosts[tools.host_id].remove_tree(release.folder)
        await self.db.run(lambda tx: releases_store.remove(tx, release.release_id))

    async def needless_images(self, compose_id: str) -> list[str]:
        """The names of its images that no release of it has; none while a deploy is under way, which may need any."""
        compose = await self.db.read(lambda tx: store.find(tx, compose_id, self.tools.vault))
        found = await self.contexts.at(compose.host_id).needless_images(compose_id, compose.app_name)
        # Asked after the look, and then none of these names is of a later deploy.
        return found if await self.db.read(lambda tx: services_store.is_at_rest(tx, compose_id)) else []

    async def _at_rest(self, compose_id: str) -> ComposeRelease | None:
        """What serves, None while something is being deployed."""

        def look(tx: Tx) -> ComposeRelease | None:
            return (
                store.serving(tx, compose_id, self.tools.vault) if services_store.is_at_rest(tx, compose_id) else None
            )

        return await self.db.read(look)

    async def _was_made(self, compose: Compose) -> bool:
        """Whether the engine was ever asked for it: one that was never deployed goes where there is no engine, too."""
        id_, type_ = compose.service_id, compose.subject_type
        return await self.db.read(
            lambda tx: bool(store.commits_of_releases(tx, id_)) or deployments.has_begun(tx, type_, id_)
        )
