"""Use cases of what is attached to an application's container: its mounts, and ports of the machine that lead into it.
They are a part of its settings, so that a release keeps them and a copy of the application has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from headway.core.access.model import Actor
from headway.core.access.policy import Missing, Noun, Permission, sees
from headway.drivers.runtimes.container.body import check_mounts
from headway.features.services.application import store
from headway.features.services.application.image_specs import mounts_of
from headway.features.services.application.model import Application, AppSettings, Attached, OpenedPort
from headway.features.services.application.service import ApplicationService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.artifacts import MountKind
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Conflict
from headway.kernel.ids import new_id
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentService:
    """What callers may ask of mounts and ports. The next deploy works from what is changed."""

    db: Database
    vault: Vault
    applications: ApplicationService

    async def mounts(self, actor: Actor, permission: Permission, application_id: str) -> list[Attached]:
        """An application's mounts. Raises Missing."""
        application = await self.applications.one(actor, permission, application_id)
        return [*application.settings.run.mounts]

    async def mount(self, actor: Actor, permission: Permission, mount_id: str) -> tuple[Application, Attached]:
        """One mount, and whose it is. Raises Missing."""
        found = await self._with_mount(actor, mount_id)
        application = await self.applications.one(actor, permission, found.service_id)
        return application, _mount(application.settings, mount_id)

    async def add_mount(self, actor: Actor, permission: Permission, application_id: str, mount: Attached) -> Attached:
        """Attaches a mount. Raises Missing, Forbidden, InvalidInput."""
        await self._change(
            actor,
            permission,
            application_id,
            lambda now: replace(now, run=replace(now.run, mounts=(*now.run.mounts, mount))),
        )
        return mount

    async def change_mount(
        self, actor: Actor, permission: Permission, mount_id: str, change: Callable[[Attached], Attached]
    ) -> Attached:
        """Changes a mount. Raises Missing, Forbidden, InvalidInput."""
        found = await self._with_mount(actor, mount_id)

        def changed(now: AppSettings) -> AppSettings:
            return replace(
                now,
                run=replace(
                    now.run, mounts=[change(each) if each.mount_id == mount_id else each for each in now.run.mounts]
                ),
            )

        settings = await self._change(actor, permission, found.service_id, changed)
        return _mount(settings, mount_id)

    async def remove_mount(self, actor: Actor, permission: Permission, mount_id: str) -> tuple[Application, Attached]:
        """Takes a mount away; a volume and what is in it stay. Raises Missing, Forbidden."""
        found = await self._with_mount(actor, mount_id)

        def without(now: AppSettings) -> AppSettings:
            return replace(
                now, run=replace(now.run, mounts=[each for each in now.run.mounts if each.mount_id != mount_id])
            )

        await self._change(actor, permission, found.service_id, without)
        return found, _mount(found.settings, mount_id)

    async def port(self, actor: Actor, permission: Permission, port_id: str) -> tuple[Application, OpenedPort]:
        """One published port, and whose it is. Raises Missing."""
        found = await self._with_port(actor, port_id)
        application = await self.applications.one(actor, permission, found.service_id)
        return application, _port(application.settings, port_id)

    async def add_port(self, actor: Actor, permission: Permission, application_id: str, port: OpenedPort) -> None:
        """Publishes a port. Raises Missing, Forbidden, Conflict where the application publishes it already."""

        def added(now: AppSettings) -> AppSettings:
            if any((each.outer, each.protocol) == (port.outer, port.protocol) for each in now.run.published):
                raise Conflict(f"Port {port.outer}/{port.protocol} is published by this application already.")
            return replace(now, run=replace(now.run, published=(*now.run.published, port)))

        await self._change(actor, permission, application_id, added)

    async def change_port(
        self, actor: Actor, permission: Permission, port_id: str, change: Callable[[OpenedPort], OpenedPort]
    ) -> None:
        """Changes a port. Raises Missing, Forbidden."""
        found = await self._with_port(actor, port_id)

        def changed(now: AppSettings) -> AppSettings:
            return replace(
                now,
                run=replace(
                    now.run, published=[change(each) if each.port_id == port_id else each for each in now.run.published]
                ),
            )

        await self._change(actor, permission, found.service_id, changed)

    async def remove_port(self, actor: Actor, permission: Permission, port_id: str) -> tuple[Application, OpenedPort]:
        """Publishes a port no more. Raises Missing, Forbidden."""
        found = await self._with_port(actor, port_id)

        def without(now: AppSettings) -> AppSettings:
            return replace(
                now, run=replace(now.run, published=[each for each in now.run.published if each.port_id != port_id])
            )

        await self._change(actor, permission, found.service_id, without)
        return found, _port(found.settings, port_id)

    async def _change(
        self, actor: Actor, permission: Permission, application_id: str, change: Callable[[AppSettings], AppSettings]
    ) -> AppSettings:
        def checked(now: AppSettings) -> AppSettings:
            settings = change(now)
            check_mounts(mounts_of(settings))
            return settings

        return (await self.applications.update(actor, permission, application_id, checked)).settings

    async def _with_mount(self, actor: Actor, mount_id: str) -> Application:
        return await self._find(
            actor, Noun.MOUNT, lambda settings: any(each.mount_id == mount_id for each in settings.run.mounts)
        )

    async def _with_port(self, actor: Actor, port_id: str) -> Application:
        return await self._find(
            actor, Noun.PORT, lambda settings: any(each.port_id == port_id for each in settings.run.published)
        )

    async def _find(self, actor: Actor, noun: Noun, has: Callable[[AppSettings], bool]) -> Application:
        """They are few and seldom asked for by their ids: a look through the organisation's applications finds them."""

        def read(tx: Tx) -> Application | None:
            every = store.of_organization(tx, actor.organization_id, self.vault)
            return next((each for each in every if _is_seen(actor, each) and has(each.settings)), None)

        found = await self.db.read(read)
        if found is None:
            raise Missing(noun)
        return found


def _is_seen(actor: Actor, application: Application) -> bool:
    return sees(actor, application.organization_id, application.project_id, service_id=application.service_id)


def with_own_ids(settings: AppSettings) -> AppSettings:
    """The settings for a copy of an application: its mounts and ports are others."""
    return replace(
        settings,
        run=replace(
            settings.run,
            mounts=[replace(each, mount_id=new_id()) for each in settings.run.mounts],
            published=[replace(each, port_id=new_id()) for each in settings.run.published],
        ),
    )


def as_mount(
    kind: MountKind, target: str, *, volume: str | None, host_path: str | None, content: str | None, file: str | None
) -> Attached:
    """A new mount of that kind, of what is given for it."""
    source = {MountKind.VOLUME: volume, MountKind.BIND: host_path, MountKind.FILE: None}[kind]
    return Attached(
        mount_id=new_id(),
        kind=kind.value,
        target=target,
        source=source or "",
        content=(content or "") if kind is MountKind.FILE else None,
        file_path=file,
    )


def _mount(settings: AppSettings, mount_id: str) -> Attached:
    return next(each for each in settings.run.mounts if each.mount_id == mount_id)


def _port(settings: AppSettings, port_id: str) -> OpenedPort:
    return next(each for each in settings.run.published if each.port_id == port_id)
