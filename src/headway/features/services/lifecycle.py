"""Brings services of any kind up and down, and clears away what is left of them, outside of any deployment."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import field, replace
from typing import Any, Generic, TypeVar

from headway.core.deployments import pending_undos
from headway.core.deployments import store as deployments
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.service import LogFiles, Stopping
from headway.core.deployments.status import Intent, Status
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.features.servers.fleet import ServerUnknown
from headway.features.servers.host_contexts import HostContexts
from headway.features.services import releases_store, store
from headway.features.services.driver import C, ServiceDriver
from headway.features.services.model import Release, Service, noun_of
from headway.features.services.release_retention import KeptReleases, beyond, is_needed, is_shared, kept_by
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Host
from headway.kernel.dataclass import dataclass
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)

D = TypeVar("D", bound=ServiceDriver[Any, Any, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLifecycle(Generic[C, D]):
    """Acts on the services of one kind through its ``driver``; everything stands being repeated. ``turn`` keeps two
    from acting on one service at the same time: whoever has it reads again what is wanted before acting.
    """

    db: Database
    vault: Vault
    hosts: Mapping[str, Host]
    driver: D
    kept_releases: KeptReleases
    logs_of_deployments: LogFiles
    turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _removals: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    @property
    def contexts(self) -> HostContexts[C]:
        """What works with them on each host."""
        return self.driver.contexts

    @property
    def noun(self) -> str:
        """What they are called in the panel's log."""
        return noun_of(self.driver.reader.kind).word

    @property
    def tools(self) -> C:
        """Those of the panel's own machine."""
        return self.contexts.here

    @asynccontextmanager
    async def turn(self, service_id: str) -> AsyncIterator[None]:
        """Waits until nobody else acts on the service."""
        async with self.turns[service_id]:
            yield

    async def up(self, service: Service[Any]) -> None:
        """Starts what serves, where it is not up, and leads requests to it; leaves both to a deploy that is under way.
        Raises NotAllowed where what it needs of its machine was taken back: it stays as it is.
        """
        release = await self._startable(service)
        if release is not None:
            await self.driver.bring_up(service, release)

    async def again(self, service: Service[Any]) -> None:
        """Ends what runs of the release that serves and starts it again; leaves it to a deploy that is under way."""
        release = await self._startable(service)
        if release is not None:
            await self.driver.end(service, [release])
            await self.up(service)

    async def down(self, service: Service[Any]) -> None:
        """Leads requests nowhere, then ends what runs of every release; returns when nothing does."""
        await self.driver.lead_nowhere(service.service_id)
        await self.driver.end(service, await self._releases(service.service_id))

    async def _startable(self, service: Service[Any]) -> Release | None:
        def look(tx: Tx) -> Release | None:
            is_at_rest = store.is_at_rest(tx, service.service_id)
            return self.driver.startable(tx, service) if is_at_rest else None

        return await self.db.read(look)

    async def remove(self, service: Service[Any]) -> None:
        """Removes everything of a service, its row last; its volumes only where that was asked for. What lies on a
        server that was removed from Headway stays there; what its deployments owe on others, where it was built, is
        taken back by the janitor. Raises Unavailable where its host has something of it and cannot be asked.
        """
        was_made = await self._was_made(service)
        try:
            await self._remove_from_host(service, was_made=was_made)
        except ServerUnknown:
            if was_made:
                log.warning("what %s %s has on the server that was removed stays there", self.noun, service.name)
        host_here = self.hosts[self.tools.host_id]
        for folder in self.tools.folders.all_of(service.service_id):
            await host_here.remove_tree(folder)
        cleared = {service.host_id, self.tools.host_id}
        for deployment in await self.db.read(lambda tx: _deployments_of(tx, service)):
            await self.db.run(lambda tx, each=deployment: _remove_record(tx, each, cleared))  # type: ignore[misc]
            await self.logs_of_deployments.remove(deployment.deployment_id)
        await self.db.run(lambda tx: _forget(tx, service, cleared))

    async def remove_previews(self, service_id: str, stopping: Stopping) -> None:
        """Ends what waits and runs of a service's pull requests, and removes all of it."""
        for preview in await self.db.read(lambda tx: self.driver.reader.previews_of(tx, service_id, self.vault)):
            preview_id = preview.service_id
            await end_unfinished(self.db, stopping, SubjectType.PREVIEW, preview_id, Intent.CANCEL)
            async with self.turn(preview_id):
                await self.remove(preview)

    async def _was_made(self, service: Service[Any]) -> bool:
        """Whether its host was ever asked for anything of it: one that was never deployed goes where nothing is that
        could run it, too.
        """
        id_, type_ = service.service_id, service.subject_type
        return await self.db.read(
            lambda tx: bool(releases_store.of_service(tx, id_)) or deployments.has_begun(tx, type_, id_)
        )

    async def _remove_from_host(self, service: Service[Any], *, was_made: bool) -> None:
        tools = self.contexts.at(service.host_id)
        if was_made or tools is self.tools:  # here it costs nothing to look, also where its deployments were cleared
            await self.driver.remove(tools, service, await self._releases(service.service_id))
        if tools is not self.tools and (was_made or self.hosts[tools.host_id].link is not None):
            for folder in tools.folders.all_of(service.service_id):
                await self.hosts[tools.host_id].remove_tree(folder)

    async def _releases(self, service_id: str) -> list[Release]:
        return await self.db.read(lambda tx: releases_store.of_service(tx, service_id))

    async def clear(self, service_id: str) -> None:
        """Removes the releases that are not kept, and the images that none of those that are has."""
        for release in (await self.beyond(service_id))[1]:
            await self.let_go(release)
        await self.driver.clear_images(service_id)

    async def beyond(self, service_id: str) -> tuple[KeptReleases, list[Release]]:
        """What a service keeps of its releases, and those that it does not, the newest first."""
        return await self.db.read(lambda tx: self.not_kept(tx, service_id))

    def not_kept(self, tx: Tx, service_id: str) -> tuple[KeptReleases, list[Release]]:
        """The same within a transaction; of a preview it is what serves, for nobody goes back to what did before."""
        reader = self.driver.reader
        keep = kept_by(reader.settings_of(tx, service_id, self.vault), self.kept_releases)
        if store.is_preview(tx, service_id):
            keep = replace(keep, number=1)
        return keep, beyond(tx, reader.kind, service_id, keep)

    @asynccontextmanager
    async def keeping(self, service_id: str) -> AsyncIterator[None]:
        """Waits until no release of the service is being removed, and none is meanwhile: what is to be gone back to by
        then stays.
        """
        async with self._removals[service_id]:
            yield

    async def let_go(self, release: Release) -> bool:
        """Removes a release that does not run: its row, and its files unless another release has those too. False, and
        it stays, where it is needed by now: nobody can begin to go back to it while it goes.
        """
        async with self.keeping(release.service_id):
            kind = self.driver.reader.kind
            if await self.db.read(lambda tx: is_needed(tx, kind, release)):
                return False
            await self.driver.discard(release)
            if not await self.db.read(lambda tx: is_shared(tx, release)):
                host_id = self.contexts.at(release.host_id).host_id
                await self.hosts[host_id].remove_tree(release.folder)
            await self.db.run(lambda tx: releases_store.remove(tx, release.release_id))
            return True

    async def last_try(self, service: Service[Any], tail: int) -> str:
        """What the last deployment of it said."""
        return await _last_try(self.db, self.logs_of_deployments, service, tail)


