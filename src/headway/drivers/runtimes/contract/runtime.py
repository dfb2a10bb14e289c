"""The runtime contract: how a release is started beside the one that serves, asked after, and taken down again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from headway.drivers.runtimes.contract.inner_places import Inside
from headway.infra.hosts.work import Work
from headway.kernel.artifacts import Artifact, HealthCheck, ReleaseSpec
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import HeadwayError, InvalidInput

_REFUSED_PATH = frozenset(" \t\r\n\0")


class ProcessState(StrEnum):
    """What a supervised process is doing now."""

    STARTING = "starting"
    RUNNING = "running"
    CRASHED = "crashed"
    GIVEN_UP = "given_up"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """One process of a release. ``pid`` and ``since`` (the start of this copy) are None while none runs, ``pid`` also
    where it is nobody's to tell; ``exits`` counts the times that it ended by itself since the release was last started,
    ``last_exit`` says how. ``lacks`` is what keeps one that runs from serving, of which its machine knows; it may quote
    the application, so it is to be masked like its output.
    """

    name: str
    state: ProcessState
    pid: int | None
    since: datetime | None
    exits: int
    last_exit: str | None
    lacks: str | None = None

    @property
    def up(self) -> bool:
        """Whether a copy of it runs now; not every runtime tells pids."""
        return self.state is ProcessState.RUNNING or (self.pid is not None and self.state is ProcessState.STARTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStatus:
    """What is there of a release; no processes where it is stopped or unknown."""

    release_id: str
    processes: tuple[ProcessStatus, ...]

    @property
    def up(self) -> bool:
        """Whether every one of its processes runs now."""
        return bool(self.processes) and all(process.up for process in self.processes)

    @property
    def started(self) -> bool:
        """Whether every one of its processes runs now, and has passed the check that it brings."""
        return bool(self.processes) and all(each.state is ProcessState.RUNNING for each in self.processes)

    @property
    def copies(self) -> tuple[str, ...]:
        """Those of its processes that take requests and run now, each as this one start of it."""
        web = (each for each in self.processes if each.up and each.name.partition(".")[0] == "web")
        return tuple(f"{each.name} {each.pid}" for each in web)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a health check saw: whether each port of the release answers HTTP, and the copies that it met, which are
    those of ``ReleaseStatus.copies``.
    """

    answers: bool
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Where to go on in the output of a release: a place for each process that was read before, the last ``tail`` lines
    of every other, none that is known to be of before ``since``. Where it has ``ended``, no line waits for its end.
    "" is the place before all that is kept. ``process`` is the one that is asked for alone (None: all of them); with
    ``timed`` it is told when the lines behind a place were written.
    """

    places: Mapping[str, str]
    tail: int
    ended: bool = False
    since: datetime | None = None
    process: str | None = None
    timed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesAt:
    """So many ``lines``, one behind the other, that were written ``at`` that second, or by then (``is_late``), as the
    clock of their machine showed it.
    """

    lines: int
    at: datetime
    is_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What a process wrote behind a place of its output, and the place behind that. ``more`` is there already; ``lost``
    says that what stood directly behind the place is not there any more: then it begins with what is kept. ``times``
    tell of its lines before anything was masked, with one at its end that is open.
    """

    process: str
    text: str
    place: str
    more: bool = False
    lost: bool = False
    times: tuple[LinesAt, ...] = ()


def checked_health(health: HealthCheck) -> HealthCheck:
    """The check itself, if it can be carried out. Raises InvalidInput."""
    if not health.path.startswith("/") or _REFUSED_PATH & set(health.path) or not health.path.isprintable():
        raise InvalidInput(f"The health check's path {health.path!r} has to begin with / and hold no spaces.")
    return health


def parted(before: str, text: str, masked: Callable[[str], str]) -> str:
    """What ``masked`` leaves of a text that follows another, which was shown already: a secret may have begun there."""
    if not text:
        return ""
    shown, whole = masked(before), masked(before + text)
    return whole[len(shown) :] if whole.startswith(shown) else whole[_shared(shown, whole) :]


class Unhealthy(HeadwayError):
    """A release did not become healthy; the message names the process, how it ended or what it did not do, and the way
    out. It may quote the application's last line, so it is to be masked like the log.
    """


class PortTaken(Unhealthy):
    """The release's port is held by a process that is not its own."""


