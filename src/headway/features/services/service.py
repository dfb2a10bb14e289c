"""Use cases that services of every kind have: find, move, deploy, end, start, stop, delete; all asked of the policy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Generic

from headway.core.access.model import Actor
from headway.core.access.policy import Permission, permit, sees
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Status
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.features.services import shutdown, store
from headway.features.services.desired_state import begin_start, require_deployed
from headway.features.services.lifecycle import ServiceLifecycle
from headway.features.services.model import S, Service, noun_of
from headway.features.services.relocation import ServiceRelocation
from headway.features.services.requests import DeployKind, deploy_request, serving_commit
from headway.features.services.store import ServiceReader
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.search import Page, Words
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUseCases(ABC, Generic[S]):
    """What callers may ask of services of one kind. A kind has use cases of its own beside these, and says what is
    asked of its services below.
    """

    db: Database
    vault: Vault
    ledger: Ledger
    stopping: Stopping
    lifecycle: ServiceLifecycle[Any, Any]
    relocation: ServiceRelocation
    reader: ServiceReader[S]
    deploys: DeployKind

    async def one(self, actor: Actor, permission: Permission, service_id: str) -> Service[S]:
        """The service. Raises NotFound where there is none that the caller may see."""
        return await self.db.read(lambda tx: self._permitted(tx, actor, permission, service_id))

    async def search(
        self, actor: Actor, words: Words, *, project_id: str | None, environment_id: str | None
    ) -> Page[Service[S]]:
        """The services that the caller may see and that hold the words, newest first; of one project or one environment
        where that is named.
        """
        found = await self.db.read(lambda tx: self.reader.of_organization(tx, actor.organization_id, self.vault))
        seen = [
            each
            for each in reversed(found)
            if sees(actor, each.organization_id, each.project_id, service_id=each.service_id)
            and project_id in {None, each.project_id}
            and environment_id in {None, each.environment_id}
        ]
        return words.page(seen, Service.words)

    async def move(self, actor: Actor, permission: Permission, service_id: str, environment_id: str) -> Service[S]:
        """Puts a service into another environment: see ``ServiceRelocation``. Raises Missing, Forbidden."""

        def write(tx: Tx) -> Service[S]:
            service = self._permitted(tx, actor, permission, service_id)
            self.relocation.put(tx, actor, permission, service, environment_id)
            return self.reader.find(tx, service_id, self.vault)

        return await self.db.run(write)

    async def deploy(
        self,
        actor: Actor,
        permission: Permission,
        service_id: str,
        *,
        again: bool = False,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
        change: Callable[[S], S] | None = None,
    ) -> Queued:
        """Queues a deploy of the newest state; ``again``: of the commit that serves, without fetching, where one does.
        With ``change`` its settings are changed first. Raises KeyReused.
        """

        def request(tx: Tx, service: Service[S]) -> Request:
            if change is not None:
                service = self._with_settings(tx, actor, service_id, change)
            commit = serving_commit(tx, service_id) if again else None
            told = {"title": title, "description": description}
            wanted = deploy_request(service, self.deploys, **told, commit=commit, again=again, allow_file=True)
            return asked_by(actor, replace(wanted, input={**wanted.input, **self._allowed(actor, service)}))

        return await self.enqueue(actor, permission, service_id, once, request)

    async def enqueue(
        self,
        actor: Actor,
        permission: Permission,
        service_id: str,
        once: Once | None,
        request: Callable[[Tx, Service[S]], Request],
    ) -> Queued:
        """Queues what is requested of a service that the caller was let through to. Raises KeyReused."""

        def write(tx: Tx) -> Queued:
            service = self._permitted(tx, actor, permission, service_id)
            return self.ledger.enqueue_once(tx, once, lambda: request(tx, service))

        return await self.db.run(write)

    async def cancel_deployments(self, actor: Actor, permission: Permission, service_id: str) -> None:
        """Ends what waits and what runs of a service, the waiting ones first."""
        await self.one(actor, permission, service_id)
        await self._end_deployments(service_id, Intent.CANCEL)

    async def cancel_waiting(self, actor: Actor, permission: Permission, service_id: str) -> None:
        """Ends what waits of a service; what runs goes on."""
        await self.one(actor, permission, service_id)
        await self._end_deployments(service_id, Intent.CANCEL, only=Status.PENDING)

    async def kill_build(self, actor: Actor, permission: Permission, service_id: str) -> None:
        """Kills what runs of a service, and of nothing else."""
        await self.one(actor, permission, service_id)
        await self._end_deployments(service_id, Intent.KILL, only=Status.RUNNING)

    async def ended_deployments(self, actor: Actor, permission: Permission, service_id: str) -> list[Deployment]:
        """What ``clearDeployments`` removes."""
        await self.one(actor, permission, service_id)
        found = await self.db.read(lambda tx: deployments.of_subject(tx, self.reader.kind, service_id))
        return [deployment for deployment in found if deployment.status.ended]

    async def start(self, actor: Actor, permission: Permission, service_id: str) -> Service[S]:
        """Brings the newest release up again and routes to it; its status is ``running`` until somebody has seen it
        serve. Raises Conflict where none was ever deployed, and while a deploy is under way, which alone may start
        anything: what it begins with and what serves must not change.
        """

        def begin(tx: Tx) -> Service[S]:
            service = self._permitted(tx, actor, permission, service_id)
            require_deployed(service)
            self._require_serving(tx, service)
            begin_start(tx, service)
            return service

        service = await self.db.run(begin)
        async with self.lifecycle.turn(service_id):
            await self.lifecycle.up(service)
        return await self.one(actor, permission, service_id)

    async def stop(self, actor: Actor, permission: Permission, service_id: str) -> Service[S]:
        """Ends its deployments and what runs once inside it, takes its route away and what serves down; returns when
        nothing runs. Raises NotStoppedYet where that takes long: whoever keeps the service as it is wanted goes on.
        """
        service = await self.one(actor, permission, service_id)
        await shutdown.stop(self.db, self.lifecycle, service, self._end_all, self._take_down)
        return await self.one(actor, permission, service_id)

    async def delete(
        self, actor: Actor, permission: Permission, service_id: str, *, delete_volumes: bool | None = None
    ) -> Service[S]:
        """Stops a service and removes all of it: releases, files, previews, deployments and their logs; its volumes
        with ``delete_volumes`` (None: as its settings say). Raises StillThere where its host cannot be asked now; it is
        gone for everybody all the same.
        """

        def begin(tx: Tx) -> Service[S]:
            service = self._permitted(tx, actor, permission, service_id)
            store.begin_deletion(tx, service_id, delete_volumes=delete_volumes)
            return service if delete_volumes is None else replace(service, delete_volumes=delete_volumes)

        service = await self.db.run(begin)
        await shutdown.delete(self.db, self.lifecycle, service, self._end_all, self.stopping)
        return service

    # What a kind says of its services.

    @abstractmethod
    def _check(self, settings: S, before: S, host_id: str) -> None:
        """Everything that can be told of settings without asking anybody. Raises InvalidInput."""

    @abstractmethod
    def _judge(self, tx: Tx, actor: Actor, service: Service[S]) -> None:
        """Judges what it needs of its machine as it is saved now, and writes down who allowed it. Raises
        MachineRefused.
        """

    @abstractmethod
    def _require_serving(self, tx: Tx, service: Service[S]) -> None:
        """Whether what serves may be started again. Raises NotAllowed."""

    def _allowed(self, actor: Actor, service: Service[S]) -> Mapping[str, Any]:
        """What a deploy is given beside what every deploy is."""
        return {}

    async def _take_down(self, service: Service[S]) -> None:
        await self.lifecycle.down(service)

    # What they have in common.

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, service_id: str) -> Service[S]:
        owner = store.owner(tx, service_id, self.reader.kind)
        if owner is None:
            raise self.reader.missing
        place = (owner.organization_id, owner.project_id)
        permit(actor, permission, *place, service_id=service_id, noun=noun_of(self.reader.kind))
        return self.reader.find(tx, service_id, self.vault)

    def _with_settings(self, tx: Tx, actor: Actor, service_id: str, change: Callable[[S], S]) -> Service[S]:
        """The service with its settings changed, which are checked, kept and judged."""
        store.lock_settings(tx, service_id)
        service = self.reader.find(tx, service_id, self.vault)
        settings = change(service.settings)
        self._check(settings, service.settings, service.host_id)
        store.set_fields(tx, service_id, settings=store.kept(settings, self.vault))
        changed = replace(service, settings=settings)
        self._judge(tx, actor, changed)
        return changed

    async def _end_all(self, service_id: str) -> None:
        await self._end_deployments(service_id, Intent.CANCEL)
        await end_unfinished(self.db, self.stopping, SubjectType.RUN, service_id, Intent.CANCEL)

    async def _end_deployments(self, service_id: str, intent: Intent, *, only: Status | None = None) -> None:
        await end_unfinished(self.db, self.stopping, self.reader.kind, service_id, intent, only=only)
