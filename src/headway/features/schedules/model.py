"""A schedule: which script runs where. When it is due, and what becomes of each due time, its timer says."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from headway.core.deployments.model import SubjectType
from headway.core.engine.scheduler.store import LastStart
from headway.core.engine.scheduler.timer import Overlap, Timer
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import InvalidInput

LONGEST_TEXT = 256 << 10
LONGEST_RUN_SECONDS = 7 * 86_400.0


class ScheduleTarget(StrEnum):
    """Where a schedule runs, by its name on the wire. The last is the panel's own machine."""

    APPLICATION = "application"
    COMPOSE = "compose"
    SERVER = "server"
    PANEL = "dokploy-server"

    @property
    def subject_type(self) -> SubjectType | None:
        """The type of service that it is inside of; None for a machine."""
        return None if self in {ScheduleTarget.SERVER, ScheduleTarget.PANEL} else SubjectType(self.value)


SERVICES = tuple(each for each in ScheduleTarget if each.subject_type is not None)


class Shell(StrEnum):
    """What reads the script."""

    BASH = "bash"
    SH = "sh"
    PYTHON = "python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """What runs: the script, or the command where there is no script."""

    command: str = field(default="", repr=False)
    script: str = field(default="", repr=False)

    @property
    def whole(self) -> str:
        """The one of both that counts, with a line's end."""
        return f"{(self.script.strip() and self.script) or self.command}".replace("\r\n", "\n").rstrip("\n") + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule. ``target_id`` names the application, compose service or server (None: the panel's machine),
    ``service_name`` the service of a compose file. ``timeout_seconds`` and what is kept are None where the panel's own
    count.
    """

    schedule_id: str
    organization_id: str
    host_id: str
    target: ScheduleTarget
    target_id: str | None
    service_name: str | None
    name: str
    app_name: str
    description: str | None
    shell: Shell
    text: Text = field(repr=False)
    timeout_seconds: float | None
    keep_deployments: int | None
    keep_days: float | None
    created_at: datetime

    @property
    def runs_on(self) -> str:
        """The host of its runs: a server is one by its own id."""
        return self.target_id or "" if self.target is ScheduleTarget.SERVER else self.host_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The newest run, by hand or at its time."""

    deployment_id: str
    status: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleOverview:
    """A schedule with its timer, the newest due time that was started, and its newest run."""

    schedule: Schedule
    timer: Timer
    last: LastStart | None
    run: LastRun | None

    @property
    def schedule_id(self) -> str:
        """Whose all this is."""
        return self.schedule.schedule_id

    @property
    def name(self) -> str:
        """What it is called."""
        return self.schedule.name


def check(schedule: Schedule, *, of_several: bool) -> None:
    """Raises InvalidInput with what is wrong with it; ``of_several``: its target consists of services, one of which it
    is to name.
    """
    if not schedule.name.strip():
        raise InvalidInput("A schedule needs a name.")
    if not schedule.text.whole.strip():
        raise InvalidInput("There is no script yet: give the schedule a command, or a script of several lines.")
    if len(schedule.text.whole.encode()) > LONGEST_TEXT:
        raise InvalidInput(f"A script has at most {LONGEST_TEXT >> 10} KiB; put a longer one into the service.")
    if of_several and not schedule.service_name:
        raise InvalidInput("Say inside which service of the compose file it is to run (serviceName).")
    if schedule.timeout_seconds is not None and not 1 <= schedule.timeout_seconds <= LONGEST_RUN_SECONDS:
        raise InvalidInput(f"timeoutSeconds is between 1 and {LONGEST_RUN_SECONDS:.0f}.")


def exclusive_key(schedule_id: str, overlap: Overlap) -> str | None:
    """What one run at a time may hold; None where runs may overlap."""
    return None if overlap is Overlap.ALLOW else f"schedule:{schedule_id}"
