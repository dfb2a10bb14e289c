"""Tells forges how previews are: a status beside the commit, and one comment on the pull request, updated in place.

What was told last stands on the row, so what a crash or a forge that is away keeps from being told is told later, and
nothing is told twice but where the answer was lost: then the same status and the same comment are written again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from headway.core.deployments.model import SubjectType
from headway.domains.applications import store as applications
from headway.domains.applications.model import Application, AppStatus
from headway.domains.catalog import domains_store
from headway.domains.catalog.domains_model import Domain, EdgeFacts
from headway.domains.catalog.git_providers import GitProviderService
from headway.domains.catalog.provided import Provided, provided
from headway.domains.previews import store
from headway.domains.previews.model import Preview
from headway.domains.previews.wording import Told, body_of, mark_of, status_of
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError, NotFound
from headway.kernel.vault import Vault
from headway.seams.forges.base import Connection, ForgeAway, understood

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
    told: Told
    all_told: Sequence[Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """``report_round`` is one round of its loop; ``log_link`` is where a deployment's log is read, if that is known."""

    db: Database
    vault: Vault
    providers: GitProviderService
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
            application = applications.find(tx, preview.application_id, self.vault)
            mine = provided(application.settings.source_type, application.settings.extra)
            if mine is None:
                return None
            connection = self.providers.open(tx, mine.provider_id, application.organization_id)
        except HeadwayError:  # the application or its provider is gone
            return None
        same = self._of_same_pull(tx, application, mine, preview.number)
        told = self._told(tx, application, preview)
        all_told = [told if each[1].preview_id == preview_id else self._told(tx, *each) for each in same]
        return Due(
            preview=preview, state=state, connection=connection, path=mine.path, told=told, all_told=all_told or [told]
        )

    def _of_same_pull(
        self, tx: Tx, application: Application, mine: Provided, number: int
    ) -> list[tuple[Application, Preview]]:
        """The previews of every application that has the same repository by the same provider."""
        every = applications.of_organization(tx, application.organization_id, self.vault)
        those = {
            each.application_id: each
            for each in every
            if (found := provided(each.settings.source_type, each.settings.extra)) is not None
            and (found.provider_id, found.path) == (mine.provider_id, mine.path)
        }
        return [(those[each.application_id], each) for each in store.of_pull(tx, list(those), number)]

    def _told(self, tx: Tx, application: Application, preview: Preview) -> Told:
        status, address, newest = AppStatus.IDLE, None, store.newest_deployment(tx, preview.preview_id)
        try:
            running = applications.find(tx, preview.preview_id, self.vault)
            status, address = running.status, self._address(tx, running)
        except NotFound:
            pass
        return Told(
            application=application.name,
            preview=preview,
            status=status,
            address=address,
            log_link=None if newest is None else self.log_link(newest),
        )

    def _address(self, tx: Tx, running: Application) -> str | None:
        front = applications.front(tx, running.application_id)
        if front is None:
            return None
        subject = domains_store.standing(tx, SubjectType.APPLICATION, running.application_id, front, self.facts)
        first: Domain | None = next(iter(sorted(subject, key=lambda each: each.generated)), None)
        return None if first is None else self.facts.address(first)
