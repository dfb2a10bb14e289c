"""What a run of a schedule works from, fixed when it is let in: the script, and what it is to run inside of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from headway.core.access.allowances import NotAllowed
from headway.core.deployments.model import Deployment
from headway.core.deployments.run import Frozen, RunFailed
from headway.core.deployments.status import Reason
from headway.features.schedules import powers, store
from headway.features.schedules.model import Schedule, ScheduleTarget
from headway.features.servers import store as of_servers
from headway.features.services.application import store as of_applications
from headway.features.services.application.snapshot import open_snapshot
from headway.features.services.application.variables import known_secrets
from headway.features.services.compose import store as of_composes
from headway.features.services.compose.plan import known_secrets as known_secrets_of_compose
from headway.features.services.model import DesiredState
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound
from headway.kernel.vault import Vault


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


def freeze(tx: Tx, deployment: Deployment, vault: Vault) -> Frozen:
    """The plan of a run. Raises RunFailed: refused where the schedule, or what it was inside of, is gone."""
    try:
        schedule = store.find(tx, deployment.subject_id, vault)
        powers.require_start(tx, schedule)
        inside, mask = _inside(tx, schedule, vault)
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
        **inside,
    )
    return Frozen(plan=plan.dump(), mask=mask)


def freeze_run(tx: Tx, deployment: Deployment, vault: Vault) -> Frozen:
    """The plan of what runs once inside an application. Raises RunFailed: refused where that is gone."""
    given = deployment.input
    try:
        inside, mask = _inside_application(tx, deployment.subject_id, vault)
    except NotFound as gone:
        raise RunFailed(f"{gone.message}: there is nothing to run inside of any more.", Reason.REFUSED) from gone
    command = tuple(vault.open(given["command"]))
    plan = SchedulePlan(
        name=command[0],
        target=ScheduleTarget.APPLICATION,
        shell="",
        text="",
        timeout_seconds=given["timeout_seconds"],
        command=command,
        **inside,
    )
    return Frozen(plan=plan.dump(), mask=mask)


def _inside(tx: Tx, schedule: Schedule, vault: Vault) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Where in the plan, and what must not show."""
    match schedule.target:
        case ScheduleTarget.APPLICATION:
            return _inside_application(tx, schedule.target_id or "", vault)
        case ScheduleTarget.COMPOSE:
            return _inside_compose(tx, schedule, vault)
        case ScheduleTarget.SERVER:
            username = of_servers.find(tx, schedule.target_id or "").access.username
            return {"home": "/root" if username == "root" else f"/home/{username}"}, ()
        case ScheduleTarget.PANEL:
            return {}, ()


def _inside_application(tx: Tx, application_id: str, vault: Vault) -> tuple[dict[str, Any], tuple[str, ...]]:
    application = of_applications.find(tx, application_id, vault)
    release = of_applications.serving(tx, application_id)
    if release is None:
        raise RunFailed(f"The application {application.name} was never deployed; deploy it first.")
    if application.wanted is not DesiredState.UP:
        raise RunFailed(f"The application {application.name} is stopped; start it first.")
    snapshot = open_snapshot(of_applications.spec_of(tx, release.release_id), vault)
    mask = known_secrets(tx, application, vault) | {*(snapshot.mask if snapshot is not None else ())}
    return {"runtime": release.runtime, "release_id": release.release_id}, tuple(sorted(mask))


def _inside_compose(tx: Tx, schedule: Schedule, vault: Vault) -> tuple[dict[str, Any], tuple[str, ...]]:
    compose = of_composes.find(tx, schedule.target_id or "", vault)
    release = of_composes.serving(tx, compose.service_id, vault)
    if release is None:
        raise RunFailed(f"The compose service {compose.name} was never deployed; deploy it first.")
    if compose.wanted is not DesiredState.UP:
        raise RunFailed(f"The compose service {compose.name} is stopped; start it first.")
    if schedule.service_name not in release.record.services:
        there = ", ".join(sorted(release.record.services))
        raise RunFailed(f"The compose service {compose.name} has no service {schedule.service_name}; it has: {there}.")
    mask = {*known_secrets_of_compose(tx, compose, vault), *release.record.secrets}
    return {"compose_id": compose.service_id, "service": schedule.service_name}, tuple(sorted(mask))
