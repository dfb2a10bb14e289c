"""Use cases of applications: make, change, deploy, start, stop, delete; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, permit, sees
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Status
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.features.git.providers import require_seen
from headway.features.projects.store import place_of
from headway.features.servers.deferred_deletion import kept_deletion
from headway.features.servers.host_assignment import host_for
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.host_assignment import build_host_for, moved
from headway.features.services.application.loopback import with_named
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.output import Cursor, Output
from headway.features.services.application.requests import deploy_request, serving_commit
from headway.features.services.application.variables import check_variables, known_secrets
from headway.features.services.model import DesiredState, ServiceStatus
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict
from headway.kernel.search import Page, Words
from headway.kernel.service_names import check_name
from headway.kernel.vault import Vault


class NoApplicationDeployed(Conflict):
    """There is nothing to start."""

    def __init__(self) -> None:
        super().__init__("Nothing of this application has been deployed yet; deploy it first.")


class CheckSettings(Protocol):
    """Tells what is wrong with an application's settings before anything is deployed."""

    def __call__(self, settings: AppSettings) -> None:
        """Raises InvalidInput."""
        ...


class ApplicationService:
    """What callers may ask of applications."""

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        ledger: Ledger,
        stopping: Stopping,
        lifecycle: ApplicationLifecycle,
        check: CheckSettings,
        creation: ApplicationCreation,
        address: Callable[[str], str],
    ) -> None:
        self._db = db
        self._vault = vault
        self._ledger = ledger
        self._stopping = stopping
        self._operating = lifecycle
        self._check = check
        self._making = creation
        self._address = address

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        environment_id: str,
        name: str,
        *,
        app_name: str | None = None,
        description: str | None = None,
        settings: AppSettings | None = None,
        server_id: str | None = None,
        build_server_id: str | None = None,
    ) -> Application:
        """Makes an application without deploying it, on a server and built on another where these are named. Raises
        Missing for a server or git provider of somebody else.
        """
        check_name(name)
        wanted = settings or AppSettings()
        self._check(wanted)
        check_variables("", wanted)

        def write(tx: Tx) -> Application:
            place = place_of(tx, environment_id)
            permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
            judged = require_seen(tx, actor, AppSettings(), wanted)
            made = self._making.add(
                tx,
                place,
                name,
                app_name=app_name,
                description=description,
                settings=judged,
                host_id=host_for(tx, place.organization_id, server_id),
                build_host_id=build_host_for(tx, place.organization_id, build_server_id),
            )
            powers.save(tx, actor, made, self._vault)
            return made

        return await self._db.run(write)

    async def one(self, actor: Actor, permission: Permission, application_id: str) -> Application:
        """The application. Raises NotFound where there is none that the caller may see."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, permission, application_id))

    async def search(
        self, actor: Actor, words: Words, *, project_id: str | None, environment_id: str | None
    ) -> Page[Application]:
        """The applications that the caller may see and that hold the words, newest first; of one project or one
        environment where that is named.
        """
        found = await self._db.read(lambda tx: store.of_organization(tx, actor.organization_id, self._vault))
        seen = [
            each
            for each in reversed(found)
            if sees(actor, each.organization_id, each.project_id, service_id=each.service_id)
            and project_id in {None, each.project_id}
            and environment_id in {None, each.environment_id}
        ]
        return words.page(seen, Application.words)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        change: Callable[[AppSettings], AppSettings] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        server_id: str | None = None,
        build_server_id: str | None = None,
        put: Callable[[Tx, Application], None] | None = None,
    ) -> Application:
        """Changes an application; the next deploy works from it. An empty ``build_server_id`` has it built where it is;
        ``put`` puts it elsewhere. Raises InvalidInput with what is wrong.
        """
        if name is not None:
            check_name(name)

        def write(tx: Tx) -> Application:
            current = self._permitted(tx, actor, permission, application_id)
            if put is not None:
                put(tx, current)
            fields: dict[str, Any] = {**moved(tx, current, server_id, build_server_id)}
            settings = current.settings if change is None else change(current.settings)
            settings = with_named(actor, settings, env)
            if settings != current.settings:
                self._check(settings)
                settings = require_seen(tx, actor, current.settings, settings)
                fields["settings"] = services_store.kept(settings, self._vault)
            if name is not None and name != current.name:
                fields["name"] = name
            if description is not None:
                fields["description"] = description
            if env is not None:
                fields["env"] = self._vault.seal(env)
            if fields.keys() & {"settings", "env"}:
                check_variables(current.env if env is None else env, settings)
            return self._changed(tx, actor, application_id, fields)

        return await self._db.run(write)

    async def deploy(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
        change: Callable[[AppSettings], AppSettings] | None = None,
    ) -> Queued:
        """Queues a deploy of the newest state, with the settings changed before where ``change`` says so. Raises
        KeyReused.
        """

        def request(tx: Tx, application: Application) -> Request:
            if change is None:
                return self._request(tx, actor, application, title, description, again=False)
            settings = change(application.settings)
            self._check(settings)
            services_store.set_fields(tx, application_id, settings=services_store.kept(settings, self._vault))
            changed = replace(application, settings=settings)
            powers.save(tx, actor, changed, self._vault)
            return self._request(tx, actor, changed, title, description, again=False)

        return await self.enqueue(actor, permission, application_id, once, request)

    async def redeploy(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deploy of the commit that serves, without fetching; of the newest where none does. Raises
        KeyReused.
        """

        def request(tx: Tx, application: Application) -> Request:
            return self._request(tx, actor, application, title, description, again=True)

        return await self.enqueue(actor, permission, application_id, once, request)

    async def cancel_deployments(self, actor: Actor, permission: Permission, application_id: str) -> None:
        """Ends what waits and what runs of an application, the waiting ones first."""
        await self.one(actor, permission, application_id)
        await self._end_all(application_id, Intent.CANCEL)

    async def cancel_waiting(self, actor: Actor, permission: Permission, application_id: str) -> None:
        """Ends what waits of an application; what runs goes on."""
        await self.one(actor, permission, application_id)
        await self._end_all(application_id, Intent.CANCEL, only=Status.PENDING)

    async def kill_build(self, actor: Actor, permission: Permission, application_id: str) -> None:
        """Kills what runs of an application, and of nothing else."""
        await self.one(actor, permission, application_id)
        await self._end_all(application_id, Intent.KILL, only=Status.RUNNING)

    async def ended_deployments(self, actor: Actor, permission: Permission, application_id: str) -> list[Deployment]:
        """What ``clearDeployments`` removes."""
        await self.one(actor, permission, application_id)
        found = await self._db.read(lambda tx: deployments.of_subject(tx, SubjectType.APPLICATION, application_id))
        return [deployment for deployment in found if deployment.status.ended]

    async def start(self, actor: Actor, permission: Permission, application_id: str) -> Application:
        """Brings the newest release up again and routes to it; its status is ``running`` until somebody has seen it
        serve. Raises Conflict where none was ever deployed, and while a deploy is under way, which alone may start
        anything: what it begins with and what serves must not change.
        """

        def begin(tx: Tx) -> Application:
            application = self._permitted(tx, actor, permission, application_id)
            if application.serving_release_id is None:
                raise NoApplicationDeployed
            _require_let_go(application)
            powers.require_serving(tx, application, store.serving(tx, application_id), self._vault)
            if services_store.is_at_rest(tx, application_id):
                services_store.set_fields(tx, application_id, wanted=DesiredState.UP, status=ServiceStatus.RUNNING)
            elif application.wanted is not DesiredState.UP:
                raise Conflict(
                    "The application is stopped and being deployed, which starts it; wait for the end, or cancel the "
                    "deployment and start it then."
                )
            return application

        application = await self._db.run(begin)
        async with self._operating.turn(application_id):
            await self._operating.up(application)
        return await self.one(actor, permission, application_id)

    async def reload(self, actor: Actor, permission: Permission, application_id: str) -> None:
        """Ends the processes of the release that serves and starts it again, with the variables that it has. Raises
        Conflict where none was ever deployed, and during a deploy.
        """

        def begin(tx: Tx) -> Application:
            application = self._permitted(tx, actor, permission, application_id)
            if application.serving_release_id is None:
                raise NoApplicationDeployed
            _require_let_go(application)
            if not services_store.is_at_rest(tx, application_id):
                raise Conflict("The application is being deployed, which starts it anew; wait for the end.")
            powers.require_serving(tx, application, store.serving(tx, application_id), self._vault)
            services_store.set_fields(tx, application_id, wanted=DesiredState.UP, status=ServiceStatus.RUNNING)
            return application

        application = await self._db.run(begin)
        async with self._operating.turn(application_id):
            await self._operating.again(application)

    async def stop(self, actor: Actor, permission: Permission, application_id: str) -> Application:
        """Ends its deployments, takes its route away and its processes down; returns when none runs."""
        application = await self.one(actor, permission, application_id)
        await self._set_wanted(application_id, DesiredState.DOWN, ServiceStatus.IDLE)
        await self._end_all(application_id, Intent.CANCEL)
        await self._end_all(application_id, Intent.CANCEL, of=SubjectType.RUN)
        async with self._operating.turn(application_id):
            await self._operating.down(application)
        await self._set_wanted(application_id, DesiredState.DOWN, ServiceStatus.IDLE)
        return await self.one(actor, permission, application_id)

    async def delete(self, actor: Actor, permission: Permission, application_id: str) -> Application:
        """Stops an application and removes all of it: releases, files, deployments and their logs. Raises StillThere
        where its host cannot be asked now; it is gone for everybody all the same.
        """
        application = await self.one(actor, permission, application_id)
        await self._db.run(lambda tx: services_store.begin_deletion(tx, application_id))
        with kept_deletion(application.name, application.host_id):
            await self._end_all(application_id, Intent.CANCEL)
            await self._end_all(application_id, Intent.CANCEL, of=SubjectType.RUN)
            await self._operating.remove_previews(application_id, self._stopping)
            async with self._operating.turn(application_id):
                await self._operating.remove(application)
        return application

    async def read_logs(
        self, actor: Actor, permission: Permission, application_id: str, cursor: Cursor, tail: int
    ) -> str:
        """The last lines that the application wrote, since when the cursor says, its secrets masked."""
        application = await self.one(actor, permission, application_id)
        secrets = await self._db.read(lambda tx: known_secrets(tx, application, self._vault))
        return await self._operating.driver.logs(application, tail, secrets, cursor.since)

    async def read_output(
        self, actor: Actor, permission: Permission, application_id: str, cursor: Cursor, tail: int
    ) -> Output:
        """What the application wrote behind the cursor, its secrets masked."""
        application = await self.one(actor, permission, application_id)
        secrets = await self._db.read(lambda tx: known_secrets(tx, application, self._vault))
        return await self._operating.driver.output(application, cursor, tail, secrets)

    def addresses(self, application: Application) -> list[str]:
        """Where the application answers once it is deployed."""
        return [self._address(application.host_name)]

    async def enqueue(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        once: Once | None,
        request: Callable[[Tx, Application], Request],
    ) -> Queued:
        """Queues what is requested of an application that the caller was let through to. Raises KeyReused."""

        def write(tx: Tx) -> Queued:
            application = self._permitted(tx, actor, permission, application_id)
            return self._ledger.enqueue_once(tx, once, lambda: request(tx, application))

        return await self._db.run(write)

    def _changed(self, tx: Tx, actor: Actor, application_id: str, fields: Mapping[str, Any]) -> Application:
        if fields:
            services_store.set_fields(tx, application_id, **fields)
        changed = store.find(tx, application_id, self._vault)
        if fields.keys() & {"settings", "host_id"}:
            powers.save(tx, actor, changed, self._vault)
        return changed

    def _request(
        self, tx: Tx, actor: Actor, application: Application, title: str | None, description: str | None, *, again: bool
    ) -> Request:
        request = deploy_request(
            application,
            title=title,
            description=description,
            commit=serving_commit(tx, application.service_id) if again else None,
            again=again,
            allow_file=True,
        )
        return asked_by(actor, request)

    async def _end_all(
        self, id_: str, intent: Intent, *, only: Status | None = None, of: SubjectType = SubjectType.APPLICATION
    ) -> None:
        await end_unfinished(self._db, self._stopping, of, id_, intent, only=only)

    async def _set_wanted(self, application_id: str, wanted: DesiredState, status: ServiceStatus) -> None:
        await self._db.run(lambda tx: services_store.set_fields(tx, application_id, wanted=wanted, status=status))

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, application_id: str) -> Application:
        owner = services_store.owner(tx, application_id, SubjectType.APPLICATION)
        if owner is None:
            raise store.ApplicationNotFound
        place = (owner.organization_id, owner.project_id)
        permit(actor, permission, *place, service_id=application_id, noun=Noun.APPLICATION)
        return store.find(tx, application_id, self._vault)


def _require_let_go(application: Application) -> None:
    if application.wanted is DesiredState.HELD:
        raise Conflict("A volume backup has stopped the application and starts it again at its end; wait for that.")
