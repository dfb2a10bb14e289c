"""Listens to what is announced, and says it in the panel's own log."""

from __future__ import annotations

import logging

from headway.kernel.events import (
    DeliveryTaken,
    DeploymentEnded,
    DeploymentStarted,
    DueTimeDecided,
    EdgeEnded,
    Events,
    RequestAnswered,
    StepEnded,
)

log = logging.getLogger(__name__)

_INTERNAL_ERROR = 500


class Journal:
    """One line for each thing that has happened, with the ids by which the lines about one thing are found."""

    def __init__(self, events: Events) -> None:
        events.listen(DeploymentStarted, _started)
        events.listen(StepEnded, _step)
        events.listen(DeploymentEnded, _ended)
        events.listen(DeliveryTaken, _delivered)
        events.listen(RequestAnswered, _answered)
        events.listen(DueTimeDecided, _due_time_decided)
        events.listen(EdgeEnded, _edge_ended)


def _started(started: DeploymentStarted) -> None:
    log.info(
        "deployment started",
        extra={
            "deployment": started.deployment_id,
            "host": started.host_id,
            "kind": started.kind,
            "epoch": started.epoch,
            "waited": round(started.waited_seconds, 3),
        },
    )


def _step(step: StepEnded) -> None:
    extra = {"deployment": step.deployment_id, "step": step.step, "seconds": round(step.seconds, 3)}
    log.debug("step ended", extra=extra)


def _ended(ended: DeploymentEnded) -> None:
    extra: dict[str, object] = {
        "deployment": ended.deployment_id,
        "host": ended.host_id,
        "kind": ended.kind,
        "status": ended.status,
    }
    if ended.reason is not None:
        extra["reason"] = ended.reason
    if ended.ran_seconds is not None:
        extra["seconds"] = round(ended.ran_seconds, 3)
    log.info("deployment ended", extra=extra)


def _due_time_decided(decided: DueTimeDecided) -> None:
    level = logging.WARNING if decided.fate == "missed" else logging.DEBUG
    log.log(level, "due time decided", extra={"type": decided.subject_type, "fate": decided.fate})


def _edge_ended(ended: EdgeEnded) -> None:
    log.warning("the edge of a server ended and was started again", extra={"host": ended.host_id, "how": ended.how})


def _delivered(taken: DeliveryTaken) -> None:
    extra = {"delivery": taken.delivery_id, "sender": taken.sender, "outcome": taken.outcome, "reason": taken.reason}
    log.info("webhook delivered", extra=extra)


def _answered(request: RequestAnswered) -> None:
    """What changes something is worth a line; who only looks is told at the level ``debug``."""
    level = logging.INFO if request.method == "POST" else logging.DEBUG
    if request.status >= _INTERNAL_ERROR:
        level = logging.WARNING
    if log.isEnabledFor(level):
        extra = {
            **request.ids,
            "method": request.method,
            "path": request.path,
            "status": request.status,
            "seconds": round(request.seconds, 4),
        }
        log.log(level, "request answered", extra=extra)
