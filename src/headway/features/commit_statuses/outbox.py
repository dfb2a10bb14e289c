"""Tells forges by commit statuses how deployments are. It looks at the rows and has no part in any deployment: what a
forge does not take is tried again for a day, and then let be.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from headway.core.deployments.status import Reason, Status
from headway.drivers.forges.base import CommitState, CommitStatus, Connection, ForgeAway, understood
from headway.features.commit_statuses import store
from headway.features.commit_statuses.store import Untold
from headway.features.git.provider_repository import Provided, provided
from headway.features.git.providers import GitProviderService
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import Service
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.errors import HeadwayError
from headway.kernel.events import DeploymentEnded, Events, StepEnded

log = logging.getLogger(__name__)

_REST = 1.0
_LOOK_ANYWAY_ROUNDS = 30
_TOLD_WITHIN = timedelta(days=1)
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_STATES: Mapping[Status, tuple[CommitState, str]] = {
    Status.PENDING: (CommitState.PENDING, "Waiting"),
    Status.RUNNING: (CommitState.RUNNING, "Being deployed"),
    Status.DONE: (CommitState.SUCCESS, "Deployed"),
    Status.ERROR: (CommitState.FAILURE, "Not deployed"),
}
_WORDS: Mapping[Reason, str] = {
    Reason.KILLED: "killed",
    Reason.CANCELLED: "cancelled",
    Reason.SUPERSEDED: "superseded by a newer one",
    Reason.TIMED_OUT: "it took too long",
    Reason.OUT_OF_MEMORY: "out of memory",
    Reason.LOST: "lost",
    Reason.REFUSED: "refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statuses:
    """``tell_round`` is one round of its loop; ``log_link`` is where a deployment's log is read, if that is known."""

    db: Database
    events: Events
    providers: GitProviderService
    kinds: ServiceKinds
    log_link: Callable[[str], str | None]
    _rounds: list[int] = field(default_factory=lambda: [0])

    def __post_init__(self) -> None:
        # Between two of these there is nothing new; what failed is tried again at the next look.
        self.events.listen(StepEnded, lambda _step: self._look_soon())
        self.events.listen(DeploymentEnded, lambda _end: self._look_soon())

    async def tell_round(self) -> float:
        """Tells what is new; seconds to rest."""
        self._rounds[0] -= 1
        if self._rounds[0] > 0:
            return _REST
        self._rounds[0] = _LOOK_ANYWAY_ROUNDS
        types = list(self.kinds.by_type)
        for each in await self.db.read(lambda tx: store.untold(tx, tx.now - _TOLD_WITHIN, types)):
            await self._tell(each)
        await self.db.run(lambda tx: store.forget(tx, tx.now - 2 * _TOLD_WITHIN))
        return _REST

    def _look_soon(self) -> None:
        self._rounds[0] = 0

    async def _tell(self, untold: Untold) -> None:
        try:
            found = await self.db.read(lambda tx: self._place(tx, untold))
            if found is not None:
                service, mine, connection = found
                status = status_of(service.name, untold, self.log_link(untold.deployment_id))
                forge = self.providers.forges[mine.forge]
                await understood(mine.forge, forge.set_status(connection, mine.path, status))
        except HeadwayError as error:
            await self._put_off(untold, error)
            return
        id_, told = untold.deployment_id, untold.status
        await self.db.run(lambda tx: store.write(tx, id_, told=told, tell_at=tx.now, error=None))

    async def _put_off(self, untold: Untold, error: HeadwayError) -> None:
        if untold.error != error.message:  # each attempt meets it again: once is enough
            extra = {"deployment": untold.deployment_id, "reason": error.message}
            log.warning("a commit status was not told", extra=extra)
        wait = min(_FIRST_WAIT * (1 << min(untold.attempts, 10)), _LONGEST_WAIT)
        asked_for = error.retry_at if isinstance(error, ForgeAway) else None

        def write(tx: Tx) -> None:
            again = max(asked_for or tx.now, tx.now + wait)
            attempts, why = untold.attempts + 1, error.message[:1_000]
            store.write(tx, untold.deployment_id, attempts=attempts, tell_at=again, error=why)

        await self.db.run(write)

    def _place(self, tx: Tx, untold: Untold) -> tuple[Service[Any], Provided, Connection] | None:
        """Who is told; None where nobody is there to be told."""
        service = self.kinds.find(tx, untold.service_type, untold.service_id)
        mine = provided(service.settings.source_type, service.settings.extra)
        if mine is None:
            return None
        return service, mine, self.providers.open(tx, mine.provider_id, service.organization_id)


def status_of(service: str, untold: Untold, link: str | None) -> CommitStatus:
    """What stands beside the commit."""
    state, word = _STATES[untold.status]
    why = None if untold.reason is None else _WORDS.get(untold.reason)
    plain = "".join(each if each.isalnum() or each in "._-" else "-" for each in service)[:80]
    return CommitStatus(
        commit_hash=untold.commit_hash,
        state=state,
        context=f"headway/{plain}/deploy",
        description=word if why is None else f"{word}: {why}",
        link=link,
    )