def _types(service: Service[Any]) -> tuple[SubjectType, ...]:
    """What deployments of a service may belong to."""
    return (service.subject_type, SubjectType.RUN)


def _deployments_of(tx: Tx, service: Service[Any]) -> list[Deployment]:
    return [each for type_ in _types(service) for each in deployments.of_subject(tx, type_, service.service_id)]


def _remove_record(tx: Tx, deployment: Deployment, cleared: AbstractSet[str]) -> None:
    """Removes a deployment of a service of which these hosts have nothing any more."""
    still_owes = not cleared >= {*deployment.host_ids} and pending_undos.keep(tx, deployment)
    deployments.remove_all(tx, [deployment.deployment_id], undos_stay=still_owes)


def _forget(tx: Tx, service: Service[Any], cleared: AbstractSet[str]) -> None:
    for each in _types(service):
        pending_undos.forget(tx, each, service.service_id, cleared)
    store.remove(tx, service.service_id)


async def _last_try(db: Database, logs: LogFiles, service: Service[Any], tail: int) -> str:
    """The last lines of the log of its newest deployment, led by a line that says what they are; "" where nothing was
    tried. Nothing of it is a secret, since a deployment's log is masked as it is written.
    """
    found = await db.read(lambda tx: deployments.of_subject(tx, service.subject_type, service.service_id))
    if not found:
        return ""
    newest = found[0]
    text = await logs.tail(newest.deployment_id, tail)
    return f"[headway] {_said(newest)}\n{text}"


def _said(newest: Deployment) -> str:
    where = f"What follows is the end of its log (headway deployments logs {newest.deployment_id})."
    match newest.status:
        case Status.ERROR:
            return f"Nothing serves: the last deployment ended in an error ({newest.reason}). {where}"
        case Status.DONE:
            return f"Nothing serves now; the last deployment was done. {where}"
        case _:
            return f"Nothing serves yet: a deployment is {newest.status}. {where}"
