"""Use cases that applications have beside those of every service: make, change, restart, read what they write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import Noun, Permission, permit
from headway.features.git.providers import require_seen
from headway.features.projects.store import place_of
from headway.features.servers.host_assignment import build_host_for, host_for
from headway.features.services import store as services_store
from headway.features.services.application import powers, store
from headway.features.services.application.creation import ApplicationCreation
from headway.features.services.application.deploy import APPLICATION_DEPLOY
from headway.features.services.application.driver import ApplicationLifecycle
from headway.features.services.application.loopback import with_named
from headway.features.services.application.model import Application, AppSettings
from headway.features.services.application.output import Cursor, Output
from headway.features.services.application.sources import check_settings
from headway.features.services.application.variables import check_variables, known_secrets
from headway.features.services.desired_state import require_at_rest, require_deployed, want_up
from headway.features.services.host_assignment import moved
from headway.features.services.requests import DeployKind
from headway.features.services.service import ServiceUseCases
from headway.features.services.store import ServiceReader
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.service_names import check_name
from headway.kernel.variable_text import require_as_read


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationService(ServiceUseCases[AppSettings]):
    """What callers may ask of applications. ``address`` tells where a host name is reached."""

    lifecycle: ApplicationLifecycle
    reader: ServiceReader[AppSettings] = store.APPLICATION_READER
    deploys: DeployKind = APPLICATION_DEPLOY
    creation: ApplicationCreation
    address: Callable[[str], str]

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
        check_settings(wanted)
        check_variables("", wanted)

        def write(tx: Tx) -> Application:
            place = place_of(tx, environment_id)
            permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
            judged = require_seen(tx, actor, AppSettings(), wanted)
            made = self.creation.add(
                tx,
                place,
                name,
                app_name=app_name,
                description=description,
                settings=judged,
                host_id=host_for(tx, place.organization_id, server_id),
                build_host_id=build_host_for(tx, place.organization_id, build_server_id),
            )
            self._judge(tx, actor, made)
            return made

        return await self.db.run(write)

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
        env_was: str | None = None,
        server_id: str | None = None,
        build_server_id: str | None = None,
        environment_id: str | None = None,
    ) -> Application:
        """Changes an application; the next deploy works from it. An empty ``build_server_id`` has it built where it is;
        where an environment is named it is put there. ``env_was`` is what its variables have to be until then. Raises
        InvalidInput with what is wrong, VariablesChanged, Missing.
        """
        if name is not None:
            check_name(name)

        def write(tx: Tx) -> Application:
            services_store.lock_settings(tx, application_id)
            current = self._permitted(tx, actor, permission, application_id)
            require_as_read(current.env, env_was)
            if environment_id is not None:
                self.relocation.put(tx, actor, permission, current, environment_id)
            fields: dict[str, Any] = {**_hosts(tx, current, server_id, build_server_id)}
            settings = current.settings if change is None else change(current.settings)
            settings = with_named(actor, settings, env)
            if settings != current.settings:
                check_settings(settings)
                settings = require_seen(tx, actor, current.settings, settings)
                fields["settings"] = services_store.kept(settings, self.vault)
            if name is not None and name != current.name:
                fields["name"] = name
            if description is not None:
                fields["description"] = description
            if env is not None:
                fields["env"] = self.vault.seal(env)
            if fields.keys() & {"settings", "env"}:
                check_variables(current.env if env is None else env, settings)
            return self._changed(tx, actor, application_id, fields)

        return await self.db.run(write)

    async def reload(self, actor: Actor, permission: Permission, application_id: str) -> None:
        """Ends the processes of the release that serves and starts it again, with the variables that it has. Raises
        Conflict where none was ever deployed, and during a deploy.
        """

        def begin(tx: Tx) -> Application:
            application = self._permitted(tx, actor, permission, application_id)
            require_deployed(application)
            require_at_rest(tx, application)
            self._require_serving(tx, application)
            want_up(tx, application_id)
            return application

        application = await self.db.run(begin)
        async with self.lifecycle.turn(application_id):
            await self.lifecycle.again(application)

    async def read_logs(
        self, actor: Actor, permission: Permission, application_id: str, cursor: Cursor, tail: int
    ) -> str:
        """The last lines that the application wrote, since when the cursor says, its secrets masked. Where nothing
        serves, what its last deployment said, whenever that was.
        """
        application = await self.one(actor, permission, application_id)
        secrets = await self.db.read(lambda tx: known_secrets(tx, application, self.vault))
        written = await self.lifecycle.driver.logs(application, tail, secrets, cursor.since)
        return await self.lifecycle.last_try(application, tail) if written is None else written

    async def read_output(
        self, actor: Actor, permission: Permission, application_id: str, cursor: Cursor, tail: int
    ) -> Output:
        """What the application wrote behind the cursor, its secrets masked."""
        application = await self.one(actor, permission, application_id)
        secrets = await self.db.read(lambda tx: known_secrets(tx, application, self.vault))
        return await self.lifecycle.driver.output(application, cursor, tail, secrets)

    def addresses(self, application: Application) -> list[str]:
        """Where the application answers once it is deployed."""
        return [self.address(application.host_name)]

    def _changed(self, tx: Tx, actor: Actor, application_id: str, fields: Mapping[str, Any]) -> Application:
        if fields:
            services_store.set_fields(tx, application_id, **fields)
        changed = store.find(tx, application_id, self.vault)
        if fields.keys() & {"settings", "host_id"}:
            self._judge(tx, actor, changed)
        return changed

    def _check(self, settings: AppSettings, before: AppSettings, host_id: str) -> None:
        check_settings(settings)

    def _judge(self, tx: Tx, actor: Actor, service: Application) -> None:
        powers.save(tx, actor, service, self.vault)

    def _require_serving(self, tx: Tx, service: Application) -> None:
        powers.require_serving(tx, service, store.serving(tx, service.service_id), self.vault)


def _hosts(tx: Tx, current: Application, server_id: str | None, build_server_id: str | None) -> Mapping[str, Any]:
    """The columns of the hosts that are named: where it is, and where it is built."""
    fields: dict[str, Any] = {}
    if build_server_id is not None:
        fields["build_host_id"] = build_host_for(tx, current.organization_id, build_server_id)
    if server_id is not None:
        fields |= moved(tx, current, host_for(tx, current.organization_id, server_id))
    return fields
