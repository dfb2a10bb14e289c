"""Tells by commit statuses how deployments are; what a forge has not taken within a day is given up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from headway.core.deployments.status import Reason, Status
from headway.drivers.forges.base import CommitState, CommitStatus
from headway.features.forge_outbox import statuses_store, told_store
from headway.features.forge_outbox.outbox import Letter
from headway.features.forge_outbox.places import place_of
from headway.features.forge_outbox.status_names import name_apart
from headway.features.forge_outbox.statuses_store import UntoldDeployment
from headway.features.git.providers import GitProviderService
from headway.features.services.kinds import ServiceKinds
from headway.features.services.model import Service
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound

log = logging.getLogger(__name__)

_TOLD_WITHIN = timedelta(days=1)
_LONGEST_NAME = 80
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
class DeploymentStatuses:
    """Fits ``MessageKind``; ``log_link`` is where a deployment's log is read, if that is known."""

    providers: GitProviderService
    kinds: ServiceKinds
    log_link: Callable[[str], str | None]
    name: str = "commit statuses"
    rounds: int = 30

    def waiting(self, tx: Tx) -> Sequence[UntoldDeployment]:
        return statuses_store.untold(tx, _TOLD_WITHIN, list(self.kinds.by_type))

    def letter(self, tx: Tx, message: UntoldDeployment) -> Letter | None:
        # Where and as it was told first: another one of its name may have come since, and it may be gone itself.
        told = told_store.of_commit(tx, message.service_id, message.commit_hash)
        service = self._service(tx, message)
        place = place_of(tx, self.providers, told, service)
        if place is None:
            return None
        context = "" if told is None else told.context
        if told is None and service is not None:
            context = f"headway/{name_apart(tx, service, self.kinds, _plain)}/deploy"
        status = status_of(context, message, self.log_link(message.about))
        return Letter(connection=place[0], path=place[1], status=status)

    def settle(self, tx: Tx, message: UntoldDeployment, letter: Letter | None, comment_id: str | None) -> None:
        statuses_store.write(tx, message.about, told=message.status, tell_at=tx.now, error=None)
        told_store.note(tx, message, letter, is_final=message.status.ended)

    def put_off(self, tx: Tx, message: UntoldDeployment, why: str, until: datetime) -> None:
        statuses_store.write(tx, message.about, attempts=message.attempts + 1, tell_at=until, error=why)

    def give_up(self, tx: Tx, message: UntoldDeployment, why: str) -> None:
        never = message.last_at + _TOLD_WITHIN  # nobody looks at it then
        statuses_store.write(tx, message.about, attempts=message.attempts + 1, tell_at=never, error=why)

    def warn(self, message: UntoldDeployment, why: str) -> None:
        log.warning("a commit status was not told", extra={"deployment": message.about, "reason": why})

    def _service(self, tx: Tx, message: UntoldDeployment) -> Service[Any] | None:
        try:
            return self.kinds.find(tx, message.service_type, message.service_id)
        except NotFound:
            return None


async def forget_old(db: Database) -> float:
    """Removes what was told, or tried, long ago; seconds to rest."""
    await db.run(lambda tx: statuses_store.forget(tx, tx.now - 2 * _TOLD_WITHIN))
    return 3600.0


def status_of(context: str, untold: UntoldDeployment, link: str | None) -> CommitStatus:
    """What stands beside the commit."""
    state, word = _STATES[untold.status]
    why = None if untold.reason is None else _WORDS.get(untold.reason)
    return CommitStatus(
        commit_hash=untold.commit_hash,
        state=state,
        context=context,
        description=word if why is None else f"{word}: {why}",
        link=link,
    )


def _plain(name: str) -> str:
    return "".join(each if each.isalnum() or each in "._-" else "-" for each in name)[:_LONGEST_NAME]
