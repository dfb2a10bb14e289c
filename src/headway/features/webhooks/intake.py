"""Takes a delivery in one transaction: judges it, queues what it asks for, and keeps it. All of it or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypedDict

from headway.core.access.policy import Noun
from headway.core.access.topics import topics_of
from headway.core.deployments import store as deployments
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Request, Trigger
from headway.core.deployments.status import Reason
from headway.drivers.forges.events import ChangedFiles, Pull
from headway.features.previews.lifecycle import PreviewStep
from headway.features.previews.policy import Deed
from headway.features.webhooks import store
from headway.features.webhooks.model import Delivery, DeliveryAnswer, HookOutcome, Outcome
from headway.features.webhooks.parser import Arrived, Signature
from headway.features.webhooks.policy import Compare, Decision, Verdict, decide, of_files, of_other_repository
from headway.features.webhooks.services import HookedService, HookedServices
from headway.features.webhooks.watch_paths import Compared
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput
from headway.kernel.events import DeliveryTaken, Events, Whose
from headway.kernel.ids import new_id


class _Held(TypedDict):
    files: tuple[str, ...]
    files_left_out: int
    patterns: tuple[str, ...]


_DEFAULT_TITLE = "Deployment by webhook"
_CALL = "call"  # what a call that names nothing is a track of
_KEPT_FILES = 200
_NOTHING_COMPARED = Compared()
_REFUSALS: Mapping[Signature, str] = {
    Signature.MISSING: "The service has a webhook secret, and the delivery carries no signature: set the secret there.",
    Signature.WRONG: "The signature was not made with the service's webhook secret.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingest:
    """``most_payload_bytes`` is what is kept of the payloads of one service."""

    ledger: Ledger
    services: HookedServices
    events: Events
    most_payload_bytes: int

    def take(
        self,
        tx: Tx,
        service: HookedService,
        arrived: Arrived,
        signature: Signature,
        *,
        replay_of: str | None = None,
        changed: ChangedFiles | None = None,
        compare: Compare = _NOTHING_COMPARED,
    ) -> DeliveryAnswer:
        """What is told to whoever has sent it. One that had come before does nothing more. ``changed`` are the files of
        the pull request that is told of, where they were asked for; ``compare`` knows what came of comparing files.
        """
        once_key = _once_key(arrived) if signature.is_good and replay_of is None else None
        if (before := self._repeated(tx, service, once_key)) is not None:
            return DeliveryAnswer(delivery=before, again=True)
        delivery_id = new_id()
        decision = _decided(tx, service, arrived, compare, again=replay_of is not None) if signature.is_good else None
        if decision is None:
            done = _refused(service, signature)
        else:
            watched = None if changed is None else of_files(service.tracked, changed, "The pull request", compare)
            asked = self._of_pull(tx, service, arrived, delivery_id, watched, again=replay_of is not None)
            done = asked if asked is not None else self._act(tx, service, decision, arrived, delivery_id)
        delivery = Delivery(
            seq=0,
            delivery_id=delivery_id,
            organization_id=service.organization_id,
            subject_type=service.subject_type,
            subject_id=service.subject_id,
            sender=arrived.told.sender,
            event=arrived.told.event,
            sent_id=arrived.told.sent_id,
            signature=signature,
            sent_by=arrived.told.by,
            outcome=done.outcome,
            services=(done,),
            track=decision.track if decision else None,
            head=decision.head if decision else None,
            bytes=len(arrived.body),
            repeats=0,
            replay_of=replay_of,
            created_at=tx.now,
        )
        self._keep(tx, delivery, arrived, once_key)
        self._announce(tx, service, delivery, done.outcome)
        return DeliveryAnswer(delivery=delivery, broken=arrived.broken)

    def _keep(self, tx: Tx, delivery: Delivery, arrived: Arrived, once_key: str | None) -> None:
        store.add(
            tx,
            delivery,
            once_key=once_key,
            headers=arrived.kept_headers,
            packed=arrived.packed,
            most_bytes=self.most_payload_bytes,
        )

    def _repeated(self, tx: Tx, service: HookedService, once_key: str | None) -> Delivery | None:
        """The delivery that came before under this key."""
        before = once_key and store.came_before(tx, service.subject_type, service.subject_id, once_key)
        if not before:
            return None
        store.count_repeat(tx, before.delivery_id)
        self._announce(tx, service, before, "repeated")
        return before

    def _of_pull(
        self,
        tx: Tx,
        service: HookedService,
        arrived: Arrived,
        delivery_id: str,
        watched: Decision | str | None,
        *,
        again: bool,
    ) -> HookOutcome | None:
        """What a pull request does, None where none is told of, or the service has no previews."""
        pull = next((each for each in arrived.told.events if isinstance(each, Pull)), None)
        if pull is None or service.pulled is None:
            return None
        ask = _asking((delivery_id, _asker(arrived)))
        act = partial(service.pulled, again=again)
        return _pulled(tx, service, pull, watched, lambda tx, unwatched: act(tx, pull, ask, unwatched=unwatched))

    def _act(
        self, tx: Tx, service: HookedService, decision: Decision, arrived: Arrived, delivery_id: str
    ) -> HookOutcome:
        deployment_id, superseded = None, []
        if decision.deploys:
            try:
                deployment_id = self.queue(tx, service, decision, asked_by=(delivery_id, _asker(arrived)))
                superseded = self._supersede(tx, service, decision, deployment_id)
            except InvalidInput as error:
                decision = Decision(verdict=Verdict.SOURCE, message=error.message)
        return HookOutcome(
            subject_type=service.subject_type,
            subject_id=service.subject_id,
            name=service.name,
            outcome=Outcome.QUEUED if deployment_id else Outcome.SKIPPED,
            reason=decision.verdict,
            message=decision.message,
            deployment_id=deployment_id,
            superseded=superseded,
            **_compared(decision),
        )

    def queue(self, tx: Tx, service: HookedService, decision: Decision, asked_by: tuple[str, str]) -> str:
        """Queues the deployment that was decided on; its id. Raises InvalidInput where there is nothing to deploy."""
        request = service.request(decision.tag)
        asked = {"track": decision.track or _CALL, "head": decision.head}
        return self.ledger.enqueue(
            tx,
            _asking(asked_by)(
                replace(request, default_title=decision.subject or _DEFAULT_TITLE, input={**request.input, **asked})
            ),
        ).deployment_id

    def _supersede(self, tx: Tx, service: HookedService, decision: Decision, by: str) -> list[str]:
        """Ends what still waits of earlier pushes of the same: the newest holds all that they have brought."""
        if not service.newest_wins:
            return []
        track = decision.track or _CALL
        waiting = store.waiting_of_track(tx, service.subject_type, service.subject_id, track)
        message = f"Superseded by the deployment {by}, which a newer push has asked for."
        return [
            each
            for each in waiting
            if each != by
            and self.ledger.end_waiting(tx, deployments.find(tx, each), Reason.SUPERSEDED, message) is not None
        ]

    def _announce(self, tx: Tx, service: HookedService, delivery: Delivery, outcome: str) -> None:
        taken = DeliveryTaken(
            delivery_id=delivery.delivery_id,
            sender=delivery.sender,
            event=delivery.event,
            outcome=outcome,
            reason=delivery.services[0].reason,
        )
        tx.after(_telling(self.events, taken))
        self.ledger.changed(tx, _whose(service), *topics_of(Noun.DELIVERY, delivery.delivery_id))


def _decided(tx: Tx, service: HookedService, arrived: Arrived, compare: Compare, *, again: bool) -> Decision:
    """What is decided. The same push may also be told by a second hook, or found by who catches up: its commit is
    deployed once, unless somebody asks for it ``again``.
    """
    decision = decide(service.tracked, arrived.told.events, compare)
    if again or not decision.deploys or decision.track is None or decision.head is None:
        return decision
    track, head = decision.track, decision.head
    before = store.deploys_already(tx, service.subject_type, service.subject_id, track, head)
    if before is None:
        return decision
    message = f"The deployment {before} was queued for this commit already."
    return replace(decision, verdict=Verdict.ALREADY, message=message)


def _asking(by: tuple[str, str]) -> Callable[[Request], Request]:
    """Signs what is queued as asked for by a delivery: its id, and who caused it."""
    return lambda request: replace(request, trigger=Trigger.WEBHOOK, triggered_by=by[0], triggered_by_name=by[1])


def _pulled(
    tx: Tx,
    service: HookedService,
    pull: Pull,
    watched: Decision | str | None,
    act: Callable[[Tx, str | None], PreviewStep],
) -> HookOutcome:
    """What a pull request does to the service's previews, all of it or nothing; ``watched`` is what came of comparing
    its files.
    """
    unwatched = watched if isinstance(watched, Decision) else None
    taken, reason, message = None, "", of_other_repository(service.tracked, pull.urls)
    if message is not None:
        reason = str(Verdict.REPOSITORY)
    else:
        try:
            with tx.connection.begin_nested():
                taken = act(tx, None if unwatched is None else unwatched.message)
            reason, message = taken.step.reason, taken.step.message
            if isinstance(watched, str) and taken.deployment_id is not None:
                message = message.rstrip(".") + watched
        except InvalidInput as error:
            reason, message = str(Verdict.SOURCE), error.message
    outcome = Outcome.SKIPPED
    if taken is not None and taken.deployment_id is not None:
        outcome = Outcome.QUEUED
    elif taken is not None and taken.step.deed is Deed.REMOVE:
        outcome = Outcome.REMOVED
    return HookOutcome(
        subject_type=service.subject_type,
        subject_id=service.subject_id,
        name=service.name,
        outcome=outcome,
        reason=reason,
        message=message,
        deployment_id=None if taken is None else taken.deployment_id,
        superseded=() if taken is None else taken.superseded,
        **_compared(unwatched if reason == Verdict.WATCH_PATHS else None),
    )


def _compared(decision: Decision | None) -> _Held:
    """What was compared with what, as far as it is kept."""
    if decision is None:
        return {"files": (), "files_left_out": 0, "patterns": ()}
    return {
        "files": decision.files[:_KEPT_FILES],
        "files_left_out": max(0, len(decision.files) - _KEPT_FILES),
        "patterns": decision.patterns,
    }


def _whose(service: HookedService) -> Whose:
    return Whose(organization_id=service.organization_id, project_id=service.project_id, service_id=service.subject_id)


def _telling(events: Events, taken: DeliveryTaken) -> Callable[[], None]:
    return lambda: events.announce(taken)


def _once_key(arrived: Arrived) -> str | None:
    told = arrived.told
    return hashlib.sha256(f"{told.sender}\n{told.sent_id}".encode()).hexdigest() if told.sent_id else None


def _asker(arrived: Arrived) -> str:
    told = arrived.told
    return f"{told.by} ({told.sender.named})" if told.by else told.sender.named


def _refused(service: HookedService, signature: Signature) -> HookOutcome:
    return HookOutcome(
        subject_type=service.subject_type,
        subject_id=service.subject_id,
        name=service.name,
        outcome=Outcome.REFUSED,
        reason=f"signature_{signature}",
        message=_REFUSALS[signature],
    )
