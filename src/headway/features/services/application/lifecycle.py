"""Brings applications up and down, and clears away what is left of them, outside of any deployment."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from headway.core.deployments import pending_undos
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import LogFiles
from headway.core.engine.concurrency import at_once
from headway.drivers.runtimes.base import Runtime
from headway.drivers.runtimes.remote.client import NotPrepared
from headway.features.servers.fleet import ServerUnknown
from headway.features.services import releases_store
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.model import Application
from headway.features.services.application.output import Cursor, Mask, Output, Readers, read_on, written_since
from headway.features.services.application.release_retention import beyond, is_shared, kept_by
from headway.features.services.application.tools import ApplicationContext, ApplicationContexts
from headway.features.services.application.variables import marks_of
from headway.features.services.last_output import LastTry
from headway.features.services.model import Release
from headway.features.services.release_retention import KeptReleases
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.hosts.base import Host
from headway.infra.logs.mask import Masker
from headway.kernel.variables import secrets_among
from headway.kernel.vault import Vault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLifecycle:
    """Acts on applications' releases, each on its host; everything stands being repeated. ``turn`` keeps two from
    acting on one application at the same time: whoever has it reads again what is wanted before acting.
    """

    db: Database
    hosts: Mapping[str, Host]
    contexts: ApplicationContexts
    vault: Vault
    kept_releases: KeptReleases
    logs_of_deployments: LogFiles
    turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    readers: Readers = field(default_factory=Readers)

    @property
    def tools(self) -> ApplicationContext:
        """Those of the panel's own machine."""
        return self.contexts.here

    def runtime(self, release: Release) -> Runtime:
        """What the release is run by, on its host. Raises HostUnreachable."""
        return self.contexts.at(release.host_id).runtimes.of(release.runtime)

    @asynccontextmanager
    async def turn(self, application_id: str) -> AsyncIterator[None]:
        """Waits until nobody else acts on the application."""
        async with self.turns[application_id]:
            yield

    async def up(self, application: Application) -> None:
        """Starts the serving release, if it is not up, and routes to it; leaves both to a deploy that is under way.
        Raises NotAllowed where what it needs of its machine was taken back: it stays as it is.
        """
        release = await self._to_bring_up(application.service_id)
        if release is None:
            return
        await self.runtime(release).start_again(release.release_id)
        await self.tools.routing.lead_at_rest(release)

    async def again(self, application: Application) -> None:
        """Ends the processes of the serving release and starts it again; leaves it to a deploy that is under way."""
        release = await self._to_bring_up(application.service_id)
        if release is not None:
            await self.runtime(release).stop(release.release_id)
            await self.up(application)

    async def _to_bring_up(self, application_id: str) -> Release | None:
        def look(tx: Tx) -> Release | None:
            if not services_store.is_at_rest(tx, application_id):
                return None
            release = store.serving(tx, application_id)
            powers.require_serving(tx, store.find(tx, application_id, self.vault), release, self.vault)
            return release

        return await self.db.read(look)

    async def down(self, application: Application) -> None:
        """Takes the route away, then ends the processes of every release; returns when none is left."""
        await self.tools.routing.remove(application.service_id)
        releases = await self.db.read(lambda tx: store.releases_of(tx, application.service_id))
        await at_once(self.runtime(each).stop(each.release_id) for each in releases)

    async def remove(self, application: Application) -> None:
        """Removes everything of an application, its row last. What lies on a server that was removed from Headway stays
        there. Raises Unavailable where its host has something of it and cannot be asked.
        """
        was_made = await self._was_made(application)
        try:
            await self._remove_from_host(application, was_made=was_made)
        except ServerUnknown:
            if was_made:
                log.warning("what application %s has on the server that was removed stays there", application.name)
        host_here = self.hosts[self.tools.host_id]
        for folder in self.tools.folders.all_of(application.service_id):
            await host_here.remove_tree(folder)
        id_ = application.service_id
        types = (application.subject_type, SubjectType.RUN)
        found = await self.db.read(lambda tx: [one for each in types for one in deployments.of_subject(tx, each, id_)])
        for deployment in found:
            await self.db.run(lambda tx, id_=deployment.deployment_id: deployments.remove_all(tx, [id_]))  # type: ignore[misc]
            await self.logs_of_deployments.remove(deployment.deployment_id)
        await self.db.run(lambda tx: self._forget(tx, application))

    def _forget(self, tx: Tx, application: Application) -> None:
        for each in (application.subject_type, SubjectType.RUN):
            pending_undos.forget(tx, each, application.service_id)
        services_store.remove(tx, application.service_id)

    async def _was_made(self, application: Application) -> bool:
        """Whether its host was ever asked for anything of it."""
        id_, type_ = application.service_id, application.subject_type
        return await self.db.read(lambda tx: bool(store.releases_of(tx, id_)) or deployments.has_begun(tx, type_, id_))

    async def _remove_from_host(self, application: Application, *, was_made: bool) -> None:
        tools = self.contexts.at(application.host_id)
        if was_made or tools is self.tools:  # here it costs nothing to look, also where its deployments were cleared
            await self._take_down(tools, application)
        if tools is not self.tools and (was_made or self.hosts[tools.host_id].link is not None):
            for folder in tools.folders.all_of(application.service_id):
                await self.hosts[tools.host_id].remove_tree(folder)

    async def _take_down(self, tools: ApplicationContext, application: Application) -> None:
        """Ends what runs of it on its host, and removes what it runs from; of what has never run, as far as that can be
        asked for there.
        """
        releases = await self.db.read(lambda tx: store.releases_of(tx, application.service_id))
        with suppress(*(() if releases else (NotPrepared, EngineAway))):
            await self._end_and_remove(tools, application, releases)

    async def _end_and_remove(
        self, tools: ApplicationContext, application: Application, releases: Sequence[Release]
    ) -> None:
        await self.tools.routing.remove(application.service_id)
        await at_once(self.runtime(each).remove(each.release_id) for each in releases)
        for release in releases:
            await self.runtime(release).discard(release.release_id)
        for runtime in {release.runtime for release in releases}:
            await tools.runtimes.of(runtime).forget(application.service_id, application.app_name)
        if application.settings.run.delete_volumes:
            await tools.runtimes.of("container").remove_volumes(application.service_id)

    async def retire(self, release: Release) -> None:
        """Ends a replaced release and frees its port; those that are kept keep their folders. Raises Unavailable where
        the edge cannot be told.
        """
        await self.tools.routing.let_go(release.service_id)
        if self.readers.follow(release.service_id):
            await self.runtime(release).stop(release.release_id)
            await self.readers.last_look(release.service_id)
        await self.runtime(release).remove(release.release_id)
        await self.db.run(lambda tx: store.retired(tx, release.release_id))
        async with self.turn(release.service_id):  # another of its releases may have ended at the same moment
            for old in (await self.beyond(release.service_id))[1]:
                await self.let_go(old)

    async def beyond(self, application_id: str) -> tuple[KeptReleases, list[Release]]:
        """What an application keeps of its releases, and those that it does not."""

        def look(tx: Tx) -> tuple[KeptReleases, list[Release]]:
            keep = kept_by(tx, application_id, self.kept_releases, self.vault)
            return keep, beyond(tx, application_id, keep)

        return await self.db.read(look)

    async def let_go(self, release: Release) -> None:
        """Removes a release that does not run: its row, and its artifact unless another release has that too."""
        await self.runtime(release).discard(release.release_id)
        if not await self.db.read(lambda tx: is_shared(tx, release)):
            await self.hosts[release.host_id].remove_tree(release.folder)
        await self.db.run(lambda tx: releases_store.remove(tx, release.release_id))

    async def secrets(self, application: Application) -> set[str]:
        """What the release that serves was started with and must not show."""
        release = await self.db.read(lambda tx: store.serving(tx, application.service_id))
        if release is None:
            return set()
        started_with = await self.runtime(release).variables(release.release_id)
        return {*secrets_among(started_with, marks_of(application.settings))}

    async def output(self, application: Application, cursor: Cursor, tail: int, secrets: set[str]) -> Output:
        """What the application wrote behind the cursor, masked: the ``secrets``, and those that it was started with."""
        began = time.monotonic()
        releases = await self.db.read(lambda tx: store.releases_of(tx, application.service_id))
        mask = Mask(secrets=secrets, marks=marks_of(application.settings))
        output = await read_on(cursor, releases, self.runtime, tail, mask)
        self.readers.looked(application.service_id, cursor.reader, began, read_all=not output.more)
        return output

    async def logs(self, application: Application, tail: int, secrets: set[str], since: datetime | None = None) -> str:
        """The last lines that the application wrote, masked: the ``secrets``, and those that it was started with. Where
        none of its releases serves, what the last try to have one said, whenever that was.
        """
        release = await self.db.read(lambda tx: store.serving(tx, application.service_id))
        runtime = self.contexts.at(application.host_id).runtimes.of(release.runtime if release else "native")
        release_id = release.release_id if release else None
        masker = Masker(secrets | await self.secrets(application))
        if since is not None and release is not None:
            return await written_since(runtime, release, since, tail, masker.mask_text)
        text = await runtime.read_logs(application.app_name, release_id=release_id, tail=tail, masked=masker.mask_text)
        if text or release is not None:
            return text
        tries = LastTry(db=self.db, logs=self.logs_of_deployments)
        return await tries.told(application.subject_type, application.service_id, tail)
