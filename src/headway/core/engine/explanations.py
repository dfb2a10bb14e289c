"""Sentences for how commands and runs end: which step, which status or signal, which line, whose wish."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Mapping
from datetime import timedelta

from headway.core.deployments.leases import LeaseLost
from headway.core.deployments.status import Intent, Reason
from headway.infra.hosts.base import AnchorGone, Cause, EpochPassed, Exit, GateShut, GoneReason, HostUnreachable
from headway.kernel.failures.explanation import Explanation
from headway.kernel.forms import duration_text

_REASONS: Mapping[Cause, Reason] = {
    Cause.KILLED: Reason.KILLED,
    Cause.CANCELLED: Reason.CANCELLED,
    Cause.STEP_TIMEOUT: Reason.TIMED_OUT,
    Cause.INACTIVITY_TIMEOUT: Reason.TIMED_OUT,
    Cause.TOTAL_TIMEOUT: Reason.TIMED_OUT,
    Cause.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
}

_CAUSES: Mapping[Cause, str] = {
    Cause.KILLED: "was killed",
    Cause.CANCELLED: "was cancelled",
    Cause.STEP_TIMEOUT: "took longer than its step may take",
    Cause.INACTIVITY_TIMEOUT: "wrote nothing for longer than is allowed",
    Cause.TOTAL_TIMEOUT: "was ended because the deployment took longer than it may take in all",
    Cause.OUT_OF_MEMORY: "used more memory than it may",
}

_QUESTION = re.compile(
    r"(\?|\[[yn]/[yn]\]|\([yn]/[yn]\)|\(yes/no\)|password:?|EOF when reading a line)\s*+(?::\s*+)?\Z", re.IGNORECASE
)
_NOBODY = (
    "It seems to ask a question, and nobody is there to answer: give the answer on the command line (an option such as "
    "--yes) or in a variable."
)
# Who writes says so where who reads has failed, and tar says at its end that there was a complaint before.
ECHO = re.compile("broken pipe|exiting with failure status", re.IGNORECASE)
_DO_LESS = "Let it do less, or raise its deadline"
_WAYS_OUT: Mapping[Cause, str] = {
    Cause.STEP_TIMEOUT: f"{_DO_LESS} (stepSeconds, or HEADWAY_STEP_DEADLINE for all).",
    Cause.INACTIVITY_TIMEOUT: "Let it say what it does, or raise its deadline (inactivitySeconds, or "
    "HEADWAY_INACTIVITY_DEADLINE for all).",
    Cause.TOTAL_TIMEOUT: f"{_DO_LESS} (totalSeconds, or HEADWAY_TOTAL_DEADLINE for all).",
    Cause.OUT_OF_MEMORY: "Let it use less, or raise its memory limit (headway apps set APP --memory SIZE, or "
    "HEADWAY_BUILD_MEMORY for all).",
}

_BY_SYSTEM = (
    "The system ended it, mostly for its memory: let it use less, or raise its memory limit (headway apps set APP "
    "--memory SIZE)."
)
_BROKE = (
    "A compiled part of it broke: install its packages anew from a clean lock file, or take another version of the "
    "language (headway apps set APP --use python=3.12, or node=22)."
)
_SIGNALS: Mapping[int, str] = {137: _BY_SYSTEM, -signal.SIGKILL: _BY_SYSTEM, 139: _BROKE, -signal.SIGSEGV: _BROKE}

_GONE: Mapping[GoneReason, str] = {
    GoneReason.OTHER_BOOT: "The machine was restarted while this deployment ran, so its processes are gone.",
    GoneReason.GONE: "The process that carried this deployment is gone from its host; it was ended from outside.",
    GoneReason.NEVER_STARTED: "The deployment had not started anything.",
}

# What is no failure of what a run works at: somebody ends the run, or goes on with it.
INTERRUPTIONS = (LeaseLost, EpochPassed, AnchorGone, HostUnreachable, GateShut)

_SENTENCE_OF_INTENT: Mapping[Intent, str] = {
    Intent.KILL: "Killed on request.",
    Intent.CANCEL: "Cancelled on request.",
    Intent.SUPERSEDE: "Superseded by a newer deployment of the same service.",
}


def reason_of(exit_: Exit) -> Reason:
    """The reason that a failed command gives its deployment."""
    return Reason.FAILED if exit_.cause is None else _REASONS[exit_.cause]


def command_failed(name: str, exit_: Exit, output: Explanation) -> str:
    """Which command, how it ended, the line that says why, and the way out: of how it ended, or of what is said."""
    last_line = output.line
    how = _CAUSES[exit_.cause] if exit_.cause is not None else _ended(exit_)
    said = f"{name} {how}: {last_line}" if last_line else f"{name} {how}"
    way_out = _WAYS_OUT.get(exit_.cause) if exit_.cause is not None else None
    if exit_.cause in {None, Cause.INACTIVITY_TIMEOUT} and _QUESTION.search(last_line):
        way_out = _NOBODY
    elif way_out is None and not output.mend and exit_.cause is None:
        way_out = _SIGNALS.get(exit_.status)
    if way_out is not None:
        return f"{said.rstrip('.')}. {way_out}"
    if output.mend:
        return f"{said.rstrip('.:')}.{output.advice}"
    return said if last_line else f"{said}."


def total_passed() -> str:
    """That a run took too long beside its commands."""
    return f"The deployment took longer than it may take in all. {_WAYS_OUT[Cause.TOTAL_TIMEOUT]}"


def lost(reason: GoneReason) -> str:
    """Why a run is given up."""
    return f"{_GONE[reason]} Deploy again to repeat it."


def out_of_reach(deadline: timedelta) -> str:
    """Why a run on a server that does not answer is given up."""
    return (
        f"Its server has not answered for {duration_text(deadline)} (HEADWAY_REACH_DEADLINE). What still runs there is "
        "ended when it answers. Deploy again once it does."
    )


def unanswered(deadline: timedelta, why: str) -> str:
    """Why a run is given up that its host does not answer for, although its link stands."""
    return (
        f"Its machine has not answered for it for {duration_text(deadline)} (HEADWAY_REACH_DEADLINE). The last time: "
        f"{why} What still runs of it is ended as soon as that can be done. Look at the machine, then deploy again."
    )


def is_full_disk(error: Exception) -> bool:
    """Whether it broke because there was no room, or no more of what its account may have."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def unforeseen(error: Exception) -> str:
    """That something broke which nobody thought of, or that the disk is full, which can happen wherever one writes."""
    if is_full_disk(error):
        return "The disk is full where Headway keeps its files. Make room (headway disk usage), then try again."
    return f"Headway met an unforeseen {type(error).__name__}; the panel's own log has the details."


def log_not_whole(error: Exception) -> str:
    """That the log ends too early, and why."""
    why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return f"The log could not be written to its end ({why})."


def too_many(setbacks: int, sentence: str) -> str:
    """Why a run that comes no further is tried no more."""
    return f"Given up after {setbacks} attempts that came no further. The last one: {sentence}"


def wished(intent: Intent) -> str:
    """Whose wish ended a run."""
    return _SENTENCE_OF_INTENT[intent]


def _ended(exit_: Exit) -> str:
    status = exit_.status
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by signal {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
