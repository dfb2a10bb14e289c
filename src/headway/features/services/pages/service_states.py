"""What a service does now, in a word, as far as that is known: nothing is said to serve that may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from headway.core.deployments.status import Reason
from headway.pages.words import state

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

SERVES = frozenset({"serving", "unstable"})  # the states of what serves now
_DEPLOYS, _IS_IDLE, _FAILED = "running", "idle", "error"
_ASKED_FOR = frozenset({Reason.CANCELLED, Reason.KILLED, Reason.SUPERSEDED})  # which is no failure
_UNDER_WAY: Mapping[str | None, str] = {
    "running": "being deployed",
    "pending": "waits to be deployed",
    "": "starting",
    None: "starting or deploying",
}


def state_of(service: GlanceRow, *, under_way: str | None = None) -> tuple[str, str]:
    """The key of its state, as ``words.STATES`` has it, and the word for it. ``under_way`` is the status of the
    deployment of it that waits or runs, "" where there is none (it is only brought up then), None where nobody looked.
    """
    serving, status, wanted = service["serving"], service["status"], service["wanted"]
    if serving is None:
        return _before_the_first(service)
    if wanted == "held":
        return "stopped", "held for a backup"
    if wanted == "down" or status == _IS_IDLE:
        return "stopped", state("stopped").word
    if service["outOfReachSince"] is not None:
        return "unknown", state("unknown").word
    if serving["unstable"]:
        return "unstable", state("unstable").word
    if status == _FAILED:
        return _after_an_error(service["reason"])
    return ("starting", _UNDER_WAY[under_way]) if status == _DEPLOYS else ("serving", "serves")


def state_values(service: GlanceRow, *, under_way: str | None = None) -> Mapping[str, object]:
    """The same for a template: with since when it is so and why, where that is known, and whether it serves now."""
    key, word = state_of(service, under_way=under_way)
    is_away = key == "unknown"
    return {
        "state": key,
        "word": word,
        "at": service["outOfReachSince"] if is_away else None,
        "why": "its server does not answer" if is_away else None,
        "serves": key in SERVES,
    }


def _before_the_first(service: GlanceRow) -> tuple[str, str]:
    if service["status"] == _DEPLOYS:
        return "starting", "first deployment"
    if service["status"] == _FAILED and service["reason"] not in _ASKED_FOR:
        return "error", "never served"
    return "idle", state("idle").word


def _after_an_error(reason: str | None) -> tuple[str, str]:
    # A start that came to nothing leaves an error too, and no row that tells of it: what is said holds in either case.
    if reason is None:
        return "error", "last deployment or start did not succeed"
    return "cancelled" if reason in _ASKED_FOR else "error", f"last deployment {reason.replace('_', ' ')}"
