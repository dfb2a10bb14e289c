"""What a service does now, in a word: it serves, is stopped or starts, or why it does not serve as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.pages.words import State, state

if TYPE_CHECKING:
    from headway.features.services.api.service_rows import GlanceRow

_DEPLOYS, _IS_IDLE, _FAILED = "running", "idle", "error"


def state_of(service: GlanceRow, *, is_deployed: bool = True) -> tuple[str, str]:
    """The key of its state, as ``words.STATES`` has it, and the word for it. With ``is_deployed`` False no deployment
    of it is under way: then it is only brought up.
    """
    serving, status, wanted = service["serving"], service["status"], service["wanted"]
    if serving is None:
        return {_DEPLOYS: ("starting", "first deployment"), _FAILED: ("error", "never served")}.get(
            status, ("idle", _word("idle"))
        )
    if wanted == "held":
        return "stopped", "held for a backup"
    if wanted == "down" or status == _IS_IDLE:
        return "stopped", _word("stopped")
    if status == _FAILED:
        return "error", "serves, error"
    if serving["unstable"]:
        return "unstable", _word("unstable")
    if status == _DEPLOYS:
        return "starting", "serves, deploys" if is_deployed else _word("starting")
    return "serving", "serves"


def _word(key: str) -> str:
    found: State = state(key)
    return found.word
