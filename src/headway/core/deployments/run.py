"""The contract between the engine and the kinds of work: what a kind is, and what it may ask of its run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Never, Protocol, TypeVar

from headway.core.deployments.model import Deployment
from headway.core.deployments.status import Reason
from headway.infra.db.transaction import Tx
from headway.infra.hosts.base import Exit, Host
from headway.infra.hosts.command import Command
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError

T = TypeVar("T")
Json = Any


class RunFailed(HeadwayError):
    """The run ends as ``error``: a reason, and a sentence that names the step and what went wrong in it."""

    def __init__(self, message: str, reason: Reason = Reason.FAILED) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Success:
    """What a kind gives back when its work is true: ``settle`` is executed inside the transaction that writes the end,
    ``message`` is the log's last line; ``warning`` what is to be said of it on the row. ``standing`` watches what has
    come to serve until the end is written: it never returns, and raises where that does not stand.
    """

    message: str
    warning: str | None = None
    settle: Callable[[Tx], None] | None = None
    standing: Callable[[], Coroutine[Any, Any, Never]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What a run works from, fixed when it is let in: ``plan`` is the kind's own JSON (kept encrypted), ``mask`` every
    text that must never show in the log.
    """

    plan: Mapping[str, Json]
    mask: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a run may take: each step, without any output, and in all."""

    step: timedelta
    inactivity: timedelta
    total: timedelta


class Run(Protocol):
    """One execution of a deployment, handed to its kind. After a crash the kind is performed again from the top:
    recorded steps give their recorded results, started commands are waited for and never started twice.
    """

    deployment: Deployment
    plan: Mapping[str, Json]
    host: Host
    deadlines: Deadlines

    async def step(self, name: str, work: Callable[[], Awaitable[Json]]) -> Json:
        """Performs ``work`` once and records its JSON result under ``name``; work that is cut off is performed again,
        so it must stand being repeated.
        """
        ...

    async def settled(self) -> None:
        """Returns once the end of every step before is recorded, so that none of them is performed again: before
        anything begins that goes on by itself, for a step could make anew beneath it what it works on.
        """
        ...

    async def command(self, name: str, command: Command, *, check: bool = True) -> Exit:
        """Runs a command on the host, once in the life of the run, and not before all is ``settled``; with ``check`` a
        failure raises RunFailed that names it, its exit status or signal and the last line that it wrote.
        """
        ...

    async def undo(self, name: str, data: Json) -> None:
        """Records, before an effect, what takes it back if the run ends as ``error``: that of ``Kind.undos``."""
        ...

    async def say(self, text: str) -> None:
        """Adds a line to the log; the n-th call within a step says its line once, also when repeated."""
        ...

    def masked(self, text: str) -> str:
        """``text`` as the log would show it; to be asked before a text is cut or taken apart."""
        ...

    async def write(self, change: Callable[[Tx], T]) -> T:
        """One transaction that holds only while this run still owns its lease."""
        ...

    async def describe(self, *, title: str | None = None, description: str | None = None, **commit: str) -> None:
        """Fills the row's title and description where the caller gave none, and its commit fields."""
        ...

    def fence(self, host: Host | None = None) -> AbstractAsyncContextManager[None]:
        """Guards an effect outside the anchor (a route, a supervised program): refused when the run is not ours now.
        On its own host, or on another one where the run's epoch was raised.
        """
        ...


class UndoContext(Protocol):
    """What an undo may use; it is performed by whoever ends the run, also long after a crash."""

    deployment: Deployment

    @property
    def host(self) -> Host:
        """Where the run was. Raises HostUnreachable where there is no way to it, which others may not need."""
        ...

    async def write(self, change: Callable[[Tx], T]) -> T:
        """One transaction, guarded by the lease of whoever ends the run."""
        ...

    def fence(self, host: Host | None = None) -> AbstractAsyncContextManager[None]:
        """Guards an effect outside the anchor, on the run's host or another one; refused when the run is no longer ours
        to end.
        """
        ...


Undo = Callable[[UndoContext, Json], Awaitable[None]]


class Kind(Protocol):
    """A kind of deployment: how one is performed, and how its effects are taken back."""

    @property
    def name(self) -> str:
        """What the kind is called on rows."""
        ...

    @property
    def version(self) -> int:
        """Raised with every change to the kind's steps."""
        ...

    @property
    def repeatable_until(self) -> str | None:
        """The step from which on a run is not started again by new code; None where all may be repeated."""
        ...

    def freeze(self, tx: Tx, deployment: Deployment) -> Frozen:
        """Fixes what the run works from, in the transaction that lets it in. Raises RunFailed with reason refused where
        its subject is gone.
        """
        ...

    async def perform(self, run: Run) -> Success:
        """Does the work. Raises RunFailed, or lets an error through that then ends the run as failed."""
        ...

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect, by the name under which ``Run.undo`` records it; must stand being repeated."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """What access to a subject is decided by."""

    organization_id: str
    project_id: str | None


class Subject(Protocol):
    """What deployments belong to, as far as the heart must know it."""

    @property
    def noun(self) -> str:
        """What one is called."""
        ...

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the subject is, None when there is no such subject."""
        ...

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """Sets the subject's own status, in the transaction that moved the deployment."""
        ...
