"""What a swarm says of the tasks of a service, read as copies of a release."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headway.drivers.runtimes.container.state import ENDED_FROM_OUTSIDE, WEB, how_it_ended, instant
from headway.drivers.runtimes.contract.runtime import ProcessState, ProcessStatus
from headway.infra.docker import labels
from headway.infra.docker.memory import KILLED
from headway.kernel.dataclass import dataclass

RUNNING = "running"
REJECTED = "rejected"
# Of itself: what a swarm ends is "shutdown", and what was on a machine that is gone for good "orphaned".
_ENDED = frozenset({"complete", "failed", REJECTED})
_OVER = _ENDED | {"shutdown", "orphaned", "remove"}
_ROLLED_BACK = frozenset({"rollback_started", "rollback_paused", "rollback_completed"})
_UNHEALTHY = "unhealthy container"
_VANISHED = "No such container"  # no program takes its own away, as an engine that goes down in a hurry does
_NOT_BACK = "swarm is not active"  # as an engine refuses what it is to run before it is wholly there again
_LATE_SECONDS = 2.0  # a swarm hears of an end at once, unless its engine goes down with it
_STATES: Mapping[str, ProcessState] = {
    RUNNING: ProcessState.RUNNING,
    "complete": ProcessState.STOPPED,
    "failed": ProcessState.CRASHED,
    REJECTED: ProcessState.CRASHED,
    "shutdown": ProcessState.STOPPED,
    "orphaned": ProcessState.STOPPED,
    "remove": ProcessState.STOPPING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One try of one copy. ``addresses`` are those in the network of its project; ``pid`` is one of its node, and its
    memory ``is_bounded`` or not.
    """

    task_id: str
    release_id: str
    deployment_id: str
    slot: int
    node_id: str
    state: str
    wanted: str
    error: str
    exit_code: int | None
    container_id: str
    pid: int | None
    since: str
    addresses: Sequence[str]
    made_at: str
    is_bounded: bool

    @property
    def runs(self) -> bool:
        """Whether it runs now, and passes the check of its image where there is one."""
        return self.state == RUNNING and self.wanted in {RUNNING, "ready"}

    @property
    def has_ended(self) -> bool:
        """Whether it has ended by itself, or never could begin."""
        return self.state in _ENDED

    @property
    def is_over(self) -> bool:
        """Whether nothing of it runs any more, whoever ended it."""
        return self.state in _OVER

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is to."""
        return not self.is_over and self.wanted in {RUNNING, "ready", "new", "accepted"}

    @property
    def failed_its_check(self) -> bool:
        """Whether it was ended because the check of its image failed."""
        return _UNHEALTHY in self.error

    def how(self, *, out_of_memory: bool) -> str:
        """An end in words."""
        if self.state == REJECTED or self.exit_code is None:
            return self.error or "no word why"
        return how_it_ended(self.exit_code, out_of_memory=out_of_memory)

    @property
    def ended_by(self) -> str:
        """The same where nobody asks what memory it used: a swarm itself ends what fails its check."""
        return "its failed health check" if self.failed_its_check else self.how(out_of_memory=False)


def was_stopped(task: Task, container: Mapping[str, Any] | None) -> bool:
    """Whether a task that has ended was ended by the engine of its machine, which went down itself or was asked to by
    somebody; ``container`` is what this machine's engine tells of its container, where it ran here.
    """
    is_of_outside = task.exit_code in ENDED_FROM_OUTSIDE
    if task.state == REJECTED:
        return _NOT_BACK in task.error
    if task.failed_its_check:
        return False
    if task.error.startswith(_VANISHED):
        return True
    if container is None:  # of another machine SIGKILL under a memory bound is taken for an end by memory
        return is_of_outside and not (task.exit_code == KILLED and task.is_bounded)
    ended, told = instant(container["State"]["FinishedAt"]), instant(task.since)
    # One that ends well when it is asked to has done its work, by its status.
    is_late = ended is not None and told is not None and (told - ended).total_seconds() > _LATE_SECONDS
    return (is_of_outside or is_late) and not container["State"]["OOMKilled"]


def read(values: Iterable[Mapping[str, Any]], network_id: str = "") -> list[Task]:
    """The tasks of an answer to ``GET /tasks``, those of each copy from the newest."""
    found = [_task(each, network_id) for each in values]
    return sorted(found, key=lambda task: (task.slot, task.made_at), reverse=True)


def by_copy(tasks: Iterable[Task]) -> dict[int, list[Task]]:
    """The tries of each copy, the newest first."""
    copies: dict[int, list[Task]] = {}
    for task in tasks:
        copies.setdefault(task.slot, []).append(task)
    return dict(sorted(copies.items()))


def statuses(tasks: Iterable[Task], copies: int) -> tuple[ProcessStatus, ...]:
    """The copies in the words of every runtime; none where none is wanted."""
    return tuple(
        _status(slot, tries)
        for slot, tries in by_copy(tasks).items()
        if copies and any(each.is_alive for each in tries)
    )


def rolled_back(service: Mapping[str, Any]) -> str | None:
    """What the swarm says where it has taken a change of the service back, None where it has not."""
    update = service.get("UpdateStatus") or {}
    return str(update.get("Message") or update["State"]) if update.get("State") in _ROLLED_BACK else None


def _status(slot: int, tries: Sequence[Task]) -> ProcessStatus:
    now = next((each for each in tries if each.runs), tries[0])
    ended = [each for each in tries if each.has_ended]
    return ProcessStatus(
        name=WEB if slot <= 1 else f"{WEB}.{slot}",
        state=_STATES.get(now.state, ProcessState.STARTING),
        pid=now.pid if now.runs else None,
        since=instant(now.since) if now.runs else None,
        exits=len(ended),
        last_exit=ended[0].ended_by if ended else None,
    )


def _task(values: Mapping[str, Any], network_id: str) -> Task:
    status = values["Status"]
    container = status.get("ContainerStatus") or {}
    marks = values["Spec"]["ContainerSpec"].get("Labels") or {}
    limits = (values["Spec"].get("Resources") or {}).get("Limits") or {}
    return Task(
        task_id=values["ID"],
        release_id=marks.get(labels.RELEASE, ""),
        deployment_id=marks.get(labels.DEPLOYMENT, ""),
        slot=values.get("Slot", 0),
        node_id=values.get("NodeID", ""),
        state=status["State"],
        wanted=values["DesiredState"],
        error=status.get("Err", ""),
        exit_code=container.get("ExitCode") if container.get("ContainerID") else None,
        container_id=container.get("ContainerID", ""),
        pid=container.get("PID") or None,
        since=status["Timestamp"],
        addresses=_addresses(values, network_id),
        made_at=values["CreatedAt"],
        is_bounded=bool(limits.get("MemoryBytes")),
    )


def _addresses(values: Mapping[str, Any], network_id: str) -> list[str]:
    return [
        address.partition("/")[0]
        for each in values.get("NetworksAttachments") or ()
        if each["Network"]["ID"] == network_id
        for address in each.get("Addresses") or ()
    ]
