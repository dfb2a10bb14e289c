"""Deploys what was uploaded: kept as the application's archive, which becomes its source."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field, replace

from headway.core.access.model import Actor
from headway.core.deployments import store as deployments
from headway.core.deployments.model import SubjectType
from headway.core.deployments.once import Once, Queued
from headway.core.deployments.status import Status
from headway.domains.applications import store
from headway.domains.applications.model import AppSettings, Archive
from headway.domains.applications.service import ApplicationService
from headway.domains.applications.uploads import Archives, Upload
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx

PROCEDURE = "application.dropDeployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropService:
    """What callers may do with archives of applications. Uploads to one take turns: until the settings name an archive,
    the sweep after another upload would take it for one that nobody needs.
    """

    db: Database
    applications: ApplicationService
    archives: Archives
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def drop(
        self,
        actor: Actor,
        application_id: str,
        upload: Upload,
        *,
        build_path: str | None = None,
        title: str | None = None,
        description: str | None = None,
        once: Once | None = None,
    ) -> Queued:
        """Queues a deploy of what was uploaded. Raises ArchiveRefused, KeyReused, and what a deploy does."""
        application = await self.applications.one(actor, application_id, PROCEDURE)
        async with self._turns[application_id]:
            archive = await self.archives.take(application_id, upload, application.build_uid)
            queued = await self.applications.deploy(
                actor,
                application_id,
                title=title,
                description=description,
                once=once,
                procedure=PROCEDURE,
                change=lambda settings: _from_archive(settings, replace(archive, author=actor.name), build_path),
            )
            await self._sweep(application_id)
        return queued

    async def _sweep(self, application_id: str) -> None:
        """Removes archives that nothing needs any more. A run knows only itself which one it was let in with."""
        keep = await self.db.read(lambda tx: _needed(tx, self.applications, application_id))
        if keep is not None:
            await self.archives.sweep(application_id, keep)


def _from_archive(settings: AppSettings, archive: Archive, build_path: str | None) -> AppSettings:
    path = settings.drop_build_path if build_path is None else build_path or "/"
    return replace(settings, source_type="drop", archive=archive, drop_build_path=path)


def _needed(tx: Tx, applications: ApplicationService, application_id: str) -> set[str] | None:
    """The digests that a deploy or a redeploy may ask for; None while one is under way."""
    unfinished = deployments.unfinished_of_subject(tx, SubjectType.APPLICATION, application_id)
    if any(deployment.status is Status.RUNNING for deployment in unfinished):
        return None
    archive = applications.settings_of(tx, application_id).archive
    commits = [deployment.input.get("commit") or {} for deployment in unfinished]
    return {
        *(release.commit_hash or "" for release in store.releases_of(tx, application_id)),
        *(commit.get("hash", "") for commit in commits),
        *([] if archive is None else [archive.digest]),
    }
