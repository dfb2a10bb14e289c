"""What a backup may be of: the contract of those who make a stream of it, and who fill it from one again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, field
from typing import Any, Generic, Protocol, TypeVar

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Request, SubjectType
from headway.core.deployments.run import Run, Undo
from headway.drivers.dumps.base import Whole
from headway.features.backups.model import B
from headway.features.backups.store import BackupStore
from headway.features.destinations.transfer import BackupStream, BackupTransfer, ObjectPlace
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """A backup as it was when the run began. ``place`` is where its object goes or comes from, ``host_id`` the host,
    called ``host_name``, that what it is of is on, and ``target`` what a restore fills.
    """

    place: ObjectPlace = field(repr=False)
    host_id: str = LOCAL_HOST
    host_name: str = ""
    target: str = ""

    def dump(self) -> dict[str, Any]:
        """The JSON that the target reads again."""
        return {**asdict(self), "place": self.place.dump()}

    @property
    def at(self) -> str:
        """The server that it is on, as the end of a phrase; "" for what is on none."""
        return "" if self.host_id == LOCAL_HOST else f" on the server {self.host_name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show beside what opens the destination."""
        return ()


P = TypeVar("P", bound=BackupPlan)


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupJob(Generic[B]):
    """What the runs of a target's backups are called on rows and by people, and where these are kept. ``version`` is
    raised with every change to the steps of any of its runs: one of another version is not resumed, nor is a restore
    from the step ``restores_once`` on begun again.
    """

    kind: str
    version: int
    title: str
    subject_type: SubjectType
    store: BackupStore[B]
    restores_once: str | None = None

    @property
    def restore_kind(self) -> str:
        """The kind of a run that restores."""
        return f"{self.kind}.restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSource:
    """What a backup is read from. ``release`` is called once all is read; ``counts``: what proves the stream whole
    prints how many entries it has.
    """

    stream: BackupStream
    release: Callable[[], Awaitable[None]] = _nothing
    counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSink:
    """What a restore goes to. ``announce`` says what will be overwritten, where that was not said yet; ``engine`` and
    ``proof`` are how the file is read through before anything is touched; ``fill`` does it, and tells what was done.
    """

    engine: str
    proof: Whole
    fill: Callable[[], Awaitable[str]]
    announce: Callable[[], Awaitable[None]] = _nothing


class BackupTarget(Protocol[B, P]):
    """What backups are of."""

    @property
    def job(self) -> BackupJob[B]:
        """What their runs are called."""
        ...

    @property
    def transfer(self) -> BackupTransfer:
        """What brings them to their destinations."""
        ...

    def request(self, tx: Tx, backup: B) -> Request | None:
        """A run that makes the backup; None where what it is of was deleted."""
        ...

    def name(self, backup: B) -> tuple[str, str]:
        """(folder, suffix) of an object at its destination."""
        ...

    def plan(
        self, tx: Tx, deployment: Deployment, backup: B, place: Callable[[], ObjectPlace], given: Mapping[str, Any]
    ) -> P:
        """What a run works from; ``place`` looks up where its object is, after all else was found right, and
        ``given`` is what a restore was asked for with, empty for a backup. Raises
        HeadwayError where that cannot be.
        """
        ...

    def load(self, values: Mapping[str, Any]) -> P:
        """The plan that its ``dump`` wrote."""
        ...

    async def source(self, run: Run, plan: P) -> BackupSource:
        """What is to be read. Raises RunFailed."""
        ...

    async def sink(self, run: Run, plan: P) -> RestoreSink:
        """What is to be filled, looked at before. Raises RunFailed where it must not be."""
        ...

    @property
    def undos(self) -> Mapping[str, Undo]:
        """What takes back each effect of its own, of whichever run."""
        ...

    @property
    def undos_of_restore(self) -> Mapping[str, Undo]:
        """And of one that restores."""
        ...
