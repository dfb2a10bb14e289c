"""The states of a deployment and every move between them, as data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from headway.kernel.dataclass import dataclass


class Status(StrEnum):
    """The four states, in the database and on the wire."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    ERROR = "error"

    @property
    def ended(self) -> bool:
        """Whether no move leads on from here."""
        return self in {Status.DONE, Status.ERROR}


class Reason(StrEnum):
    """What kind of end an ``error`` was."""

    FAILED = "failed"
    KILLED = "killed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    LOST = "lost"
    REFUSED = "refused"


class Maker(StrEnum):
    """Who may make a move."""

    WORKER = "worker"
    SERVICE = "service"
    RUNNER = "runner"
    RECOVERY = "recovery"


class Intent(StrEnum):
    """A wish to end a deployment, written on its row before anything is signalled."""

    KILL = "kill"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"

    @property
    def reason(self) -> Reason:
        """The reason that the end will have."""
        return _REASON_OF_INTENT[self]


_REASON_OF_INTENT: Mapping[Intent, Reason] = {
    Intent.KILL: Reason.KILLED,
    Intent.CANCEL: Reason.CANCELLED,
    Intent.SUPERSEDE: Reason.SUPERSEDED,
}
ON_REQUEST = frozenset(_REASON_OF_INTENT.values())
"""The reasons of ends that somebody or something asked for, which are no failures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One allowed change of status: from, its name, to, who makes it, and the reasons that it may carry."""

    source: Status
    name: str
    target: Status
    makers: frozenset[Maker]
    reasons: frozenset[Reason] = frozenset()


def _move(source: Status, name: str, target: Status, *makers: Maker, reasons: tuple[Reason, ...] = ()) -> Move:
    return Move(source=source, name=name, target=target, makers=frozenset(makers), reasons=frozenset(reasons))


_ENDERS = (Maker.RUNNER, Maker.RECOVERY)
_PENDING, _RUNNING, _DONE, _ERROR = Status

MOVES: tuple[Move, ...] = (
    _move(_PENDING, "claim", _RUNNING, Maker.WORKER),
    _move(_PENDING, "cancel", _ERROR, Maker.SERVICE, reasons=(Reason.CANCELLED, Reason.KILLED)),
    _move(_PENDING, "supersede", _ERROR, Maker.SERVICE, reasons=(Reason.SUPERSEDED,)),
    _move(_PENDING, "refuse", _ERROR, Maker.SERVICE, reasons=(Reason.REFUSED,)),
    _move(_RUNNING, "succeed", _DONE, *_ENDERS),
    _move(_RUNNING, "fail", _ERROR, *_ENDERS, reasons=(Reason.FAILED, Reason.OUT_OF_MEMORY)),
    _move(_RUNNING, "time out", _ERROR, *_ENDERS, reasons=(Reason.TIMED_OUT,)),
    _move(_RUNNING, "refuse", _ERROR, *_ENDERS, reasons=(Reason.REFUSED,)),
    _move(_RUNNING, "kill", _ERROR, *_ENDERS, reasons=(Reason.KILLED,)),
    _move(_RUNNING, "cancel", _ERROR, *_ENDERS, reasons=(Reason.CANCELLED,)),
    _move(_RUNNING, "supersede", _ERROR, *_ENDERS, reasons=(Reason.SUPERSEDED,)),
    _move(_RUNNING, "lose", _ERROR, *_ENDERS, reasons=(Reason.LOST,)),
    _move(_RUNNING, "put back", _PENDING, Maker.RECOVERY),
)


def allowed(source: Status, target: Status, maker: Maker, reason: Reason | None) -> bool:
    """Whether ``maker`` may move a deployment from ``source`` to ``target`` for ``reason`` (None unless an error)."""
    return any(
        move.source is source
        and move.target is target
        and maker in move.makers
        and (reason in move.reasons if move.reasons else reason is None)
        for move in MOVES
    )
