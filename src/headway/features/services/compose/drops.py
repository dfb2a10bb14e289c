"""Deploys what was uploaded: kept as the compose service's archive, which becomes its source."""

from __future__ import annotations

from dataclasses import dataclass, replace

from headway.core.access.model import Actor
from headway.core.access.policy import Permission
from headway.core.deployments import store as deployments
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.model import SubjectType
from headway.features.services.compose import store
from headway.features.services.compose.model import DROP, ComposeSettings
from headway.features.services.compose.service import ComposeService
from headway.features.services.uploads import Intake
from headway.features.services.uploads_model import Archive, Needed, needed_by
from headway.infra.db.transaction import Tx
from headway.kernel.uploads import Upload
from headway.kernel.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeDropService:
    """What callers may do with archives of compose services."""

    composes: ComposeService
    intake: Intake

    async def drop(
        self,
        actor: Actor,
        permission: Permission,
        compose_id: str,
        upload: Upload,
        *,
        compose_path: str | None = None,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deploy of what was uploaded. Raises ArchiveRefused, KeyReused, and what a deploy does."""
        compose = await self.composes.one(actor, permission, compose_id)
        async with self.intake.taken(compose_id, upload, compose.build_uid) as archive:
            return await self.composes.deploy(
                actor,
                permission,
                compose_id,
                title=title,
                description=description,
                once=once,
                change=lambda settings: _from_archive(settings, replace(archive, author=actor.name), compose_path),
            )


def needed(tx: Tx, compose_id: str, vault: Vault) -> Needed:
    """The archives of a compose service that are needed; none where it is gone."""
    unfinished = deployments.unfinished_of_subject(tx, SubjectType.COMPOSE, compose_id)
    settings = store.settings_of(tx, compose_id, vault)
    named = None if settings is None or settings.drop.archive is None else settings.drop.archive.digest
    return needed_by(unfinished, named, store.commits_of_releases(tx, compose_id))


def _from_archive(settings: ComposeSettings, archive: Archive, compose_path: str | None) -> ComposeSettings:
    path = settings.compose_path if compose_path is None else compose_path
    return replace(
        settings,
        source_type=DROP,
        drop=replace(settings.drop, archive=archive),
        compose_path=path or ComposeSettings().compose_path,
    )
