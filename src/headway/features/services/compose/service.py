"""Use cases that compose services have beside those of every service: make, change, and look into what runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit
from headway.core.deployments.hosts import LOCAL_HOST
from headway.drivers.sources.git import GitSpec
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.git.providers import require_seen
from headway.features.projects import store as projects
from headway.features.servers.host_assignment import host_for
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.deploy import COMPOSE_DEPLOY
from headway.features.services.compose.driver import ComposeLifecycle
from headway.features.services.compose.model import RAW, STACK, Compose, ComposeRelease, ComposeSettings
from headway.features.services.compose.plan import check_variables
from headway.features.services.host_assignment import moved
from headway.features.services.requests import DeployKind
from headway.features.services.service import ServiceUseCases
from headway.features.services.store import ServiceReader
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.lines import lines_of
from headway.kernel.service_names import check_name
from headway.kernel.variable_text import require_as_read

_WHOSE = "A compose service's"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeService(ServiceUseCases[ComposeSettings]):
    """What callers may ask of compose services."""

    lifecycle: ComposeLifecycle
    reader: ServiceReader[ComposeSettings] = store.COMPOSE_READER
    deploys: DeployKind = COMPOSE_DEPLOY
    creation: ComposeCreation

    async def create(
        self,
        actor: Actor,
        permission: Permission,
        environment_id: str,
        name: str,
        *,
        app_name: str | None = None,
        description: str | None = None,
        settings: ComposeSettings,
        server_id: str | None = None,
    ) -> Compose:
        """Makes a compose service without deploying it, on a server where one is named."""
        check_name(name, _WHOSE)
        _check_settings(settings, ComposeSettings(), self._most_references)

        def write(tx: Tx) -> Compose:
            place = projects.place_of(tx, environment_id)
            permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
            judged = require_seen(tx, actor, ComposeSettings(), settings)
            host_id = host_for(tx, place.organization_id, server_id)
            _check_host(settings, host_id)
            made = self.creation.add(
                *(tx, place, name),
                app_name=app_name,
                description=description,
                settings=judged,
                host_id=host_id,
            )
            self._judge(tx, actor, made)
            return made

        return await self.db.run(write)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        compose_id: str,
        change: Callable[[ComposeSettings], ComposeSettings] | None = None,
        *,
        name: str | None = None,
        description: str | None = None,
        env: str | None = None,
        env_was: str | None = None,
        server_id: str | None = None,
        environment_id: str | None = None,
    ) -> Compose:
        """Changes a compose service, and puts it into another environment where one is named; the next deploy works
        from it. ``env_was`` is what its variables have to be until then. Raises InvalidInput with what is wrong,
        VariablesChanged, Missing.
        """
        if env is not None:
            check_variables(env)
        if name is not None:
            check_name(name, _WHOSE)

        def write(tx: Tx) -> Compose:
            services_store.lock_settings(tx, compose_id)
            current = self._permitted(tx, actor, permission, compose_id)
            require_as_read(current.env, env_was)
            settings = current.settings if change is None else change(current.settings)
            host_id = current.host_id if server_id is None else host_for(tx, current.organization_id, server_id)
            _check_host(settings, host_id)
            fields: dict[str, Any] = {**moved(tx, current, host_id)}
            if settings is not current.settings:
                _check_settings(settings, current.settings, self._most_references)
                settings = require_seen(tx, actor, current.settings, settings)
                fields["settings"] = services_store.kept(settings, self.vault)
            plain = {"name": name, "description": description}
            fields |= {field: value for field, value in plain.items() if value is not None}
            if env is not None:
                fields["env"] = self.vault.seal(env)
            if fields:
                services_store.set_fields(tx, compose_id, **fields)
            if environment_id is not None:
                self.relocation.put(tx, actor, permission, current, environment_id)
            changed = store.find(tx, compose_id, self.vault)
            if fields.keys() & {"settings", "host_id"}:
                self._judge(tx, actor, changed)
            return changed

        return await self.db.run(write)

    async def services(self, actor: Actor, permission: Permission, compose_id: str) -> list[str]:
        """The names of the services: of what was deployed last, else as the file says that is written here."""
        from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - who writes no compose file never loads YAML

        compose = await self.one(actor, permission, compose_id)
        if compose.settings.source_type == RAW and compose.settings.compose_file.strip():
            return authored_file.service_names(authored_file.read(compose.settings.compose_file, self._most_references))
        release = await self._serving(compose)
        return list(release.record.services) if release is not None else []

    async def converted(self, actor: Actor, permission: Permission, compose_id: str) -> str:
        """The file that runs, as Headway gave it to the engine. Raises InvalidInput where none was deployed yet."""
        from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - as above

        compose = await self.one(actor, permission, compose_id)
        release = await self._serving(compose)
        if release is None:
            raise InvalidInput("Nothing of it has been deployed yet; deploy it to see the file that runs.")
        return authored_file.dump(release.record.file)

    async def read_logs(
        self,
        actor: Actor,
        permission: Permission,
        compose_id: str,
        *,
        container_id: str | None,
        tail: int,
        since: datetime | None,
        search: str | None,
    ) -> str:
        """The last lines that its containers wrote (or one of them did), its secrets masked; with ``search`` those of
        them that have a text. Where nothing serves, what its last deployment said. Raises Missing where the container
        is not one of its own.
        """
        compose = await self.one(actor, permission, compose_id)
        containers = (
            await self.lifecycle.driver.containers(compose_id) if compose.serving_release_id or container_id else []
        )
        if container_id is not None:
            containers = [each for each in containers if each.is_called(container_id)]
            if not containers:
                raise Missing(Noun.CONTAINER)
        texts = [await self.lifecycle.driver.logs(compose, each, tail=tail, since=since) for each in containers]
        prefixes = [f"{each.service} | " if container_id is None else "" for each in containers]
        lines = [f"{prefix}{line}" for prefix, text in zip(prefixes, texts, strict=True) for line in lines_of(text)]
        if container_id is None and compose.serving_release_id is None:
            lines = lines_of(await self.lifecycle.last_try(compose, tail))
        return "\n".join(line for line in lines if search is None or search in line)

    async def mounts(self, actor: Actor, permission: Permission, compose_id: str, service: str) -> list[dict[str, Any]]:
        """The volumes that a service's containers have, as the engine describes them."""
        compose = await self.one(actor, permission, compose_id)
        found = await self.lifecycle.driver.containers(compose.service_id) if compose.serving_release_id else []
        mine = next((each for each in found if each.service == service), None)
        return [dict(mount) for mount in (mine.mounts if mine is not None else ()) if mount.get("Type") == "volume"]

    @property
    def _most_references(self) -> int:
        return self.lifecycle.tools.defaults.bounds.most_references

    async def _serving(self, compose: Compose) -> ComposeRelease | None:
        return await self.db.read(lambda tx: store.serving(tx, compose.service_id, self.vault))

    async def _take_down(self, service: Compose) -> None:
        if service.serving_release_id is not None:
            await self.lifecycle.down(service)

    def _check(self, settings: ComposeSettings, before: ComposeSettings, host_id: str) -> None:
        _check_settings(settings, before, self._most_references)
        _check_host(settings, host_id)

    def _judge(self, tx: Tx, actor: Actor, service: Compose) -> None:
        powers.save(tx, actor, service)

    def _require_serving(self, tx: Tx, service: Compose) -> None:
        powers.require_serving(tx, service, self.vault)

    def _allowed(self, actor: Actor, service: Compose) -> Mapping[str, Any]:
        return {powers.ALLOWS: powers.allower(actor, service.host_id)}


def _check_settings(settings: ComposeSettings, before: ComposeSettings, most_references: int) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    from headway.drivers.runtimes.compose import authored_file  # noqa: PLC0415 - as above

    if settings.compose_file.strip() and settings.compose_file != before.compose_file:
        authored_file.read(settings.compose_file, most_references)
    if settings.git.url:
        ref = Ref(kind=RefKind.BRANCH, name=settings.git.branch) if settings.git.branch else None
        GitSpec(url=settings.git.url, ref=ref, allow_file=True).check()


def _check_host(settings: ComposeSettings, host_id: str) -> None:
    """Whether what is set can be on that host. Raises InvalidInput."""
    if settings.compose_type == STACK and host_id != LOCAL_HOST:
        raise InvalidInput(
            "A stack runs in the swarm that the panel's machine manages, so it is on no server. Let composeType be "
            "docker-compose, or leave serverId out; the swarm itself runs a stack on all of its machines."
        )
