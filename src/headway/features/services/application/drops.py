"""Deploys what was uploaded: kept as the application's archive, which becomes its source."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.model import SubjectType
from headway.features.services.application import store
from headway.features.services.application.model import AppSettings
from headway.features.services.application.service import ApplicationService
from headway.features.services.uploads import Intake
from headway.features.services.uploads_model import Archive, Needed, needed_by
from headway.infra.db.transaction import Tx
from headway.kernel.uploads import Upload
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DropService:
    """What callers may do with archives of applications."""

    applications: ApplicationService
    intake: Intake

    async def drop(
        self,
        actor: Actor,
        permission: Permission,
        application_id: str,
        upload: Upload,
        *,
        build_path: str | None = None,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deploy of what was uploaded. Raises ArchiveRefused, KeyReused, and what a deploy does."""
        application = await self.applications.one(actor, permission, application_id)
        async with self.intake.taken(application_id, upload, application.build_uid) as archive:
            return await self.applications.deploy(
                actor,
                permission,
                application_id,
                title=title,
                description=description,
                once=once,
                change=lambda settings: _from_archive(settings, replace(archive, author=actor.name), build_path),
            )


def needed(tx: Tx, application_id: str, vault: Vault) -> Needed:
    """The archives of an application that are needed; none where it is gone."""
    unfinished = deployments.unfinished_of_subject(tx, SubjectType.APPLICATION, application_id)
    settings = store.settings_of(tx, application_id, vault)
    named = None if settings is None or settings.drop.archive is None else settings.drop.archive.digest
    releases = (release.commit_hash for release in store.releases_of(tx, application_id))
    return needed_by(unfinished, named, releases)


def _from_archive(settings: AppSettings, archive: Archive, build_path: str | None) -> AppSettings:
    path = settings.drop.path if build_path is None else build_path or "/"
    return replace(settings, source_type="drop", drop=replace(settings.drop, archive=archive, path=path))
