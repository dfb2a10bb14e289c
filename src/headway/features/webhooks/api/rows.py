"""Deliveries of webhooks as the wire shows them, to their senders and to those who look at them later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from typing_extensions import TypedDict

from headway.api.rows import moment
from headway.core.deployments.model import SubjectType
from headway.features.webhooks.model import Delivery, DeliveryAnswer, HookOutcome
from headway.features.webhooks.policy import Decision


class DoneRow(TypedDict):
    """What was done for one service, and exactly why; ``superseded`` are the deployments that ended for it."""

    type: Literal["application", "compose"]
    applicationId: str | None
    composeId: str | None
    name: str
    outcome: Literal["queued", "skipped", "refused", "removed"]
    reason: str
    message: str
    deploymentId: str | None
    superseded: list[str]
    files: list[str]
    filesLeftOut: int
    watchPaths: list[str]


class AnswerRow(TypedDict):
    """What the sender of a delivery is told. ``duplicate``: it had come before, and this was done then."""

    message: str
    deliveryId: str
    sender: str
    event: str
    signature: Literal["valid", "unasked", "missing", "wrong", "vouched"]
    duplicate: bool
    services: list[DoneRow]


class DeliveryRow(TypedDict):
    """A delivery that came, and what was done about it."""

    deliveryId: str
    sender: Literal["github", "gitlab", "gitea", "bitbucket", "registry", "generic"]
    event: str
    sentId: str | None
    sentBy: str
    signature: Literal["valid", "unasked", "missing", "wrong", "vouched"]
    outcome: Literal["queued", "skipped", "refused", "removed"]
    services: list[DoneRow]
    bytes: int
    repeats: int
    replayOf: str | None
    createdAt: str


class DeliveriesFound(TypedDict):
    """A part of a service's deliveries, the newest first, and the ``before`` of the next part."""

    items: list[DeliveryRow]
    before: str | None


class DeliveryDetails(DeliveryRow):
    """A delivery with what came; null where that is not kept any more."""

    headers: dict[str, str] | None
    payload: str | None


class DecisionRow(TypedDict):
    """What a delivery would do, and exactly why."""

    outcome: Literal["queued", "skipped"]
    reason: str
    message: str
    commit: str | None
    files: list[str]
    watchPaths: list[str]


def answer_row(taken: DeliveryAnswer) -> AnswerRow:
    """What is told to the sender."""
    delivery = taken.delivery
    return {
        "message": taken.message,
        "deliveryId": delivery.delivery_id,
        "sender": delivery.sender.value,
        "event": delivery.event,
        "signature": delivery.signature.value,
        "duplicate": taken.again,
        "services": [_done_row(each) for each in delivery.services],
    }


def app_answer_row(taken: Sequence[DeliveryAnswer]) -> dict[str, Any]:
    """What is told to a GitHub app, of all services that have the repository through it."""
    answers = [answer_row(each) for each in taken]
    return {
        "message": answers[0]["message"] if answers else "No service has this repository through the app.",
        "deliveryIds": [each["deliveryId"] for each in answers],
        "services": [done for each in answers for done in each["services"]],
    }


def delivery_row(delivery: Delivery) -> DeliveryRow:
    """The delivery as lists show it."""
    return {
        "deliveryId": delivery.delivery_id,
        "sender": delivery.sender.value,  # type: ignore[typeddict-item]  # mypy joins no words of two enumerations
        "event": delivery.event,
        "sentId": delivery.sent_id,
        "sentBy": delivery.sent_by,
        "signature": delivery.signature.value,
        "outcome": delivery.outcome.value,
        "services": [_done_row(each) for each in delivery.services],
        "bytes": delivery.bytes,
        "repeats": delivery.repeats,
        "replayOf": delivery.replay_of,
        "createdAt": moment(delivery.created_at),
    }


def delivery_details(delivery: Delivery, headers: Mapping[str, str] | None, body: bytes | None) -> DeliveryDetails:
    """The delivery with what came."""
    payload = None if body is None else body.decode("utf-8", "replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return {**delivery_row(delivery), "headers": None if headers is None else dict(headers), "payload": payload}


def decision_row(decision: Decision) -> DecisionRow:
    """The decision."""
    return {
        "outcome": "queued" if decision.deploys else "skipped",
        "reason": decision.verdict.value,
        "message": decision.message,
        "commit": decision.head,
        "files": list(decision.files),
        "watchPaths": list(decision.patterns),
    }


def _done_row(done: HookOutcome) -> DoneRow:
    is_application = done.subject_type is SubjectType.APPLICATION
    return {
        "type": "application" if is_application else "compose",
        "applicationId": done.subject_id if is_application else None,
        "composeId": None if is_application else done.subject_id,
        "name": done.name,
        "outcome": done.outcome.value,
        "reason": done.reason,
        "message": done.message,
        "deploymentId": done.deployment_id,
        "superseded": list(done.superseded),
        "files": list(done.files),
        "filesLeftOut": done.files_left_out,
        "watchPaths": list(done.patterns),
    }
