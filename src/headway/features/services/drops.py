"""Deploys what was uploaded: kept as the service's archive, which becomes its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments import store
from headway.core.deployments.idempotency import Once, Queued
from headway.features.services import releases_store
from headway.features.services.model import S
from headway.features.services.service import ServiceUseCases
from headway.features.services.store import ServiceReader
from headway.features.services.uploads import Intake
from headway.features.services.uploads_model import Archive, Needed, needed_by
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.uploads import Upload
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DropService(Generic[S]):
    """What callers may do with archives of services. ``from_archive`` gives the settings as those of an archive, and of
    a path in it where one is named.
    """

    services: ServiceUseCases[S]
    intake: Intake
    from_archive: Callable[[S, Archive, str | None], S]

    async def drop(
        self,
        actor: Actor,
        permission: Permission,
        service_id: str,
        upload: Upload,
        *,
        path: str | None = None,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deploy of what was uploaded. Raises ArchiveRefused, KeyReused, and what a deploy does."""
        service = await self.services.one(actor, permission, service_id)
        async with self.intake.taken(service_id, upload, service.build_uid, service.organization_id) as archive:
            return await self.services.deploy(
                actor,
                permission,
                service_id,
                title=title,
                description=description,
                once=once,
                change=lambda settings: self.from_archive(settings, replace(archive, author=actor.name), path),
            )


def needed(tx: Tx, service_id: str, *, reader: ServiceReader[Any], vault: Vault) -> Needed:
    """The archives of a service that are needed; none where it is gone."""
    unfinished = store.unfinished_of_subject(tx, reader.kind, service_id)
    settings = reader.settings_of(tx, service_id, vault)
    named = None if settings is None or settings.drop.archive is None else settings.drop.archive.digest
    return needed_by(unfinished, named, releases_store.commits_of(tx, service_id))
