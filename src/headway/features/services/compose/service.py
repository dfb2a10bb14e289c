"""Use cases of compose services: make, change, deploy, start, stop, delete; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, asked_by
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent, Status
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.drivers.runtimes.compose import written
from headway.drivers.sources.git import GitSpec
from headway.drivers.sources.ref import Ref, RefKind
from headway.features.git.providers import require_seen
from headway.features.projects import store as projects
from headway.features.servers.deferred_deletion import kept_deletion
from headway.features.servers.host_assignment import host_for
from headway.features.services import store as services_store
from headway.features.services.compose import powers, store
from headway.features.services.compose.creation import ComposeCreation
from headway.features.services.compose.host_assignment import check_host, moved
from headway.features.services.compose.lifecycle import ComposeLifecycle
from headway.features.services.compose.model import RAW, Compose, ComposeRelease, ComposeSettings
from headway.features.services.compose.plan import check_variables
from headway.features.services.compose.relocation import ComposeRelocation
from headway.features.services.compose.requests import deploy_request
from headway.features.services.model import DesiredState, ServiceStatus
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import Conflict, InvalidInput
from headway.kernel.lines import lines_of
from headway.kernel.search import Page, Words
from headway.kernel.service_names import check_name
from headway.kernel.vault import Vault

_WHOSE = "A compose service's"


class ComposeService:
    """What callers may ask of compose services."""

    def __init__(
        self,
        *,
        db: Database,
        vault: Vault,
        ledger: Ledger,
        stopping: Stopping,
        lifecycle: ComposeLifecycle,
        creation: ComposeCreation,
        moving: ComposeRelocation,
    ) -> None:
        self._db = db
        self._vault = vault
        self._ledger = ledger
        self._stopping = stopping
        self._operating = lifecycle
        self._making = creation
        self._moving = moving

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
        _check(settings, ComposeSettings(), self._most_references)

        def write(tx: Tx) -> Compose:
            place = projects.place_of(tx, environment_id)
            permit(actor, permission, place.organization_id, place.project_id, noun=Noun.ENVIRONMENT)
            judged = require_seen(tx, actor, ComposeSettings(), settings)
            host_id = host_for(tx, place.organization_id, server_id)
            check_host(settings, host_id)
            made = self._making.add(
                *(tx, place, name),
                app_name=app_name,
                description=description,
                settings=judged,
                host_id=host_id,
            )
            powers.save(tx, actor, made)
            return made

        return await self._db.run(write)

    async def one(self, actor: Actor, permission: Permission, compose_id: str) -> Compose:
        """The compose service. Raises NotFound where there is none that the caller may see."""
        return await self._db.read(lambda tx: self._permitted(tx, actor, permission, compose_id))

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
        server_id: str | None = None,
        environment_id: str | None = None,
    ) -> Compose:
        """Changes a compose service, and puts it into another environment where one is named; the next deploy works
        from it. Raises InvalidInput with what is wrong, Missing.
        """
        if env is not None:
            check_variables(env)
        if name is not None:
            check_name(name, _WHOSE)

        def write(tx: Tx) -> Compose:
            current = self._permitted(tx, actor, permission, compose_id)
            settings = current.settings if change is None else change(current.settings)
            fields: dict[str, Any] = {**moved(tx, current, settings, server_id)}
            if settings is not current.settings:
                _check(settings, current.settings, self._most_references)
                settings = require_seen(tx, actor, current.settings, settings)
                fields["settings"] = services_store.kept(settings, self._vault)
            plain = {"name": name, "description": description}
            fields |= {field: value for field, value in plain.items() if value is not None}
            if env is not None:
                fields["env"] = self._vault.seal(env)
            if fields:
                services_store.set_fields(tx, compose_id, **fields)
            if environment_id is not None:
                self._moving.put(tx, actor, permission, current, environment_id)
            changed = store.find(tx, compose_id, self._vault)
            if fields.keys() & {"settings", "host_id"}:
                powers.save(tx, actor, changed)
            return changed

        return await self._db.run(write)

    async def move(self, actor: Actor, permission: Permission, compose_id: str, environment_id: str) -> Compose:
        """Puts a compose service into another environment: see ``ComposeRelocation``. Raises Missing, Forbidden."""
        return await self.update(actor, permission, compose_id, environment_id=environment_id)

    async def search(
        self, actor: Actor, words: Words, *, project_id: str | None, environment_id: str | None
    ) -> Page[Compose]:
        """The compose services that the caller may see and that hold the words, newest first; of one project or one
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
        return words.page(seen, Compose.words)

    async def deploy(
        self,
        actor: Actor,
        permission: Permission,
        compose_id: str,
        *,
        again: bool = False,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
        change: Callable[[ComposeSettings], ComposeSettings] | None = None,
    ) -> Queued:
        """Queues a deploy of the newest state; ``again``: of the commit that serves, and with the images that are here.
        With ``change`` its settings are changed first. Raises KeyReused.
        """

        def request(tx: Tx, compose: Compose) -> Request:
            if change is not None:
                settings = change(compose.settings)
                _check(settings, compose.settings, self._most_references)
                check_host(settings, compose.host_id)
                services_store.set_fields(tx, compose_id, settings=services_store.kept(settings, self._vault))
                compose = replace(compose, settings=settings)
                powers.save(tx, actor, compose)
            commit = _serving_commit(tx, compose, self._vault) if again else None
            wanted = deploy_request(
                compose, title=title, description=description, commit=commit, again=again, allow_file=True
            )
            allows = {powers.ALLOWS: powers.allower(actor, compose.host_id)}
            return asked_by(actor, replace(wanted, input={**wanted.input, **allows}))

        def write(tx: Tx) -> Queued:
            compose = self._permitted(tx, actor, permission, compose_id)
            return self._ledger.enqueue_once(tx, once, lambda: request(tx, compose))

        return await self._db.run(write)

    async def cancel_deployments(self, actor: Actor, permission: Permission, compose_id: str) -> None:
        """Ends what waits and what runs of a compose service, the waiting ones first."""
        await self.one(actor, permission, compose_id)
        await self._end_all(compose_id, Intent.CANCEL)

    async def cancel_waiting(self, actor: Actor, permission: Permission, compose_id: str) -> None:
        """Ends what waits of a compose service; what runs goes on."""
        await self.one(actor, permission, compose_id)
        await self._end_all(compose_id, Intent.CANCEL, only=Status.PENDING)

    async def kill_build(self, actor: Actor, permission: Permission, compose_id: str) -> None:
        """Kills what runs of a compose service, and of nothing else."""
        await self.one(actor, permission, compose_id)
        await self._end_all(compose_id, Intent.KILL, only=Status.RUNNING)

    async def ended_deployments(self, actor: Actor, permission: Permission, compose_id: str) -> list[Deployment]:
        """What ``clearDeployments`` removes."""
        await self.one(actor, permission, compose_id)
        found = await self._db.read(lambda tx: deployments.of_subject(tx, SubjectType.COMPOSE, compose_id))
        return [deployment for deployment in found if deployment.status.ended]

    async def start(self, actor: Actor, permission: Permission, compose_id: str) -> Compose:
        """Brings what was deployed up again. Raises Conflict where nothing was, and while a deploy is under way, which
        alone may start anything.
        """

        def begin(tx: Tx) -> Compose:
            compose = self._permitted(tx, actor, permission, compose_id)
            if compose.serving_release_id is None:
                raise Conflict("Nothing of this compose service has been deployed yet; deploy it first.")
            if compose.wanted is DesiredState.HELD:
                raise Conflict(
                    "A volume backup has stopped the compose service and starts it again at its end; wait for that."
                )
            powers.require_serving(tx, compose, self._vault)
            if services_store.is_at_rest(tx, compose_id):
                services_store.set_fields(tx, compose_id, wanted=DesiredState.UP, status=ServiceStatus.RUNNING)
            elif compose.wanted is not DesiredState.UP:
                raise Conflict(
                    "The compose service is stopped and being deployed, which starts it; wait for the end, or cancel "
                    "the deployment and start it then."
                )
            return compose

        compose = await self._db.run(begin)
        async with self._operating.turn(compose_id):
            await self._operating.up(compose)
        return await self.one(actor, permission, compose_id)

    async def stop(self, actor: Actor, permission: Permission, compose_id: str) -> Compose:
        """Ends its deployments and stops its containers; returns when none runs."""
        compose = await self.one(actor, permission, compose_id)
        await self._set_wanted(compose_id, DesiredState.DOWN, ServiceStatus.IDLE)
        await self._end_all(compose_id, Intent.CANCEL)
        async with self._operating.turn(compose_id):
            if compose.serving_release_id is not None:
                await self._operating.down(compose)
        await self._set_wanted(compose_id, DesiredState.DOWN, ServiceStatus.IDLE)
        return await self.one(actor, permission, compose_id)

    async def delete(self, actor: Actor, permission: Permission, compose_id: str, *, delete_volumes: bool) -> Compose:
        """Removes all of a compose service: containers, networks, images, files, deployments and their logs; volumes
        only with ``delete_volumes``. Raises StillThere where its host cannot be asked now; it is gone for everybody all
        the same.
        """
        compose = await self.one(actor, permission, compose_id)
        await self._db.run(lambda tx: services_store.begin_deletion(tx, compose_id, delete_volumes=delete_volumes))
        with kept_deletion(compose.name, compose.host_id):
            await self._end_all(compose_id, Intent.CANCEL)
            await self._remove_previews(compose_id)
            async with self._operating.turn(compose_id):
                for each in await self._db.read(lambda tx: store.being_deleted(tx, self._vault)):
                    if each.service_id == compose_id:
                        await self._operating.remove(each)
        return compose

    async def _remove_previews(self, compose_id: str) -> None:
        """Ends what waits and runs of its pull requests, and removes all of it."""
        for preview in await self._db.read(lambda tx: store.previews_of(tx, compose_id, self._vault)):
            id_ = preview.service_id
            await end_unfinished(self._db, self._stopping, SubjectType.PREVIEW, id_, Intent.CANCEL)
            async with self._operating.turn(id_):
                await self._operating.remove(preview)

    async def services(self, actor: Actor, permission: Permission, compose_id: str) -> list[str]:
        """The names of the services: of what was deployed last, else as the file says that is written here."""
        compose = await self.one(actor, permission, compose_id)
        if compose.settings.source_type == RAW and compose.settings.compose_file.strip():
            return written.service_names(written.read(compose.settings.compose_file, self._most_references))
        release = await self._serving(compose)
        return list(release.record.services) if release is not None else []

    async def converted(self, actor: Actor, permission: Permission, compose_id: str) -> str:
        """The file that runs, as Headway gave it to the engine. Raises InvalidInput where none was deployed yet."""
        compose = await self.one(actor, permission, compose_id)
        release = await self._serving(compose)
        if release is None:
            raise InvalidInput("Nothing of it has been deployed yet; deploy it to see the file that runs.")
        return written.dump(release.record.file)

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
        containers = await self._operating.containers(compose_id) if compose.serving_release_id or container_id else []
        if container_id is not None:
            containers = [each for each in containers if each.is_called(container_id)]
            if not containers:
                raise Missing(Noun.CONTAINER)
        texts = [await self._operating.logs(compose, each, tail=tail, since=since) for each in containers]
        prefixes = [f"{each.service} | " if container_id is None else "" for each in containers]
        lines = [f"{prefix}{line}" for prefix, text in zip(prefixes, texts, strict=True) for line in lines_of(text)]
        if container_id is None and compose.serving_release_id is None:
            lines = lines_of(await self._operating.last_try(compose, tail))
        return "\n".join(line for line in lines if search is None or search in line)

    async def mounts(self, actor: Actor, permission: Permission, compose_id: str, service: str) -> list[dict[str, Any]]:
        """The volumes that a service's containers have, as the engine describes them."""
        compose = await self.one(actor, permission, compose_id)
        found = await self._operating.containers(compose.service_id) if compose.serving_release_id else []
        mine = next((each for each in found if each.service == service), None)
        return [dict(mount) for mount in (mine.mounts if mine is not None else ()) if mount.get("Type") == "volume"]

    @property
    def _most_references(self) -> int:
        return self._operating.tools.defaults.bounds.most_references

    async def _serving(self, compose: Compose) -> ComposeRelease | None:
        return await self._db.read(lambda tx: store.serving(tx, compose.service_id, self._vault))

    async def _end_all(self, compose_id: str, intent: Intent, *, only: Status | None = None) -> None:
        await end_unfinished(self._db, self._stopping, SubjectType.COMPOSE, compose_id, intent, only=only)

    async def _set_wanted(self, compose_id: str, wanted: DesiredState, status: ServiceStatus) -> None:
        await self._db.run(lambda tx: services_store.set_fields(tx, compose_id, wanted=wanted, status=status))

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, compose_id: str) -> Compose:
        owner = services_store.owner(tx, compose_id, SubjectType.COMPOSE)
        if owner is None:
            raise store.ComposeNotFound
        permit(actor, permission, owner.organization_id, owner.project_id, service_id=compose_id, noun=Noun.COMPOSE)
        return store.find(tx, compose_id, self._vault)


def _serving_commit(tx: Tx, compose: Compose, vault: Vault) -> dict[str, str] | None:
    """The commit that serves, also where the deployment that brought it was removed since."""
    release = store.serving(tx, compose.service_id, vault)
    if release is None or release.commit_hash is None:
        return None
    bare = {"hash": release.commit_hash, "subject": "", "author": "", "branch": ""}
    return deployments.commit_of(tx, release.deployment_id) or bare


def _check(settings: ComposeSettings, before: ComposeSettings, most_references: int) -> None:
    """Everything that can be told without asking anybody. Raises InvalidInput."""
    if settings.compose_file.strip() and settings.compose_file != before.compose_file:
        written.read(settings.compose_file, most_references)
    if settings.git.url:
        ref = Ref(kind=RefKind.BRANCH, name=settings.git.branch) if settings.git.branch else None
        GitSpec(url=settings.git.url, ref=ref, allow_file=True).check()
