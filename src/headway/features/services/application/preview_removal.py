"""Removes what there is of an application's pull requests, together with it."""

from __future__ import annotations

from headway.core.deployments.model import SubjectType
from headway.core.deployments.service import Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.features.services.application import store
from headway.features.services.application.lifecycle import ApplicationLifecycle
from headway.kernel.vault import Vault


async def remove_previews(
    lifecycle: ApplicationLifecycle, stopping: Stopping, application_id: str, vault: Vault
) -> None:
    """Ends what waits and runs of them, and removes all of it."""
    for preview in await lifecycle.db.read(lambda tx: store.previews_of(tx, application_id, vault)):
        preview_id = preview.service_id
        await end_unfinished(lifecycle.db, stopping, SubjectType.PREVIEW, preview_id, Intent.CANCEL)
        async with lifecycle.turn(preview_id):
            await lifecycle.remove(preview)
