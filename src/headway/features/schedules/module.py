"""Brings schedules: what runs at due times, or once, inside services and on hosts."""

from __future__ import annotations

from dataclasses import replace

from headway.core.deployments.model import SubjectType
from headway.core.engine.poller import Poller
from headway.features.schedules.cleanup import ScheduleCleanup
from headway.features.schedules.plan import freeze_run
from headway.features.schedules.run import ScheduleKind
from headway.features.schedules.subject import ScheduleSubject
from headway.features.services.application import runs
from headway.features.services.application.module import Applications
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.version import Unchanged
from headway.module import Base, Module


def install_schedules(base: Base, kinds: ServiceKinds, applications: Applications) -> Module:
    """Schedules, and what is run once."""
    db, vault, timers, stopping = base.db, base.vault, base.timers, base.engine.stopper
    subject = ScheduleSubject(timers=timers, vault=vault)
    scheduled = ScheduleKind(
        kinds=kinds,
        contexts=applications.lifecycle.driver.contexts,
        grace_seconds=base.settings.cancel_grace.total_seconds(),
        use_groups=base.settings.cgroups.wish is not False,
    )
    once = replace(scheduled, name=runs.KIND, version=runs.VERSION, repeatable_until=runs.COMMAND, freezes=freeze_run)
    clearing = ScheduleCleanup(
        db=db,
        unchanged=Unchanged(base.db.version),
        stopping=stopping,
        timers=timers,
        logs=base.logs,
        troubles=base.engine.troubles,
    )
    return Module(
        kinds=(scheduled, once),
        subjects={SubjectType.SCHEDULE: subject},
        timers={SubjectType.SCHEDULE: subject},
        loops=(Poller("schedules", clearing.clear_round),),
        keeps={SubjectType.SCHEDULE: subject.own},
    )
