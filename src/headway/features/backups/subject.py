"""What the core must know of backups: whose one is, and what a run is asked for with, by a person or by its timer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic

from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.model import Deployment, Lane, Request
from headway.core.deployments.run import Owner
from headway.core.deployments.store import give_to_project
from headway.core.engine.scheduler.cron import Cron
from headway.core.engine.scheduler.timer import CatchUp, Overlap, Policy, Tick
from headway.core.engine.scheduler.timers import Timers
from headway.features.backups.base import BackupJob, BackupTarget, P
from headway.features.backups.model import DEFAULT_TOTAL_SECONDS, B, BackupSettings
from headway.infra.db.transaction import Tx
from headway.kernel.errors import NotFound


class BackupSubject(Generic[B, P]):
    """What the core asks about a target's backups; fits ``core.deployments.run.Subject`` and the scheduler's
    ``Source``.
    """

    def __init__(self, target: BackupTarget[B, P], timers: Timers) -> None:
        self.noun = target.job.title
        self._target = target
        self._timers = timers

    def owner(self, tx: Tx, subject_id: str) -> Owner | None:
        """Whose the backup is."""
        return self._target.job.store.owner(tx, subject_id)

    def moved(self, tx: Tx, deployment: Deployment) -> None:
        """A backup has no status of its own, its newest deployment tells; its timer hears how its runs end."""
        self._timers.moved(tx, deployment)

    def request(self, tx: Tx, subject_id: str, tick: Tick) -> Request | None:
        """A run of the backup, which is due; None where it is gone, or what it is of: its files outlive that, and there
        is nothing to be read any more.
        """
        try:
            backup = self._target.job.store.find(tx, subject_id, self._target.transfer.vault)
        except NotFound:
            return None
        return self._target.request(tx, backup)


def timer_of(settings: BackupSettings) -> tuple[Cron, Policy] | None:
    """When a backup is due, None where it is started by hand only. One that nobody saw is made up for, once."""
    if not settings.schedule.strip():
        return None
    policy = Policy(overlap=Overlap.SKIP, catch_up=CatchUp.ONCE)
    return Cron(expression=settings.schedule, timezone=settings.timezone), policy


def request_of(job: BackupJob[B], backup: B, host_id: str, exclusive_key: str | None = None) -> Request:
    """A run that makes the backup: on the panel's machine, with effects on the host that what it is of is on. One at a
    time of the same backup, or of whatever else holds the ``exclusive_key``.
    """
    return Request(
        kind=job.kind,
        kind_version=job.version,
        subject_type=job.subject_type,
        subject_id=backup.backup_id,
        host_id=LOCAL_HOST,
        release_host_id=None if host_id == LOCAL_HOST else host_id,
        organization_id=backup.organization_id,
        project_id=backup.project_id,
        exclusive_key=exclusive_key or f"{job.kind}:{backup.backup_id}",
        lane=Lane.BACKUP,
        default_title=job.title,
        input={"total_seconds": backup.settings.total_seconds or DEFAULT_TOTAL_SECONDS},
    )


def restore_request(made: Request, kind: str, given: Mapping[str, object], title: str = "Restore") -> Request:
    """The same of a run that restores what is ``given``."""
    return replace(made, kind=kind, default_title=title, input={**made.input, **given})


def carry_along(job: BackupJob[B], tx: Tx, service_id: str, project_id: str) -> None:
    """The backups of a service, and their runs, go with it to another project."""
    for backup_id in job.store.give_to_project(tx, service_id, project_id):
        give_to_project(tx, job.subject_type, backup_id, project_id)
