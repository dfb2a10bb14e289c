"""Tells how previews are: by a status beside the commit, and by one comment on the pull request, updated in place."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from headway.drivers.forges.base import CommitStatus, ForgeConnection, PullComment
from headway.features.edge.domains_model import EdgeFacts
from headway.features.forge_outbox import told_store
from headway.features.forge_outbox.outbox import ForgeMessage, Letter, ToldStatus
from headway.features.forge_outbox.places import Place, place_of
from headway.features.forge_outbox.preview_messages import PreviewMessage, body_of, gone, mark_of, plain, status_of
from headway.features.forge_outbox.status_names import name_apart
from headway.features.git.provider_repository import provided
from headway.features.git.providers import GitProviderService
from headway.features.previews import store
from headway.features.previews.model import ClosedWhy, Preview
from headway.features.previews.services import PreviewedServices
from headway.features.services import directory
from headway.features.services.model import Service, ServiceStatus
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

_TOLD_WITHIN = timedelta(days=1)
_GONE = frozenset(map(str, ClosedWhy))  # the states of previews that are no more
_NEXT_ANEW: Mapping[str, Any] = {"report_at": None, "report_tried": None, "report_attempts": 0, "report_since": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPreview(ForgeMessage):
    """A preview whose ``state`` the forge does not know; ``since`` then it was tried to tell it that."""

    state: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewReports:
    """Fits ``MessageKind``; ``log_link`` is where a deployment's log is read, if that is known."""

    providers: GitProviderService
    services: PreviewedServices
    facts: EdgeFacts
    log_link: Callable[[str], str | None]
    name: str = "preview reports"
    rounds: int = 1

    def waiting(self, tx: Tx) -> Sequence[ChangedPreview]:
        return [
            ChangedPreview(
                about=each.preview_id,
                organization_id=each.organization_id,
                turn=str(each.number),  # whose previews have one comment
                last_at=each.since + _TOLD_WITHIN,
                attempts=each.attempts,
                error=each.error,
                state=each.state,
                since=each.since,
            )
            for each in store.changed_states(tx)
        ]

    def letter(self, tx: Tx, message: ChangedPreview) -> Letter | None:
        preview, before = store.find(tx, message.about), told_store.find(tx, message.about)
        try:
            service = self.services.of(tx, preview)
        except HeadwayError:
            return self._farewell(tx, preview, before)
        try:
            place = place_of(tx, self.providers, before, service)
        except HeadwayError:  # its provider is gone
            return None
        if place is None:
            return None
        told = self._told(tx, service, preview)
        same = self._of_same_pull(tx, service, place, preview.number)
        all_told = [told if each.preview_id == preview.preview_id else self._told(tx, of, each) for of, each in same]
        of_pull = [preview, *(each for _, each in same)]
        mark = mark_of(preview.number, self._secret(*place, preview.number))
        return Letter(
            connection=place[0],
            path=place[1],
            status=_status(told, before, of_pull),
            comment=PullComment(
                number=preview.number, mark=mark, known=_known(of_pull), body=body_of(mark, all_told or [told])
            ),
        )

    def settle(self, tx: Tx, message: ChangedPreview, letter: Letter | None, comment_id: str | None) -> None:
        if letter is not None or message.state in _GONE:
            is_farewell = letter is not None and letter.comment is None
            told_store.note(tx, message, letter, is_final=is_farewell or message.state in _GONE)
        fields = {} if comment_id is None else {"comment_id": comment_id, "report_error": None}
        store.set_fields(tx, message.about, reported=message.state, **_NEXT_ANEW, **fields)

    def put_off(self, tx: Tx, message: ChangedPreview, why: str, until: datetime) -> None:
        tried = {"report_tried": message.state, "report_attempts": message.attempts + 1, "report_since": message.since}
        store.set_fields(tx, message.about, report_error=why, report_at=until, **tried)

    def give_up(self, tx: Tx, message: ChangedPreview, why: str) -> None:
        store.set_fields(tx, message.about, reported=message.state, report_error=why, **_NEXT_ANEW)
        if message.state in _GONE:
            told_store.note(tx, message, None, is_final=True)

    def warn(self, message: ChangedPreview, why: str) -> None:
        log.warning("preview %s was not reported: %s", message.about, why)

    def _farewell(self, tx: Tx, preview: Preview, before: ToldStatus | None) -> Letter | None:
        """What is told of a preview whose service is gone, or about to be."""
        status = None if before is None else gone(preview, before, None)
        place = place_of(tx, self.providers, before, None)
        return None if status is None or place is None else Letter(connection=place[0], path=place[1], status=status)

    def _secret(self, connection: ForgeConnection, path: str, number: int) -> str:
        """What the panel alone knows of a pull request, until it has written it there."""
        derived = self.services.kinds.vault.derived(f"comment {connection.provider_id} {path} {number}")
        return hashlib.sha256(derived.encode()).hexdigest()[:32]

    def _of_same_pull(
        self, tx: Tx, service: Service[Any], place: Place, number: int
    ) -> list[tuple[Service[Any], Preview]]:
        """The previews of every service that has the same repository by the same provider."""
        every = directory.of_organization(tx, service.organization_id, self.services.kinds.vault)
        those = {
            each.service_id: each
            for each in every
            if (found := provided(each.settings.source_type, each.settings.extra)) is not None
            and (found.provider_id, found.path) == (place[0].provider_id, place[1])
        }
        return [(those[each.service_id], each) for each in store.of_pull(tx, list(those), number)]

    def _told(self, tx: Tx, service: Service[Any], preview: Preview) -> PreviewMessage:
        running = self.services.running(tx, preview)
        first = None if running is None else next(iter(running.domains), None)
        newest = store.newest_deployment(tx, preview.preview_id)
        return PreviewMessage(
            service=name_apart(tx, service, self.services.kinds, plain),
            preview=preview,
            status=ServiceStatus.IDLE if running is None else running.status,
            address=None if first is None else self.facts.address(first),
            log_link=None if newest is None else self.log_link(newest),
        )


def _status(told: PreviewMessage, before: ToldStatus | None, of_pull: Sequence[Preview]) -> CommitStatus | None:
    """What stands beside the commit; of a preview that is gone what was told ``before`` is taken back, if anything was,
    unless there is another one of this commit by now.
    """
    preview = told.preview
    if preview.closed_at is None:
        return status_of(told, before.context if before is not None and before.commit_hash == preview.head else None)
    if before is None:
        return None
    newer = (each for each in of_pull if each.service_id == preview.service_id and each.closed_at is None)
    return None if before.commit_hash in {each.head for each in newer} else gone(preview, before, told.log_link)


def _known(of_pull: Sequence[Preview]) -> str:
    """The id of the comment, as any of these knows it: forges count upwards, so the last one is that which is there."""
    return max((each.comment_id for each in of_pull if each.comment_id), key=lambda each: (len(each), each), default="")