class UnknownRelease(HeadwayError):
    """The runtime has never prepared this release, or has removed it."""


class NotRunning(HeadwayError):
    """Nothing can be run inside a release that does not run."""


class Runtime(Protocol):
    """A way of running releases. ``prepare``, ``start`` and ``healthy`` belong to a run and stand being repeated by
    one that resumes; everything else may be called at any time, from anywhere, and again.
    """

    async def ensure(self) -> None:
        """Brings up what keeps the releases alive, if it is not there; quick when it is. Releases that were up before
        a reboot come up again. Raises Unavailable when it cannot be brought up.
        """
        ...

    async def watch(self) -> None:
        """One look, to be taken about once a second: ``ensure``, and new tries for processes that were given up."""
        ...

    async def prepare(self, work: Work, spec: ReleaseSpec) -> None:
        """Writes down what the release needs, so that ``start`` only has to say go. Raises InvalidInput."""
        ...

    async def start(self, work: Work, spec: ReleaseSpec) -> None:
        """Starts the prepared release, beside whatever else runs."""
        ...

    async def healthy(self, work: Work, spec: ReleaseSpec) -> Health:
        """Returns once the release is healthy by its check. Raises Unhealthy, at once after its third crash."""
        ...

    async def stop(self, release_id: str, *, drain_seconds: float = 0.0) -> None:
        """Ends all processes of the release after the drain (TERM, a grace, KILL); returns when none is left. It stays
        down until ``start_again``.
        """
        ...

    async def start_again(self, release_id: str) -> None:
        """Starts a stopped release as it was prepared. Raises UnknownRelease."""
        ...

    async def remove(self, release_id: str) -> None:
        """Stops the release and removes all that the runtime keeps of it; its folder is the caller's."""
        ...

    async def missing(self, artifact: Artifact) -> str | None:
        """What keeps a release of an artifact that was released before from being started without a build or a fetch,
        as a sentence; None where nothing does. Raises Unavailable where that cannot be told now.
        """
        ...

    async def keep(self, artifact: Artifact, app_name: str, release_id: str) -> Artifact:
        """Keeps an artifact that is there for one more release, until ``discard`` of that one, and gives it as it is
        called there. No error when it is kept for it already.
        """
        ...

    async def discard(self, release_id: str) -> None:
        """Removes what the runtime keeps of the artifact for this release, once nobody will go back to it. No error
        when it keeps nothing.
        """
        ...

    async def status(self, release_id: str) -> ReleaseStatus:
        """What its processes do now."""
        ...

    async def running(self) -> set[str]:
        """The releases that are kept alive now."""
        ...

    async def known(self) -> set[str]:
        """The releases of which anything is left here, stopped ones too, for the sweep of what no row names."""
        ...

    async def crashed(self, release_id: str) -> bool:
        """Whether a process of it has ended by itself since the release became healthy, or is down now."""
        ...

    async def usurped(self) -> set[str]:
        """The releases that are known here of which a port is held by somebody else, to be asked several times a
        second: what comes to such a port is not for whoever listens there.
        """
        ...

    async def variables(self, release_id: str) -> Mapping[str, str]:
        """The variables that the release was started with, by which its output is masked; none where it is unknown."""
        ...

    async def inside(self, release_id: str) -> Inside:
        """Where something more runs inside the release. Raises UnknownRelease, NotRunning."""
        ...

    async def read_logs(
        self,
        app_name: str,
        *,
        release_id: str | None = None,
        tail: int = 200,
        masked: Callable[[str], str] = lambda text: text,
    ) -> str:
        """The last ``tail`` lines that each process of the release wrote; of the application's newest without one.
        ``masked`` is given more of a process's output than is asked for, in one piece.
        """
        ...

    async def pieces(self, release_id: str, behind: Behind, masked: Callable[[str], str]) -> list[Piece]:
        """What each process of the release wrote behind its place; none where the release is unknown. ``masked`` is
        given what stands before it too.
        """
        ...

    async def forget(self, application_id: str, app_name: str) -> None:
        """Removes what is kept of an application beyond its releases: its home folder and logs."""
        ...

    async def remove_volumes(self, application_id: str) -> None:
        """Removes the volumes of an application whose releases are removed, and what is in them."""
        ...


def _shared(one: str, other: str) -> int:
    """How long two texts are the same."""
    unlike = (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(unlike, min(len(one), len(other)))
