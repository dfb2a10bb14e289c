"""What a run of a schedule works from, fixed when it is let in: the script, and what it is to run inside of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from headway.core.access.allowances import NotAllowed
from headway.core.deployments.model import Deployment, SubjectType
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.features.schedules import powers, store
from headway.features.schedules.model import Schedule, ScheduleTarget
from headway.features.servers import store as of_servers
from headway.features.services.kinds import ScriptPlace, ServiceKinds
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePlan:
    """``command`` is the program and its arguments of what runs once and has no script. ``runtime`` and ``release_id``
    are those of the application that serves, ``compose_id`` and ``service`` name the containers of a compose service,
    ``home`` is the home folder on a server; each None elsewhere.
    """

    name: str
    target: str
    shell: str
    text: str = field(repr=False)
    timeout_seconds: float | None
    command: tuple[str, ...] = field(default=(), repr=False)
    runtime: str | None = None
    release_id: str | None = None
    compose_id: str | None = None
    service: str | None = None
    home: str | None = None

    def dump(self) -> dict[str, Any]:
        """The JSON that ``load`` reads."""
        return asdict(self)

    @staticmethod
    def load(values: Mapping[str, Any]) -> SchedulePlan:
        """The plan that ``dump`` wrote."""
        return SchedulePlan(**{**values, "command": tuple(values.get("command", ()))})


def freeze(tx: Tx, deployment: Deployment, kinds: ServiceKinds) -> Frozen:
    """The plan of a run. Raises RunFailed: refused where the schedule, or what it was inside of, is gone."""
    try:
        schedule = store.find(tx, deployment.subject_id, kinds.vault)
        powers.require_start(tx, schedule)
        place = _inside(tx, schedule, kinds)
    except NotAllowed as refused:
        raise RunFailed(refused.message, Reason.REFUSED) from refused
    except NotFound as gone:
        raise RunFailed(f"{gone.message}: there is nothing to run inside of any more.", Reason.REFUSED) from gone
    plan = SchedulePlan(
        name=schedule.name,
        target=schedule.target,
        shell=schedule.shell,
        text=schedule.text.whole,
        timeout_seconds=schedule.timeout_seconds,
        **place.plan,
    )
    return Frozen(plan=plan.dump(), mask=place.mask)


def freeze_run(tx: Tx, deployment: Deployment, kinds: ServiceKinds) -> Frozen:
    """The plan of what runs once inside an application. Raises RunFailed: refused where that is gone."""
    given = deployment.input
    try:
        place = kinds.by_type[SubjectType.APPLICATION].scripts.place(tx, deployment.subject_id, None)
    except NotFound as gone:
        raise RunFailed(f"{gone.message}: there is nothing to run inside of any more.", Reason.REFUSED) from gone
    command = tuple(kinds.vault.open(given["command"]))
    plan = SchedulePlan(
        name=command[0],
        target=ScheduleTarget.APPLICATION,
        shell="",
        text="",
        timeout_seconds=given["timeout_seconds"],
        command=command,
        **place.plan,
    )
    return Frozen(plan=plan.dump(), mask=place.mask)


def _inside(tx: Tx, schedule: Schedule, kinds: ServiceKinds) -> ScriptPlace:
    """Where in the plan, and what must not show."""
    target_id, inside = schedule.target_id or "", schedule.target.subject_type
    if inside is not None:
        return kinds.by_type[inside].scripts.place(tx, target_id, schedule.service_name)
    if schedule.target is ScheduleTarget.PANEL:
        return ScriptPlace(plan={}, mask=())
    username = of_servers.find(tx, target_id).access.username
    return ScriptPlace(plan={"home": "/root" if username == "root" else f"/home/{username}"}, mask=())
