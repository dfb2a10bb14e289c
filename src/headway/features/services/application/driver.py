"""How applications are brought up, ended and removed, and what they write."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from datetime import datetime
from typing import TypeAlias

from headway.core.engine.concurrency import at_once
from headway.drivers.runtimes.contract.patience import CRASHES
from headway.drivers.runtimes.contract.runtime import ProcessState, Runtime
from headway.drivers.runtimes.remote.client import NotPrepared
from headway.features.services.application import powers, store
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.output import Cursor, Mask, Output, Readers, read_on, written_since
from headway.features.services.application.tools import ApplicationContext, ApplicationContexts
from headway.features.services.application.variables import marks_of
from headway.features.services.driver import ReleaseOutcome
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import Release, ServiceStatus
from headway.features.services.store import ServiceReader
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.infra.docker.api import EngineAway
from headway.infra.logs.mask import masker_of
from headway.kernel.dataclass import dataclass
from headway.kernel.variables import secrets_among
from headway.kernel.vault import Vault

_PROOF_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDriver:
    """Fits ``ServiceDriver``."""

    db: Database
    vault: Vault
    contexts: ApplicationContexts
    reader: ServiceReader[AppSettings] = store.APPLICATION_READER
    readers: Readers = field(default_factory=Readers)

    @property
    def tools(self) -> ApplicationContext:
        """Those of the panel's own machine."""
        return self.contexts.here

    def runtime(self, release: Release) -> Runtime:
        """What the release is run by, on its host. Raises HostUnreachable."""
        return self.contexts.at(release.host_id).runtimes.of(release.runtime)

    def startable(self, tx: Tx, service: Application) -> Release | None:
        release = store.serving(tx, service.service_id)
        powers.require_serving(tx, store.find(tx, service.service_id, self.vault), release, self.vault)
        return release

    async def bring_up(self, service: Application, release: Release) -> None:
        del service
        await self.runtime(release).start_again(release.release_id)
        await self.tools.routing.lead_at_rest(release)

    async def lead_nowhere(self, service_id: str) -> None:
        await self.tools.routing.remove(service_id)

    async def end(self, service: Application, releases: Sequence[Release]) -> None:
        del service
        await at_once(self.runtime(each).stop(each.release_id) for each in releases)

    async def remove(self, context: ApplicationContext, service: Application, releases: Sequence[Release]) -> None:
        with suppress(*(() if releases else (NotPrepared, EngineAway))):
            await self._end_and_remove(context, service, releases)

    async def _end_and_remove(
        self, context: ApplicationContext, application: Application, releases: Sequence[Release]
    ) -> None:
        await self.lead_nowhere(application.service_id)
        await at_once(self.runtime(each).remove(each.release_id) for each in releases)
        for release in releases:
            await self.discard(release)
        for runtime in {release.runtime for release in releases}:
            await context.runtimes.of(runtime).forget(application.service_id, application.app_name)
        if application.settings.run.delete_volumes:
            await context.runtimes.of("container").remove_volumes(application.service_id)

    async def retire(self, release: Release) -> None:
        """Ends a replaced release and frees its port. Raises Unavailable where the edge cannot be told."""
        await self.tools.routing.let_go(release.service_id)
        if self.readers.follow(release.service_id):
            await self.runtime(release).stop(release.release_id)
            await self.readers.last_look(release.service_id)
        await self.runtime(release).remove(release.release_id)
        await self.db.run(lambda tx: store.retired(tx, release.release_id))

    async def discard(self, release: Release) -> None:
        await self.runtime(release).discard(release.release_id)

    async def clear_images(self, service_id: str) -> None:
        """See ``ServiceDriver``: each goes with its release."""

    async def start_status(self, service: Application, settled: ReleaseOutcome) -> ServiceStatus | None:
        """See ``ServiceDriver``. What takes no requests has only to stay up."""
        release = await self.db.read(lambda tx: store.serving(tx, service.service_id))
        if release is None:
            return None
        now = await self.runtime(release).status(release.release_id)
        if any(each.exits >= CRASHES or each.state is ProcessState.GIVEN_UP for each in now.processes):
            return ServiceStatus.ERROR
        if not now.started:
            settled(release.service_id, is_up=False)
            return None
        if not release.ports or release.health is None or not release.health.answers:
            return ServiceStatus.DONE if settled(release.service_id, is_up=True) else None
        route = await self.tools.routing.standing(release.service_id)
        if route is None or route.release_id != release.release_id:
            return None
        await self.tools.routing.proven(route, timeout_seconds=_PROOF_SECONDS)
        return ServiceStatus.DONE

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

    async def logs(
        self, application: Application, tail: int, secrets: set[str], since: datetime | None = None
    ) -> str | None:
        """The last lines that the application wrote, masked: the ``secrets``, and those that it was started with. None
        where none of its releases serves, and nothing is left of what they wrote.
        """
        release = await self.db.read(lambda tx: store.serving(tx, application.service_id))
        runtime = self.contexts.at(application.host_id).runtimes.of(release.runtime if release else "native")
        release_id = release.release_id if release else None
        masker = await masker_of(secrets | await self.secrets(application))
        if since is not None and release is not None:
            return await written_since(runtime, release, since, tail, masker.mask_text)
        text = await runtime.read_logs(application.app_name, release_id=release_id, tail=tail, masked=masker.mask_text)
        return text if text or release is not None else None


ApplicationLifecycle: TypeAlias = ServiceLifecycle[ApplicationContext, ApplicationDriver]
