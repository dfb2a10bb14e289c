"""After the panel was away: what the branches name now is held against what was told of last, and caught up."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from headway.core.deployments.model import SubjectType
from headway.core.deployments.retention import Attempts
from headway.features.services.hooks_model import SourceKind
from headway.features.webhooks import store
from headway.features.webhooks.intake import Ingest
from headway.features.webhooks.parser import Signature, read
from headway.features.webhooks.services import HookedService
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

log = logging.getLogger(__name__)

EVENT_HEADER = "x-headway-event"
_BRANCH = "branch:"
_LOOP = "missed pushes"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedBranch:
    """A branch of a service of which a push was told once, and the commit that the last one, ``delivery_id``, named."""

    subject_type: SubjectType
    subject_id: str
    branch: str
    head: str
    delivery_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchingUp:
    """``head_of`` asks a service's git host. Only what has been told of pushes before is asked after: nothing else is
    known to deploy by itself. By ``troubles`` each service is seen to by itself.
    """

    db: Database
    taking: Ingest
    head_of: Callable[[SubjectType, str], Awaitable[str | None]]
    troubles: Attempts

    async def settle(self) -> None:
        """Catches up with what was missed."""
        pushed = [
            TrackedBranch(
                subject_type=subject_type,
                subject_id=subject_id,
                branch=track.removeprefix(_BRANCH),
                head=head,
                delivery_id=delivery_id,
            )
            for subject_type, subject_id, track, head, delivery_id in await self.db.read(store.newest_heads)
            if track.startswith(_BRANCH)
        ]
        self.troubles.forget_others(_LOOP, {each.subject_id for each in pushed})
        for tracked in pushed:
            await self.troubles.attempt(_LOOP, tracked.subject_id, partial(self._settle, tracked))

    async def _settle(self, tracked: TrackedBranch) -> None:
        try:
            service = await self.db.read(lambda tx: self._service(tx, tracked.subject_type, tracked.subject_id))
            if service is None or service.tracked.branch not in {None, tracked.branch}:
                return
            head = await self.head_of(tracked.subject_type, tracked.subject_id)
            if head is not None and head != tracked.head:
                await self.db.run(lambda tx: self._catch_up(tx, tracked, head))
        except HeadwayError as error:
            extra = {"service": tracked.subject_id, "reason": error.message}
            log.warning("a branch could not be asked after", extra=extra)

    def _service(self, tx: Tx, subject_type: SubjectType, subject_id: str) -> HookedService | None:
        """The service, where pushes of its branch would deploy it."""
        service = self.taking.services.find(tx, subject_type, subject_id)
        if service is None or service.tracked.source is not SourceKind.GIT:
            return None
        told = service.tracked
        return service if told.auto_deploy and not told.by_tags and not told.commit and not told.tag else None

    def _catch_up(self, tx: Tx, tracked: TrackedBranch, head: str) -> None:
        """Takes the push that was missed, as if it was told of now; once after each push that was told."""
        service = self._service(tx, tracked.subject_type, tracked.subject_id)
        if service is None:
            return
        body = json.dumps({"branch": tracked.branch, "after": head, "by": "Headway, which missed the push"}).encode()
        once = f"caught up {head} after {tracked.delivery_id}"
        headers = {"content-type": "application/json", "idempotency-key": once, EVENT_HEADER: "catch-up"}
        self.taking.take(tx, service, read(headers, body), Signature.VOUCHED)
