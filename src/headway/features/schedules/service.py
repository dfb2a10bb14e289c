"""Use cases of schedules: make, change, look at, run now, delete; each asked of the policy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import field
from datetime import datetime

from headway.core.access.model import Actor, Role
from headway.core.access.policy import Missing, Noun, Permission, permit, sees
from headway.core.deployments import store as deployments
from headway.core.deployments.hosts import LOCAL_HOST
from headway.core.deployments.idempotency import Once, Queued
from headway.core.deployments.latest_runs import LatestRun, latest_runs
from headway.core.deployments.ledger import Ledger
from headway.core.deployments.model import Deployment, Request, SubjectType, asked_by
from headway.core.deployments.service import LogFiles, Stopping
from headway.core.deployments.status import Intent
from headway.core.deployments.store import DeploymentNotFound
from headway.core.deployments.subject_shutdown import end_unfinished
from headway.core.deployments.subjects import NOUNS
from headway.core.engine.scheduler.cron import Cron, checked
from headway.core.engine.scheduler.timer import Policy, Tick, Timer
from headway.core.engine.scheduler.timers import Timers
from headway.features.schedules import overview_store, powers, store
from headway.features.schedules.cleanup import clear
from headway.features.schedules.model import Schedule, ScheduleOverview, ScheduleTarget, Shell, Text, check
from headway.features.schedules.overview_store import ListedSchedule
from headway.features.schedules.subject import request_for
from headway.features.services.kinds import ServiceKinds
from headway.infra.db.engine import Database
from headway.infra.db.transaction import Tx
from headway.kernel.dataclass import dataclass
from headway.kernel.errors import Forbidden
from headway.kernel.ids import new_id

MOST_TICKS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRequest:
    """What a schedule is to be; ``target_id`` names the application, compose service or server it belongs to."""

    target: ScheduleTarget = ScheduleTarget.APPLICATION
    target_id: str | None = None
    service_name: str | None = None
    name: str
    description: str | None = None
    shell: Shell = Shell.BASH
    text: Text
    timeout_seconds: float | None = None
    keep_deployments: int | None = None
    keep_days: float | None = None
    cron: str
    timezone: str | None = None
    policy: Policy = field(default_factory=Policy)
    enabled: bool = True


class ScheduleService:
    """What callers may ask of schedules."""

    def __init__(
        self,
        *,
        db: Database,
        kinds: ServiceKinds,
        ledger: Ledger,
        stopping: Stopping,
        timers: Timers,
        logs: LogFiles,
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._kinds = kinds
        self._vault = kinds.vault
        self._ledger = ledger
        self._stopping = stopping
        self._timers = timers
        self._logs = logs
        self._now = now

    async def create(self, actor: Actor, permission: Permission, wish: ScheduleRequest) -> ScheduleOverview:
        """A new schedule. Raises InvalidInput with what is wrong, Missing, Forbidden."""
        cron = checked(wish.cron, wish.timezone, self._now())

        def write(tx: Tx) -> ScheduleOverview:
            target_id = self._require_target(tx, actor, permission, wish)
            schedule_id = new_id()
            schedule = _wished(wish, schedule_id, target_id, actor.organization_id, tx.now)
            self._check(schedule)
            store.add(tx, schedule, self._vault)
            powers.save(tx, actor, schedule)
            self._set(tx, schedule_id, cron, wish)
            return self._seen(tx, schedule)

        return await self._db.run(write)

    async def update(
        self,
        actor: Actor,
        permission: Permission,
        schedule_id: str,
        change: Callable[[ScheduleRequest], ScheduleRequest],
    ) -> ScheduleOverview:
        """Changes a schedule; what it runs in stays. A run that is under way goes on as it began. Raises InvalidInput
        with what is wrong, Missing, Forbidden.
        """

        def write(tx: Tx) -> ScheduleOverview:
            schedule = self._permitted(tx, actor, permission, schedule_id)
            wish = change(self._wish(tx, schedule))
            changed = _wished(wish, schedule_id, schedule.target_id, schedule.organization_id, schedule.created_at)
            self._check(changed)
            store.put(tx, changed, self._vault)
            powers.save(tx, actor, changed)
            self._set(tx, schedule_id, checked(wish.cron, wish.timezone, self._now()), wish)
            return self._seen(tx, changed)

        return await self._db.run(write)

    async def one(self, actor: Actor, permission: Permission, schedule_id: str) -> tuple[ScheduleOverview, list[Tick]]:
        """A schedule, and what became of its latest due times. Raises ScheduleNotFound."""

        def look(tx: Tx) -> tuple[ScheduleOverview, list[Tick]]:
            schedule = self._permitted(tx, actor, permission, schedule_id)
            ticks = self._timers.newest(tx, SubjectType.SCHEDULE, schedule_id, MOST_TICKS)
            return self._seen(tx, schedule), ticks

        return await self._db.read(look)

    async def of_target(
        self, actor: Actor, permission: Permission, target: ScheduleTarget, target_id: str
    ) -> list[ScheduleOverview]:
        """The schedules inside a service, or on the panel's machine (whatever ``target_id`` says). Raises Missing."""

        def look(tx: Tx) -> list[ScheduleOverview]:
            wish = ScheduleRequest(target=target, target_id=target_id, name="", text=Text(), cron="")
            inside = self._require_target(tx, actor, permission, wish)
            found = store.of_target(tx, target, inside, actor.organization_id, self._vault)
            return [self._seen(tx, each) for each in found]

        return await self._db.read(look)

    async def all(self, actor: Actor) -> list[tuple[ListedSchedule, Timer, LatestRun | None]]:
        """Every schedule that the caller may see, by name, with when it is due and its newest run."""
        organization_id = actor.organization_id

        def look(tx: Tx) -> list[tuple[ListedSchedule, Timer, LatestRun | None]]:
            mine = overview_store.ids(organization_id)
            timers = self._timers.of(tx, SubjectType.SCHEDULE, mine)
            runs = latest_runs(tx, SubjectType.SCHEDULE, mine)
            return [
                (each, timers[each.schedule_id], runs.get(each.schedule_id))
                for each in overview_store.of_organization(tx, organization_id)
                if each.schedule_id in timers  # else it was made since those were read
                and sees(actor, organization_id, None if each.place is None else each.place.project_id)
            ]

        return await self._db.read(look)

    async def run(
        self, actor: Actor, permission: Permission, schedule_id: str, *, once: Once | None = None
    ) -> tuple[Queued, Deployment | None]:
        """Queues a run now, whatever its times are; the deployment is None where it has been removed since. Raises
        KeyReused.
        """

        def request(tx: Tx) -> Request:
            made = request_for(tx, schedule_id, self._timers, self._vault, "Run by hand")
            if made is None:
                raise store.ScheduleNotFound
            return asked_by(actor, made)

        def write(tx: Tx) -> Queued:
            self._permitted(tx, actor, permission, schedule_id)
            return self._ledger.enqueue_once(tx, once, lambda: request(tx))

        queued = await self._db.run(write)
        with suppress(DeploymentNotFound):
            return queued, await self._db.read(lambda tx: deployments.find(tx, queued.deployment_id))
        return queued, None

    async def delete(self, actor: Actor, permission: Permission, schedule_id: str) -> ScheduleOverview:
        """Ends its runs and removes all of a schedule: its timer, its deployments and their logs."""

        def begin(tx: Tx) -> ScheduleOverview:
            seen = self._seen(tx, self._permitted(tx, actor, permission, schedule_id))
            store.begin_deletion(tx, schedule_id)
            self._timers.remove(tx, SubjectType.SCHEDULE, schedule_id)
            return seen

        seen = await self._db.run(begin)
        await end_unfinished(self._db, self._stopping, SubjectType.SCHEDULE, schedule_id, Intent.CANCEL)
        await clear(self._db, self._logs, schedule_id)
        return seen

    def _permitted(self, tx: Tx, actor: Actor, permission: Permission, schedule_id: str) -> Schedule:
        owner = store.owner(tx, schedule_id)
        if owner is None:
            raise store.ScheduleNotFound
        permit(actor, permission, owner.organization_id, owner.project_id, noun=Noun.SCHEDULE)
        return store.find(tx, schedule_id, self._vault)

    def _require_target(self, tx: Tx, actor: Actor, permission: Permission, wish: ScheduleRequest) -> str | None:
        """The id of what a schedule is to run in, which the caller may see; None for the panel's machine."""
        if wish.target in {ScheduleTarget.PANEL, ScheduleTarget.SERVER} and actor.role < Role.ADMIN:
            raise Forbidden("Schedules on machines are for owners and admins.")
        noun = _noun(wish.target)
        owner = store.owner_of_target(tx, wish.target, wish.target_id, actor.organization_id)
        if owner is None:
            raise Missing(noun)
        permit(actor, permission, owner.organization_id, owner.project_id, noun=noun)
        return None if wish.target is ScheduleTarget.PANEL else wish.target_id

    def _check(self, schedule: Schedule) -> None:
        inside = schedule.target.subject_type
        check(schedule, of_several=inside is not None and self._kinds.by_type[inside].scripts.of_several)

    def _set(self, tx: Tx, schedule_id: str, cron: Cron, wish: ScheduleRequest) -> None:
        self._timers.put(tx, SubjectType.SCHEDULE, schedule_id, cron, wish.policy, enabled=wish.enabled)

    def _seen(self, tx: Tx, schedule: Schedule) -> ScheduleOverview:
        timer = self._timers.one(tx, SubjectType.SCHEDULE, schedule.schedule_id)
        if timer is None:  # both are written in one transaction
            msg = f"schedule {schedule.schedule_id} has no timer"
            raise AssertionError(msg)
        last = self._timers.last_start(tx, SubjectType.SCHEDULE, schedule.schedule_id)
        return ScheduleOverview(schedule=schedule, timer=timer, last=last, run=store.last_run(tx, schedule.schedule_id))

    def _wish(self, tx: Tx, schedule: Schedule) -> ScheduleRequest:
        """What the schedule is, as if it was wished for now."""
        timer = self._seen(tx, schedule).timer
        return ScheduleRequest(
            target=schedule.target,
            target_id=schedule.target_id,
            service_name=schedule.service_name,
            name=schedule.name,
            description=schedule.description,
            shell=schedule.shell,
            text=schedule.text,
            timeout_seconds=schedule.timeout_seconds,
            keep_deployments=schedule.keep_deployments,
            keep_days=schedule.keep_days,
            cron=timer.cron.expression,
            timezone=timer.cron.timezone,
            policy=timer.policy,
            enabled=timer.enabled,
        )


def _noun(target: ScheduleTarget) -> Noun:
    if target.subject_type is not None:
        return NOUNS[target.subject_type]
    return Noun.SERVER if target is ScheduleTarget.SERVER else Noun.SCHEDULE


def _wished(
    wish: ScheduleRequest, schedule_id: str, target_id: str | None, organization_id: str, created_at: datetime
) -> Schedule:
    return Schedule(
        schedule_id=schedule_id,
        organization_id=organization_id,
        host_id=LOCAL_HOST,
        target=wish.target,
        target_id=target_id,
        service_name=wish.service_name,
        name=wish.name,
        app_name=f"schedule-{schedule_id[:8].lower()}",
        description=wish.description,
        shell=wish.shell,
        text=wish.text,
        timeout_seconds=wish.timeout_seconds,
        keep_deployments=wish.keep_deployments,
        keep_days=wish.keep_days,
        created_at=created_at,
    )
