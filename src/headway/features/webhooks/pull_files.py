"""Asks forges what deliveries leave open of a pull request: the files that it changes, and its commit's whole hash."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from headway.core.deployments.model import SubjectType
from headway.drivers.forges.base import is_whole
from headway.drivers.forges.events import ChangedFiles, Pull
from headway.features.git.providers import GitProviderService, OpenedRepository
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import Service
from headway.features.webhooks.parser import Arrived
from headway.features.webhooks.policy import Decision, of_files
from headway.features.webhooks.services import HookedService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

_SECONDS = 5.0  # whoever has sent the delivery waits for its answer


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFiles:
    """Of pull requests of the services of these ``kinds``."""

    db: Database
    providers: GitProviderService
    kinds: ServiceKinds

    async def whole(self, service: HookedService, arrived: Arrived) -> Arrived:
        """What came, with the whole hash of a pull request's commit where its forge tells the beginning alone: somebody
        could make another one that begins so. Where the forge does not answer, the sweep of pull requests asks again.
        """
        pull = _pull(service, arrived)
        if pull is None or is_whole(pull.head):
            return arrived
        try:
            found = await self.db.read(lambda tx: self._repository(tx, service.subject_type, service.subject_id))
            if found is None:
                return arrived
            connection, asked = found.connection, (found.connection, found.path, pull.number, pull.head)
            async with asyncio.timeout(_SECONDS):
                head = await self.providers.ask(connection, lambda api: api.whole_head(*asked))
        except (TimeoutError, HeadwayError):
            return arrived
        events = tuple(replace(each, head=head) if each is pull else each for each in arrived.told.events)
        return replace(arrived, told=replace(arrived.told, events=events))

    async def of(self, service: HookedService, arrived: Arrived) -> ChangedFiles | None:
        """The files of the whole pull request that is told of; None where nobody needs to know."""
        pull = _pull(service, arrived)
        if pull is None or not service.tracked.watch_paths:
            return None
        return await self._changed(service.subject_type, service.subject_id, pull.number)

    async def passes(self, service: Service[Any], number: int) -> bool:
        """Whether none of the files of a pull request is watched, as a push to it would be passed by."""
        tracked = self.kinds.by_type[service.kind].deliveries.tracked(service.settings, None)
        if not tracked.watch_paths:
            return False
        changed = await self._changed(service.kind, service.service_id, number)
        return isinstance(await asyncio.to_thread(of_files, tracked, changed), Decision)

    async def _changed(self, service_type: SubjectType, service_id: str, number: int) -> ChangedFiles:
        try:
            found = await self.db.read(lambda tx: self._repository(tx, service_type, service_id))
            if found is None:
                return ChangedFiles(unknown="nobody but a git provider tells the files of a pull request")
            connection = found.connection
            path = found.path
            async with asyncio.timeout(_SECONDS):
                files = await self.providers.ask(connection, lambda api: api.files_of_pull(connection, path, number))
            return ChangedFiles(files=tuple(files))
        except TimeoutError:
            return ChangedFiles(unknown=f"the git provider did not answer within {_SECONDS:g} s")
        except HeadwayError as error:
            return ChangedFiles(unknown=error.message.rstrip("."))

    def _repository(self, tx: Tx, service_type: SubjectType, service_id: str) -> OpenedRepository | None:
        service = self.kinds.find(tx, service_type, service_id)
        given = service.settings
        return self.providers.repository(tx, given.source_type, given.extra, service.organization_id)


def _pull(service: HookedService, arrived: Arrived) -> Pull | None:
    """The open pull request that is told of, where the service may have a preview of it."""
    pull = next((each for each in arrived.told.events if isinstance(each, Pull)), None)
    return pull if pull is not None and pull.is_open and service.pulled is not None else None
