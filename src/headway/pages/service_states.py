"""What a service does now, in a word, as far as that is known: nothing is said to serve that may not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from headway.core.deployments.status import ON_REQUEST
from headway.pages.page import Asked, Unknown, Visit
from headway.pages.words import cut, iso, plural, state

if TYPE_CHECKING:
    from headway.features.services.api.downtime import DownRow
    from headway.features.services.api.service_rows import GlanceRow

DOWN: Asked[list[DownRow]] = Asked("service.down")
SERVES = frozenset({"serving", "unstable"})  # the states of what serves now
# What one may be in a list, by the words for it there.
SHOWN: Mapping[str, str] = {
    "serving": "serves",
    **{key: state(key).word for key in ("starting", "unstable", "error", "cancelled", "stopped", "unknown", "idle")},
}
_DEPLOYS, _IS_IDLE, _FAILED = "running", "idle", "error"
_SECONDS = 2.0
_UNDER_WAY: Mapping[str | None, str] = {
    "running": "being deployed",
    "pending": "waits to be deployed",
    "": "starting",
    None: "starting or deploying",
}


async def down_among(visit: Visit, services: Sequence[GlanceRow], **given: object) -> Mapping[str, DownRow]:
    """What of these services does not serve although it is to, or may not, by their ids. Their machines are asked only
    where one of them would be said to serve.
    """
    to_run = [each["serviceId"] for each in services if _is_to_run(each)]
    if not to_run:
        return {}
    found = await visit.ask_within(_SECONDS, DOWN, **given)
    if isinstance(found, Unknown):
        return {each: _untold(each, found) for each in to_run}
    return {each["serviceId"]: each for each in found}


def _untold(service_id: str, unknown: Unknown) -> DownRow:
    since = None if unknown.since is None else iso(unknown.since)
    nothing = {"names": [], "all": False, "exits": 0, "lastExit": None, "runs": False}
    return {"serviceId": service_id, **nothing, "since": since, "unknown": True, "why": unknown.why}  # type: ignore[typeddict-item]


def state_of(service: GlanceRow, *, under_way: str | None = None, down: DownRow | None = None) -> tuple[str, str]:
    """The key of its state, as ``words.STATES`` has it, and the word for it. ``under_way`` is the status of the
    deployment of it that waits or runs, "" where there is none (it is only brought up then), None where nobody looked;
    ``down`` what of it does not serve.
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
    if down is not None and status != _DEPLOYS:
        return ("unknown", state("unknown").word) if down["unknown"] else ("error", _down_word(down))
    if serving["unstable"]:
        return "unstable", state("unstable").word
    if status == _FAILED:
        return _after_an_error(service["reason"])
    return ("starting", _UNDER_WAY[under_way]) if status == _DEPLOYS else ("serving", "serves")


def state_values(
    service: GlanceRow, *, under_way: str | None = None, down: DownRow | None = None
) -> Mapping[str, object]:
    """The same for a template: with since when it is so and why, where that is known, and whether it serves now."""
    key, word = state_of(service, under_way=under_way, down=down)
    told = {"state": key, "word": word, "serves": key in SERVES, "down": None}
    if key == "unknown" and service["outOfReachSince"] is not None:
        return {**told, "at": service["outOfReachSince"], "why": "its server does not answer"}
    if down is not None and key == "unknown":
        return {**told, "at": down["since"], "why": down["why"]}
    if down is not None and word == _down_word(down):
        return {**told, "down": down, "at": down["since"], "why": _why_it_is_down(down)}
    return {**told, "at": _since(service, key), "why": None}


def line_of(service: GlanceRow, down: Mapping[str, DownRow]) -> Mapping[str, object]:
    """A service with its state, for a list of them; ``down`` by their ids what of some does not serve, or may not."""
    told = state_values(service, down=down.get(service["serviceId"]))
    return {"service": service, "kind": service["database"] or service["kind"], **told}


def _since(service: GlanceRow, key: str) -> str | None:
    """Since when it is so, where that is known; beside what serves it is told since when that does."""
    serving = service["serving"]
    if key == "unstable" and serving is not None:  # it was found to be soon after
        return serving["doneAt"]
    if key == "serving":
        return None
    return service["createdAt"] if key == "idle" else service["statusSince"]


def _is_to_run(service: GlanceRow) -> bool:
    is_up = service["serving"] is not None and service["wanted"] == "up" and service["outOfReachSince"] is None
    return is_up and service["status"] not in {_DEPLOYS, _IS_IDLE}


def _down_word(down: DownRow) -> str:
    if down["runs"]:
        return "does not serve" if down["all"] else "serves only in part"
    return "does not run" if down["all"] else "runs only in part"


def _why_it_is_down(down: DownRow) -> str | None:
    """How often what does not serve has ended by itself, and how it did last; what keeps it from that."""
    told = "; ".join(each for each in (_how_it_ended(down), down["why"]) if each)
    whose = "" if down["all"] else f"{cut(', '.join(down['names']), 120)}: "
    return f"{whose}{told}" if told else whose.removesuffix(": ") or None


def _how_it_ended(down: DownRow) -> str:
    if not down["exits"]:
        return ""
    often = f"ended {plural(down['exits'], 'time')}" if down["exits"] > 1 else "ended by itself"
    last = f", last by {down['lastExit']}" if down["exits"] > 1 else f", by {down['lastExit']}"
    return f"{often}{last if down['lastExit'] else ''}"


def _before_the_first(service: GlanceRow) -> tuple[str, str]:
    if service["status"] == _DEPLOYS:
        return "starting", "first deployment"
    if service["status"] == _FAILED and service["reason"] not in ON_REQUEST:
        return "error", "never served"
    return "idle", state("idle").word


def _after_an_error(reason: str | None) -> tuple[str, str]:
    # A start that came to nothing leaves an error too, and no row that tells of it: what is said holds in either case.
    if reason is None:
        return "error", "last deployment or start did not succeed"
    return "cancelled" if reason in ON_REQUEST else "error", f"last deployment {reason.replace('_', ' ')}"
