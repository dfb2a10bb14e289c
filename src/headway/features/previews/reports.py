"""Tells forges how previews are: a status beside the commit, and one comment on the pull request, updated in place.

What was told last stands on the row, so what a crash or a forge that is away keeps from being told is told later, and
nothing is told twice but where the answer was lost: then the same status and the same comment are written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headway.drivers.forges.base import Connection, ForgeAway, understood
from headway.features.edge.domains_model import EdgeFacts
from headway.features.git.provider_repository import Provided, provided
from headway.features.git.providers import GitProviderService
from headway.features.previews import store
from headway.features.previews.messages import PreviewMessage, body_of, mark_of, status_of
from headway.features.previews.model import Preview
from headway.features.previews.services import PreviewedServices
from headway.features.services import directory
from headway.features.services.model import Service, ServiceStatus
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_REST = 1.0
_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be told: of a preview, and in the comment of all that are of the same pull request."""

    preview: Preview
    state: str
    connection: Connection
    path: str
    told: PreviewMessage
    all_told: Sequence[PreviewMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """``report_round`` is one round of its loop; ``log_link`` is where a deployment's log is read, if that is known."""

    db: Database
    providers: GitProviderService
    services: PreviewedServices
    facts: EdgeFacts
    log_link: Callable[[str], str | None]

    async def report_round(self) -> float:
        """Tells what is new; seconds to rest."""
        changed = await self.db.read(store.changed_states)
        for preview_id, state in changed:
            due = await self.db.read(lambda tx, id_=preview_id, now=state: self._due(tx, id_, now))  # type: ignore[misc]
            if due is None:  # nobody is there to be told
                await self._note(preview_id, reported=state)
            else:
                await self._tell(due)
        return _REST

    async def _tell(self, due: Due) -> None:
        preview, connection = due.preview, due.connection
        forge, known = self.providers.forges[connection.forge], preview.comment_id or ""
        number, mark, body = preview.number, mark_of(preview.number), body_of(preview.number, due.all_told)
        try:
            if preview.closed_at is None:
                status = status_of(due.told)
                await understood(connection.forge, forge.set_status(connection, due.path, status))
            comment_id = await understood(
                connection.forge, forge.comment(connection, due.path, number, mark=mark, known=known, body=body)
            )
        except HeadwayError as error:
            later = error.retry_at if isinstance(error, ForgeAway) else None
            await self._put_off(preview, error.message[:1_000], later)
            return
        await self._note(preview.preview_id, reported=due.state, comment_id=comment_id, report_error=None)

    async def _put_off(self, preview: Preview, why: str, later: datetime | None) -> None:
        if preview.report_error != why:  # each attempt meets it again: once is enough
            log.warning("preview %s was not reported: %s", preview.preview_id, why)

        def write(tx: Tx) -> None:
            again = max(later or tx.now, tx.now + _AGAIN)
            store.set_fields(tx, preview.preview_id, report_error=why, report_at=again)

        await self.db.run(write)

    async def _note(self, preview_id: str, **fields: str | None) -> None:
        await self.db.run(lambda tx: store.set_fields(tx, preview_id, report_at=None, **fields))

    def _due(self, tx: Tx, preview_id: str, state: str) -> Due | None:
        preview = store.find(tx, preview_id)
        try:
            service = self.services.of(tx, preview)
            mine = provided(service.settings.source_type, service.settings.extra)
            if mine is None:
                return None
            connection = self.providers.open(tx, mine.provider_id, service.organization_id)
        except HeadwayError:  # the service or its provider is gone
            return None
        same = self._of_same_pull(tx, service, mine, preview.number)
        told = self._told(tx, service, preview)
        all_told = [told if each[1].preview_id == preview_id else self._told(tx, *each) for each in same]
        return Due(
            preview=preview, state=state, connection=connection, path=mine.path, told=told, all_told=all_told or [told]
        )

    def _of_same_pull(
        self, tx: Tx, service: Service[Any], mine: Provided, number: int
    ) -> list[tuple[Service[Any], Preview]]:
        """The previews of every service that has the same repository by the same provider."""
        every = directory.of_organization(tx, service.organization_id, self.services.kinds.vault)
        those = {
            each.service_id: each
            for each in every
            if (found := provided(each.settings.source_type, each.settings.extra)) is not None
            and (found.provider_id, found.path) == (mine.provider_id, mine.path)
        }
        return [(those[each.service_id], each) for each in store.of_pull(tx, list(those), number)]

    def _told(self, tx: Tx, service: Service[Any], preview: Preview) -> PreviewMessage:
        running = self.services.running(tx, preview)
        first = None if running is None else next(iter(running.domains), None)
        newest = store.newest_deployment(tx, preview.preview_id)
        return PreviewMessage(
            service=service.name,
            preview=preview,
            status=ServiceStatus.IDLE if running is None else running.status,
            address=None if first is None else self.facts.address(first),
            log_link=None if newest is None else self.log_link(newest),
        )


def log_link(panel: str | None, deployment_id: str) -> str | None:
    """Where the log of a deployment is read, None where the panel has no address that others know."""
    return None if panel is None else f"{panel.rstrip('/')}/api/deployment.log?deploymentId={deployment_id}"
