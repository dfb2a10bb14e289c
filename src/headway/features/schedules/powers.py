"""What a schedule needs of a machine: its exact script, where it runs on one."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

from headway.core.access import allowances
from headway.core.access.machine import Need, Power
from headway.core.access.model import Actor
from headway.core.access.survey import Line, of_needs
from headway.features.schedules import store
from headway.features.schedules.model import Schedule, ScheduleTarget
from headway.infra.db.transaction import Tx
from headway.kernel.vault import Vault


def needs_of(schedule: Schedule) -> set[Need]:
    """What a schedule needs; nothing where it runs inside of a service."""
    if schedule.target not in {ScheduleTarget.PANEL, ScheduleTarget.SERVER}:
        return set()
    script = sha256(f"{schedule.shell}\n{schedule.text.whole}".encode()).hexdigest()
    server_id = schedule.target_id if schedule.target is ScheduleTarget.SERVER else None
    return {Need(power=Power.SCHEDULE, value=script, server_id=server_id)}


def save(tx: Tx, actor: Actor, schedule: Schedule) -> None:
    """Judges what the schedule needs, and writes down who allowed it. Raises MachineRefused."""
    allowances.save(tx, actor, schedule.schedule_id, needs_of(schedule))


def require_start(tx: Tx, schedule: Schedule) -> None:
    """Whether it may run now. Raises NotAllowed."""
    allowances.require(tx, schedule.organization_id, schedule.schedule_id, needs_of(schedule))


def survey(tx: Tx, vault: Vault) -> Iterator[Line]:
    """See ``Survey``."""
    for each in store.every(tx, vault):
        what = f"schedule {each.name} ({each.schedule_id})"
        yield from of_needs(tx, each.organization_id, each.schedule_id, what, needs_of(each))


def adopt_all(tx: Tx, vault: Vault) -> None:
    """Writes down what was so before anybody wrote down who allowed it."""
    for each in store.every(tx, vault):
        allowances.adopt(tx, each.organization_id, each.schedule_id, needs_of(each))
